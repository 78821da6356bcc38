"""TightVNC's viewer for X, in a window under Xvfb."""

from collections.abc import Callable

from PIL import Image

import picture
from places import scratch
from program import Program
from screen import ViewerScreen
from tigervnc import password_file


class TightVnc(Program):
    """One viewer, connected to a loopback port. It asks for a lossless encoding."""

    def __init__(self, screen: ViewerScreen, port: int, password: str) -> None:
        super().__init__("tightvnc", [])
        self.screen = screen
        self.env |= {"DISPLAY": screen.display, "HOME": str(scratch("tightvnc-home"))}
        options = ["-encodings", "hextile", "-x11cursor", "-passwd", str(password_file(password))]
        self.argv = ["xtightvncviewer", *options, f"127.0.0.1::{port}"]

    def shows(self, expected: Callable[[], Image.Image]) -> None:
        """Waits until the window shows exactly the picture that `expected` returns at that time."""
        window = self.screen.window("Vncviewer")
        picture.become_equal(lambda: self.screen.picture(window), expected)
