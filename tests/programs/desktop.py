"""A real desktop: Xvnc with a full-screen picture, and an xterm whose shell writes the typed lines to a file."""

from pathlib import Path

import picture
from places import free_ports
from program import Program
from screen import Screen
from waiting import until

# Not in the corner, so that a shifted picture is noticed; small, so that most of the picture is visible.
XTERM = "40x8+100+100"

# A part of the picture that the xterm does not cover.
CORNER = (400, 300, 800, 600)


class Desktop(Screen):
    """`port` is Xvnc's own VNC port, on loopback, without a password."""

    def __init__(self) -> None:
        self.port = free_ports()
        width, height = picture.SIZE
        super().__init__(
            "xvnc",
            # Without -noreset, Xvnc clears the picture when the program that painted it disconnects as the last client.
            ["Xvnc", "-noreset", "-rfbport", str(self.port), "-interface", "127.0.0.1", "-SecurityTypes", "None", "-AlwaysShared"]
            # By default Xvnc blocks an address after five failed or concurrent connections.
            + ["-BlacklistThreshold", "1000"]
            + ["-geometry", f"{width}x{height}", "-depth", "24"],
        )
        self.typed: Path = self.server.folder / "typed"
        self.xterm: Program | None = None

    def prepare(self) -> None:
        image = self.server.folder / "picture.png"
        picture.make(image)
        with Program("display", ["display", "-window", "root", image], {"DISPLAY": self.display}) as painter:
            # Its exit code is 1 even on success; the comparison below decides.
            painter.ended()
        self._start_xterm()
        shown = self.picture()
        if picture.difference(shown.crop(CORNER), picture.read(image).crop(CORNER)):
            raise RuntimeError("Xvnc does not show the picture")

    def __exit__(self, *_: object) -> None:
        if self.xterm:
            self.xterm.__exit__()
        super().__exit__()

    def lines(self) -> list[str]:
        """The lines that the xterm's shell has read so far."""
        return self.typed.read_text().splitlines() if self.typed.exists() else []

    def has_read(self, line: str) -> None:
        """Waits until the xterm's shell has read this line."""
        until(f"the line {line!r} in the shell's file (it has {self.lines()})", lambda: line in self.lines())

    def _start_xterm(self) -> None:
        shell = 'while IFS= read -r line; do printf "%s\\n" "$line" >> "$1"; done'
        argv = ["xterm", "-geometry", XTERM, "-e", "sh", "-c", shell, "sh", self.typed]
        self.xterm = Program("xterm", argv, {"DISPLAY": self.display})
        self.xterm.__enter__()
        # Without a window manager it has no keyboard focus otherwise.
        self.run("xdotool", "windowfocus", "--sync", self.window("xterm"))
        self.run("xdotool", "mousemove", "5", "5")
