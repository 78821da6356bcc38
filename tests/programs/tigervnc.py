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

# Every encoding that leaves the pixels as they are: Tight without JPEG is lossless too.
ENCODINGS = ["Raw", "Hextile", "ZRLE", "Tight"]

# The window's geometry as it is, no menu hint over the picture, errors to stderr instead of a dialog that nobody closes.
OPTIONS = [
    *["-Shared=1", "-RemoteResize=0", "-MenuKey=", "-AlertOnFatalError=0", "-ReconnectOnError=0"],
    *["-AutoSelect=0", "-NoJPEG=1", "-Log=*:stderr:30"],
]

# All of it, for whoever starts a viewer by a command line.
COMMAND = " ".join(["xtigervncviewer", *OPTIONS, "-PreferredEncoding=ZRLE"])


@dataclass(frozen=True)
class Colours:
    """How many colours the viewer asks for: the highest value that red, green and blue have then."""

    options: tuple[str, ...]
    highest: tuple[int, int, int]

    def of(self, image: Image.Image) -> Image.Image:
        """What is left of a picture: each intensity the nearest that there is, then as bright again as the viewer makes it."""
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
        """Types a line into the viewer's window, as somebody at the keyboard would."""
        window = self._window()
        self.screen.run("xdotool", "windowfocus", "--sync", window, "type", "--delay", "20", text)
        self.screen.run("xdotool", "key", "Return")

    def press(self, *keys: str) -> None:
        """Presses keys one after the other, each by its X keysym's name or its keycode; with a + those before it held."""
        self.screen.run("xdotool", "windowfocus", "--sync", self._window(), "key", "--delay", "20", *keys)

    @contextmanager
    def holding(self, key: str) -> Iterator[None]:
        """A key is down meanwhile, by its X keysym's name."""
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
    """The password as the viewer reads it from a file."""
    made = subprocess.run(["tigervncpasswd", "-f"], input=password.encode(), check=True, capture_output=True, timeout=30)
    path = scratch("tigervnc-password") / "passwd"
    path.touch(mode=0o600)
    path.write_bytes(made.stdout)
    return path
