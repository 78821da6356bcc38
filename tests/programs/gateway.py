"""`mksgate serve` with a configuration: consoles of a simulated host with every login method, or consoles at URLs."""

import json
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol
from urllib.request import urlopen

from authority import Authority
from places import MKSGATE, free_ports, private_file
from program import Program
from waiting import DEADLINE, until

# The login methods that a configuration can name; "+" joins several for one console.
METHODS = ["none", "vnc-password", "x509-none", "x509-vnc", "x509-plain"]

# The log line when a viewer does not trust the certificate: it sends a TLS alert, or just closes.
DISTRUSTED = "TLS with the viewer failed|the viewer closed the connection before it had logged in|connection failed"

# VNC authentication uses eight characters.
VNC_PASSWORD = "Pa55-wd!"
WRONG_VNC_PASSWORD = "Pa55-wd?"

USER = "ada"
USER_PASSWORD = "engine of 1843, analytical"
WRONG_USER_PASSWORD = "engine of 1822, difference"

# The log then also has the sessions whose viewer never sent a byte.
DEBUG = {"MKSGATE_LOG": "mksgate=debug"}


class Serve(Program):
    """The program with a configuration in its folder; it is ready when it listens on these ports.

    `files` are further files in that folder, which only their owner can read.
    """

    def __init__(
        self,
        configuration: str,
        ports: Iterable[int],
        files: dict[str, str | bytes] | None = None,
        options: tuple[str, ...] = (),
        env: dict[str, str] | None = None,
    ) -> None:
        super().__init__("mksgate", [], env)
        self.listening = list(ports)
        for name, content in ((files or {}) | {"gateway.toml": configuration}).items():
            private_file(self.folder / name, content)
        self.argv = [str(MKSGATE), "--config", str(self.folder / "gateway.toml"), *options, "serve"]

    def wait_until_ready(self) -> None:
        for port in self.listening:
            self.line(rf":{port} ")


class UrlGateway(Serve):
    """Consoles at URLs, without a vSphere.

    `ports` has one port for each name of `consoles`, whose values are the keys of its `[[console]]`.
    """

    def __init__(self, consoles: dict[str, str], files: dict[str, str | bytes] | None = None) -> None:
        first = free_ports(len(consoles))
        self.ports = {name: first + n for n, name in enumerate(consoles)}
        tables = [f"[[console]]\nport = {self.ports[name]}\n{keys}\n" for name, keys in consoles.items()]
        super().__init__("\n".join(tables), self.ports.values(), files, env={"MKSGATE_LOG": "trace"})

    def check_refusal(self, shown: str, reason: str, logged: str) -> None:
        """A viewer that was refused has `shown` the short reason; the log has the details under the same session number."""
        found = re.search(rf"CRITICAL.*(?:{reason}).* \(session ([0-9]+)\)", shown)
        if not found:
            raise AssertionError(f"{shown!r} does not match {reason!r}")
        closed = rf"session closed: .*(?:{logged}).* session={found[1]}\b"
        until(f"{logged!r} of session {found[1]} in the log", lambda: re.search(closed, self.stdout + self.stderr))


class Host(Protocol):
    """What a configuration has to know of a vSphere."""

    address: str
    sha256: str
    username: str
    password: str


class Gateway(Serve):
    """Consoles of a host, and the log as JSON.

    `ports` has one port for each (VM, method) of `consoles`; `authority` has signed its certificate.

    `gateway_keys` are further lines of `[gateway]`, `console_keys` those of each `[[console]]`, `vm_keys` those of the
    consoles of a VM; `options` come before the command.
    """

    def __init__(
        self,
        host: Host,
        consoles: list[tuple[str, str]],
        gateway_keys: str = "",
        console_keys: str = "",
        vm_keys: dict[str, str] | None = None,
        options: tuple[str, ...] = ("--log", "json"),
        env: dict[str, str] | None = None,
    ) -> None:
        self.admin = free_ports(len(consoles) + 1)
        self.ports = {behind: self.admin + 1 + n for n, behind in enumerate(consoles)}
        self.authority = Authority()
        self.certificate, self.key = self.authority.certificate()
        self.user = user_line(USER, USER_PASSWORD)
        files = {
            "users": f"{self.user}\n",
            "host-password": f"{host.password}\n",
            "vnc-password": f"{VNC_PASSWORD}\n",
        }
        configuration = self._configuration(host, gateway_keys, console_keys, vm_keys or {})
        super().__init__(configuration, self.ports.values(), files, options, env)

    def events(self) -> list[dict[str, Any]]:
        """The lines of the log so far."""
        complete = self.stderr.rpartition("\n")[0].splitlines()
        return [json.loads(line) for line in complete]

    def ends(self) -> list[dict[str, Any]]:
        """The lines on sessions that have ended."""
        return [event for event in self.events() if event["message"].startswith("session closed")]

    def end_after(self, known: int, words: str) -> dict[str, Any]:
        """Waits for the first such line that matches `words`, after as many lines as are `known`.

        The line on an earlier viewer may be among the new ones.
        """

        def look() -> list[dict[str, Any]]:
            return [end for end in self.ends()[known:] if re.search(words, end["message"])]

        return until(f"the end of a session in the log, with {words!r}", look)[0]

    def end_of(self, address: str, known: int) -> dict[str, Any]:
        """Waits for the line on the session of the viewer at this address, after as many lines as are `known`.

        An earlier viewer may have had the same port.
        """
        return until(
            f"the end of the session of {address} in the log",
            lambda: [end for end in self.ends()[known:] if end["viewer"] == address],
        )[0]

    def counted(self, metric: str) -> int:
        """The value of a counter in `/metrics`, by its name with its labels; 0 if it is not there."""
        with urlopen(f"http://127.0.0.1:{self.admin}/metrics", timeout=DEADLINE) as answer:
            lines = answer.read().decode().splitlines()
        found = [line.split()[-1] for line in lines if line.startswith(metric + " ")]
        return int(found[0]) if found else 0

    def descriptors(self) -> int:
        """How many file descriptors it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def memory(self) -> int:
        """The highest resident memory so far, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (peak,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(peak) // 1024

    def _configuration(self, host: Host, gateway_keys: str, console_keys: str, vm_keys: dict[str, str]) -> str:
        head = f"""
[gateway]
bind = "127.0.0.1"
drain_timeout = "5s"
{gateway_keys}

[admin]
listen = "127.0.0.1:{self.admin}"

[vsphere.lab]
address = "{host.address}"
username = "{host.username}"
password_file = "host-password"
trust = "sha256:{host.sha256}"
"""
        logins = sorted({login for _, login in self.ports} - {"none"})
        consoles = (
            f'\n[[console]]\nport = {port}\nvsphere = "lab"\nvm = "{vm}"\nauth = "{login}"\n{console_keys}\n'
            + vm_keys.get(vm, "")
            for (vm, login), port in self.ports.items()
        )
        return head + "".join(map(self._login, logins)) + "".join(consoles)

    def _login(self, login: str) -> str:
        """The section of a login, whose name is its methods, joined by a plus."""
        methods = login.split("+")
        lines = [f'\n[auth."{login}"]', f"methods = {json.dumps(methods)}"]
        if any("vnc" in method for method in methods):
            lines.append('password_file = "vnc-password"')
        if "x509-plain" in methods:
            lines.append('users_file = "users"')
        if any("x509" in method for method in methods):
            lines += [f'certificate = "{self.certificate}"', f'private_key = "{self.key}"']
        return "\n".join([*lines, ""])


def user_line(name: str, password: str) -> str:
    """A line for the users file, as `mksgate passwd` prints it."""
    argv = [str(MKSGATE), "passwd", name]
    made = subprocess.run(argv, input=password + "\n", text=True, capture_output=True, check=True, timeout=DEADLINE)
    return made.stdout.strip()
