"""A virtual machine that is one: QEMU, whose VNC server is the desktop and whose guest is a small program of ours."""

import json
import socket
from pathlib import Path
from typing import Any

from PIL import Image

import machine_code
import picture
import scan_codes
from authority import Authority
from places import free_ports
from program import Program
from waiting import DEADLINE, until

# What QEMU adds to a display's number.
FIRST_PORT = 5900


class Qemu(Program):
    """`port` is its VNC port, on loopback; `websocket` the one on which it speaks VNC in a WebSocket, in TLS with an
    `authority`. With a `password` both ask for that. The guest shows its picture when `__enter__` returns.
    """

    def __init__(self, authority: Authority | None = None, password: str | None = None) -> None:
        super().__init__("qemu", [])
        self.port = free_ports(2)
        self.websocket = self.port + 1
        self.heard: Path = self.folder / "heard"
        disk = self.folder / "disk.img"
        disk.write_bytes(machine_code.disk())
        # Nothing but what is named here, and no acceleration: it is the same on every machine.
        self.argv = ["qemu-system-x86_64", "-no-user-config", "-nodefaults", "-machine", "pc", "-accel", "tcg", "-m", "16"]
        self.argv += ["-vga", "std", "-drive", f"file={disk},format=raw,if=ide", "-debugcon", f"file:{self.heard}"]
        # Relative, since a socket's name may be no longer than 107 bytes; it is started in its folder.
        self.argv += ["-qmp", "unix:monitor,server=on,wait=off"]
        # As ESXi, it is to ignore whether a client wants to be alone.
        display = f"127.0.0.1:{self.port - FIRST_PORT},share=ignore,websocket=127.0.0.1:{self.websocket}"
        if authority:
            folder = self._certificates(authority)
            self.argv += ["-object", f"tls-creds-x509,id=tls,endpoint=server,verify-peer=off,dir={folder}"]
            display += ",tls-creds=tls"
        if password:
            secret = self.folder / "password"
            secret.touch(mode=0o600)
            secret.write_text(password)
            self.argv += ["-object", f"secret,id=password,file={secret}"]
            display += ",password-secret=password"
        self.argv += ["-vnc", display]

    def __enter__(self) -> "Qemu":
        super().__enter__()
        try:
            self.monitor = until("QEMU's monitor", self._monitor)
            until("the guest's picture", lambda: self.picture().size == machine_code.SIZE)
            picture.become_equal(self.picture, machine_code.picture)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        if hasattr(self, "monitor"):
            self.monitor.close()
        super().__exit__(*exception)

    def picture(self) -> Image.Image:
        """What the guest's screen shows now, as QEMU itself tells it."""
        file = self.folder / "screen.ppm"
        self.monitor.execute("screendump", filename=str(file))
        return picture.read(file)

    def keys(self) -> list[tuple[int, bool]]:
        """The keys that the guest has heard, by scan code, with whether each went down."""
        return scan_codes.keys(self.heard.read_bytes()) if self.heard.exists() else []

    def has_typed(self, text: str) -> None:
        """Waits until what the guest has heard ends with this text, all its keys up."""

        def look() -> bool:
            keys = self.keys()
            return scan_codes.typed(keys).endswith(text) and not down(keys)

        until(f"the text {text!r} in the guest (it has {self.keys()})", look)

    def _certificates(self, authority: Authority) -> Path:
        """A folder as QEMU wants it."""
        folder = self.folder / "tls"
        folder.mkdir()
        certificate, key = authority.certificate()
        for name, path in {"ca-cert": authority.pem, "server-cert": certificate, "server-key": key}.items():
            (folder / f"{name}.pem").write_bytes(path.read_bytes())
        return folder

    def _monitor(self) -> "Monitor | None":
        if self.process.poll() is not None:
            raise RuntimeError(f"QEMU ended with {self.process.returncode}: {self.stderr}")
        try:
            return Monitor(self.folder)
        except (FileNotFoundError, ConnectionRefusedError):
            return None


class Monitor:
    """QEMU's monitor: commands and answers in lines of JSON."""

    def __init__(self, folder: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(DEADLINE)
        try:
            self._socket.connect(str(folder / "monitor"))
        except BaseException:
            self._socket.close()
            raise
        self._lines = self._socket.makefile("rw")
        # It begins with a greeting, and waits for what its client can do.
        self._lines.readline()
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: Any) -> Any:
        """The command's result, once it is done."""
        self._lines.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self._lines.flush()
        while True:
            answer = json.loads(self._lines.readline())
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")
            # Events come between.
            if "return" in answer:
                return answer["return"]

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


def down(keys: list[tuple[int, bool]]) -> set[int]:
    """The keys that are down after all of these."""
    held: set[int] = set()
    for code, is_down in keys:
        held = held | {code} if is_down else held - {code}
    return held
