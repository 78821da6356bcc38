"""TigerVNC's viewer, in a window under Xvfb."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

import picture
from places import scratch
from program import Program
from screen import ViewerScreen
from waiting import until

# All lossless encodings; Tight is one without JPEG.
ENCODINGS = ["Raw", "Hextile", "ZRLE", "Tight"]

# No resizing, no menu hint over the picture, and errors on stderr instead of in a dialog.
OPTIONS = [
    *["-Shared=1", "-RemoteResize=0", "-MenuKey=", "-AlertOnFatalError=0", "-ReconnectOnError=0"],
    *["-AutoSelect=0", "-NoJPEG=1", "-Log=*:stderr:30"],
]

# A command line for programs that start a viewer.
COMMAND = " ".join(["xtigervncviewer", *OPTIONS, "-PreferredEncoding=ZRLE"])


@dataclass(frozen=True)
class Colours:
    """The viewer's options for a number of colours, and the highest values of red, green and blue in that pixel format."""

    options: tuple[str, ...]
    highest: tuple[int, int, int]

    def of(self, image: Image.Image) -> Image.Image:
        """A picture with each value rounded to the nearest level, and scaled to 0 … 255 as the viewer does."""
        levels = [round(value * most / 255) * 255 // most for most in self.highest for value in range(256)]
        return image.point(levels)


FULL = Colours(("-FullColor=1",), (255, 255, 255))
MEDIUM = Colours(("-FullColor=0", "-LowColorLevel=2"), (7, 7, 3))
LOW = Colours(("-FullColor=0", "-LowColorLevel=1"), (3, 3, 3))
VERY_LOW = Colours(("-FullColor=0", "-LowColorLevel=0"), (1, 1, 1))
FEW = [MEDIUM, LOW, VERY_LOW]


class TigerVnc(Program):
    """One viewer, connected to a loopback port."""

    def __init__(
        self,
        screen: ViewerScreen,
        port: int,
        encoding: str = "ZRLE",
        password: str | None = None,
        colours: Colours = FULL,
    ) -> None:
        super().__init__("tigervnc", [])
        self.screen = screen
        self.env |= {"DISPLAY": screen.display, "HOME": str(self.folder)}
        login = [] if password is None else [f"-PasswordFile={password_file(password)}"]
        self.argv = ["xtigervncviewer", *OPTIONS, *colours.options, f"-PreferredEncoding={encoding}", *login]
        self.argv += [f"127.0.0.1::{port}"]

    def type_line(self, text: str) -> None:
        """Types a line into the viewer's window."""
        window = self._window()
        self.screen.run("xdotool", "windowfocus", "--sync", window, "type", "--delay", "20", text)
        self.screen.run("xdotool", "key", "Return")

    def press(self, *keys: str) -> None:
        """Presses keys one after the other, by the names of their keysyms or by keycodes; "a+b" holds a while b is pressed."""
        self.screen.run("xdotool", "windowfocus", "--sync", self._window(), "key", "--delay", "20", *keys)

    @contextmanager
    def holding(self, key: str) -> Iterator[None]:
        """Holds a key, given by the name of its keysym, during the `with` block."""
        self.screen.run("xdotool", "windowfocus", "--sync", self._window(), "keydown", key)
        try:
            yield
        finally:
            self.screen.run("xdotool", "keyup", key)

    def shows(self, expected: Callable[[], Image.Image]) -> None:
        """Waits until the window shows exactly the picture that `expected` returns at that time."""
        window = self._window()
        picture.become_equal(lambda: self.screen.picture(window), expected)

    def _window(self) -> str:
        until("the viewer's window", lambda: self._alive() and "Using pixel format" in self.stderr)
        return self.screen.window("TigerVNC Viewer")

    def _alive(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the viewer ended with {self.process.returncode}: {self.stderr}")
        return True


def password_file(password: str) -> Path:
    """A password file in the viewer's format."""
    made = subprocess.run(["tigervncpasswd", "-f"], input=password.encode(), check=True, capture_output=True, timeout=30)
    path = scratch("tigervnc-password") / "passwd"
    path.touch(mode=0o600)
    path.write_bytes(made.stdout)
    return path
