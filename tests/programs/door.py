"""mksgate with a front door: every way in that it knows, each behind a port of its own, and its log as objects."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Protocol
from urllib.request import urlopen

from authority import Authority
from places import MKSGATE, free_ports, scratch
from program import Program
from waiting import DEADLINE, until

# What `methods` may name, apart from several at once.
WAYS = ["none", "vnc-password", "x509-none", "x509-vnc", "x509-plain"]

# How the log has it when a viewer does not believe the certificate: with an alert, or by just hanging up.
DISTRUSTED = "TLS with the viewer failed|the viewer closed the connection before it had logged in|connection failed"

# Eight characters: all that the VNC password scheme looks at.
VNC_PASSWORD = "Door-42!"
WRONG_VNC_PASSWORD = "Door-43?"

USER = "ada"
USER_PASSWORD = "engine of 1843, analytical"
WRONG_USER_PASSWORD = "engine of 1822, difference"


# For a log that also has the sessions of which the viewer never said a byte.
DEBUG = {"MKSGATE_LOG": "mksgate=debug"}


class Host(Protocol):
    """What a configuration has to know of a vSphere."""

    address: str
    sha256: str
    username: str
    password: str


class Door(Program):
    """`ports` has one port for each (VM, way in) of `consoles`; `authority` has signed its certificate.

    `gateway` is added to the section of that name, `console` to each console, and `before` to the command's words.
    """

    def __init__(
        self,
        host: Host,
        consoles: list[tuple[str, str]],
        gateway: str = "",
        console: str = "",
        before: tuple[str, ...] = ("--log", "json"),
        env: dict[str, str] | None = None,
    ) -> None:
        super().__init__("mksgate", [], env)
        first = free_ports(len(consoles) + 1)
        self.admin = first
        self.ports = {behind: first + 1 + n for n, behind in enumerate(consoles)}
        self.authority = Authority()
        self.certificate, self.key = self.authority.certificate()
        self.users = _secret(self.folder / "users", user_line(USER, USER_PASSWORD))
        _secret(self.folder / "host-password", host.password)
        _secret(self.folder / "vnc-password", VNC_PASSWORD)
        configuration = self.folder / "gateway.toml"
        configuration.write_text(self._configuration(host, gateway, console))
        self.argv = [str(MKSGATE), "--config", str(configuration), *before, "serve"]

    def __enter__(self) -> "Door":
        super().__enter__()
        try:
            for port in self.ports.values():
                self.line(rf"\b{port}\b")
        except BaseException:
            self.__exit__()
            raise
        return self

    def events(self) -> list[dict[str, Any]]:
        """The log's lines so far."""
        complete = self.stderr.rpartition("\n")[0].splitlines()
        return [json.loads(line) for line in complete]

    def ends(self) -> list[dict[str, Any]]:
        """Those on sessions that have closed."""
        return [event for event in self.events() if event["message"].startswith("session closed")]

    def end_after(self, known: int, words: str) -> dict[str, Any]:
        """The first such line with these words in it, after as many lines as are `known`; waits for it.

        The line on a viewer that has just left may be among the new ones.
        """

        def look() -> list[dict[str, Any]]:
            return [end for end in self.ends()[known:] if re.search(words, end["message"])]

        return until(f"the end of a session in the log, with {words!r}", look)[0]

    def end_of(self, address: str, known: int) -> dict[str, Any]:
        """The line on the session of the viewer at this address; waits for it.

        `known` is how many such lines there were before it came: an earlier viewer may have had the same port.
        """
        return until(
            f"the end of the session of {address} in the log",
            lambda: [end for end in self.ends()[known:] if end["viewer"] == address],
        )[0]

    def counted(self, metric: str) -> int:
        """What `/metrics` says of a counter, named with its labels; 0 while it does not name it."""
        with urlopen(f"http://127.0.0.1:{self.admin}/metrics", timeout=DEADLINE) as answer:
            lines = answer.read().decode().splitlines()
        found = [line.split()[-1] for line in lines if line.startswith(metric + " ")]
        return int(found[0]) if found else 0

    def descriptors(self) -> int:
        """How many it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def memory(self) -> int:
        """The most that was ever resident, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (peak,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(peak) // 1024

    def _configuration(self, host: Host, gateway: str, console: str) -> str:
        head = f"""
[gateway]
bind = "127.0.0.1"
drain_timeout = "5s"
{gateway}

[admin]
listen = "127.0.0.1:{self.admin}"

[vsphere.lab]
address = "{host.address}"
username = "{host.username}"
password_file = "host-password"
trust = "sha256:{host.sha256}"
"""
        ways = sorted({way for _, way in self.ports} - {"none"})
        consoles = (
            f'\n[[console]]\nport = {port}\nvsphere = "lab"\nvm = "{vm}"\nauth = "{way}"\n{console}\n'
            for (vm, way), port in self.ports.items()
        )
        return head + "".join(map(self._way, ways)) + "".join(consoles)

    def _way(self, way: str) -> str:
        """A way in, which has the name of its methods, joined by a plus."""
        methods = way.split("+")
        lines = [f'\n[auth."{way}"]', f"methods = {json.dumps(methods)}"]
        if any("vnc" in method for method in methods):
            lines.append('password_file = "vnc-password"')
        if "x509-plain" in methods:
            lines.append('users_file = "users"')
        if any("x509" in method for method in methods):
            lines += [f'certificate = "{self.certificate}"', f'private_key = "{self.key}"']
        return "\n".join([*lines, ""])


def user_line(name: str, password: str) -> str:
    """What the program itself prints for the users file."""
    argv = [str(MKSGATE), "passwd", name]
    made = subprocess.run(argv, input=password + "\n", text=True, capture_output=True, check=True, timeout=DEADLINE)
    return made.stdout.strip()


def secret_file(name: str, text: str | bytes) -> Path:
    """A file in a folder of its own that nobody else can read."""
    return _secret(scratch(name) / name, text)


def _secret(path: Path, text: str | bytes) -> Path:
    path.touch(mode=0o600)
    path.write_bytes(text if isinstance(text, bytes) else text.encode() + b"\n")
    return path
