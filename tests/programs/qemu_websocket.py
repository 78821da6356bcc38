"""A real QEMU whose guest paints a picture and repeats its keys: both come out of a boot sector of our own."""

from pathlib import Path

from PIL import Image

import vncdo
from authority import Authority
from places import free_ports
from program import Program
from waiting import until

# VGA mode 13h, 320 by 200 with 256 colours; each pixel's colour is its address, low byte xor high byte. Then each key
# goes to QEMU's debug port.
BOOT_SECTOR = bytes.fromhex(
    "b81300 cd10"  # mov ax, 13h; int 10h
    "b800a0 8ec0"  # mov ax, a000h; mov es, ax
    "31ff fc"  # xor di, di; cld
    "89f8 30e0 aa"  # pixel: mov ax, di; xor al, ah; stosb
    "81ff00fa 75f5"  # cmp di, 64000; jne pixel
    "30e4 cd16"  # key: xor ah, ah; int 16h
    "e6e9 ebf8"  # out e9h, al; jmp key
)

# What the guest paints, as far as VGA has different colours for it.
COLOURS = 200


class Qemu(Program):
    """`port` is its VNC port; `websocket` the port on which it speaks VNC in a WebSocket, in TLS with an `authority`.

    With a `password` both ask for that.
    """

    def __init__(self, authority: Authority | None = None, password: str | None = None) -> None:
        super().__init__("qemu", [])
        # A display's number is what its port has above 5900.
        self.port = free_ports(2)
        self.websocket = self.port + 1
        disk = self.folder / "boot.img"
        disk.write_bytes(BOOT_SECTOR.ljust(510, b"\0") + b"\x55\xaa")
        self._keys: Path = self.folder / "keys"
        display = f"127.0.0.1:{self.port - 5900},websocket=127.0.0.1:{self.websocket}"
        more: list[str] = []
        if authority:
            more += ["-object", f"tls-creds-x509,id=tls,endpoint=server,verify-peer=off,dir={self._tls(authority)}"]
            display += ",tls-creds=tls"
        if password:
            secret = self.folder / "password"
            secret.touch(mode=0o600)
            secret.write_text(password)
            more += ["-object", f"secret,id=password,file={secret}"]
            display += ",password-secret=password"
        self.argv = ["qemu-system-x86_64", "-nodefaults", "-accel", "tcg", "-m", "16", "-vga", "std", *more]
        self.argv += ["-drive", f"file={disk},format=raw,if=ide", "-debugcon", f"file:{self._keys}", "-vnc", display]

    def has_read(self, text: str) -> None:
        """Waits until the guest has read these keys."""
        until(f"the keys {text!r} in the guest", lambda: text in self._keys.read_text(errors="replace"))

    def _tls(self, authority: Authority) -> Path:
        """A folder as QEMU wants it."""
        folder = self.folder / "tls"
        folder.mkdir()
        certificate, key = authority.certificate()
        for name, path in {"ca-cert": authority.pem, "server-cert": certificate, "server-key": key}.items():
            (folder / f"{name}.pem").write_bytes(path.read_bytes())
        return folder


def painted(capture: Image.Image) -> bool:
    """Whether this is the guest's own picture, not yet its firmware's."""
    return len(set(capture.getdata())) >= COLOURS


def capture(port: int, password: str | None = None) -> Image.Image:
    """The guest's picture, once it has painted it."""
    pictures: list[Image.Image] = []

    def look() -> bool:
        pictures[:] = [vncdo.capture(port, password)]
        return painted(pictures[0])

    until("the guest's picture", look)
    return pictures[0]
