"""A QEMU virtual machine, with QEMU's own VNC server and a small guest program of ours."""

import json
import socket
from pathlib import Path
from typing import Any

from PIL import Image

import machine_code
import picture
import scan_codes
from authority import Authority
from places import free_ports, private_file
from program import Program
from waiting import DEADLINE, until

# QEMU's VNC display number is the port minus this.
FIRST_PORT = 5900


class Qemu(Program):
    """`port` is its VNC port, on loopback; `websocket` the one on which it speaks VNC in a WebSocket, in TLS with an
    `authority`. With a `password` both ask for that. The guest shows its picture when `__enter__` returns.
    """

    def __init__(self, authority: Authority | None = None, password: str | None = None) -> None:
        super().__init__("qemu", [])
        self.port = free_ports(2)
        self.websocket = self.port + 1
        self.received: Path = self.folder / "received"
        disk = self.folder / "disk.img"
        disk.write_bytes(machine_code.disk())
        # Only these devices, and no acceleration, so that it is the same on every machine.
        self.argv = ["qemu-system-x86_64", "-no-user-config", "-nodefaults", "-machine", "pc", "-accel", "tcg", "-m", "16"]
        self.argv += ["-vga", "std", "-drive", f"file={disk},format=raw,if=ide", "-debugcon", f"file:{self.received}"]
        # Relative to the folder, because the path of a socket has at most 107 bytes.
        self.argv += ["-qmp", "unix:monitor,server=on,wait=off"]
        # Like ESXi, it ignores whether a client asks for an exclusive session.
        display = f"127.0.0.1:{self.port - FIRST_PORT},share=ignore,websocket=127.0.0.1:{self.websocket}"
        if authority:
            folder = self._certificates(authority)
            self.argv += ["-object", f"tls-creds-x509,id=tls,endpoint=server,verify-peer=off,dir={folder}"]
            display += ",tls-creds=tls"
        if password:
            secret = private_file(self.folder / "password", password)
            self.argv += ["-object", f"secret,id=password,file={secret}"]
            display += ",password-secret=password"
        self.argv += ["-vnc", display]

    def wait_until_ready(self) -> None:
        self.monitor = until("QEMU's monitor", self._monitor)
        until("the guest's picture", lambda: self.picture().size == machine_code.SIZE)
        picture.become_equal(self.picture, machine_code.picture)

    def __exit__(self, *exception: object) -> None:
        if hasattr(self, "monitor"):
            self.monitor.close()
        super().__exit__(*exception)

    def picture(self) -> Image.Image:
        """The guest's screen, by QEMU's screendump."""
        file = self.folder / "screen.ppm"
        self.monitor.execute("screendump", filename=str(file))
        return picture.read(file)

    def keys(self) -> list[tuple[int, bool]]:
        """The key events that the guest has received: scan code, and whether the key went down."""
        return scan_codes.keys(self.received.read_bytes()) if self.received.exists() else []

    def has_typed(self, text: str) -> None:
        """Waits until the text that the guest has received ends with this, and all keys are up."""

        def look() -> bool:
            keys = self.keys()
            return scan_codes.typed(keys).endswith(text) and not down(keys)

        until(f"the text {text!r} in the guest (it has {self.keys()})", look)

    def _certificates(self, authority: Authority) -> Path:
        """A folder with the file names that QEMU expects."""
        folder = self.folder / "tls"
        folder.mkdir()
        certificate, key = authority.certificate()
        for name, path in {"ca-cert": authority.pem, "server-cert": certificate, "server-key": key}.items():
            (folder / f"{name}.pem").write_bytes(path.read_bytes())
        return folder

    def _monitor(self) -> "Monitor | None":
        self.must_run()
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
        # QEMU sends a greeting, and expects the client's capabilities.
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
            # There may be events before the answer.
            if "return" in answer:
                return answer["return"]

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


def down(keys: list[tuple[int, bool]]) -> set[int]:
    """The keys that are down after these events."""
    held: set[int] = set()
    for code, is_down in keys:
        held = held | {code} if is_down else held - {code}
    return held
