"""Remmina, in a window under Xvfb, started with a profile."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from PIL import Image

import picture
from program import Program
from screen import ViewerScreen
from waiting import DEADLINE, NotYet, until

# The corner of the desktop is within so many pixels: the toolbar is on the left, the tabs are above.
MARGIN = 100

# Large enough for the toolbar and most of the desktop.
WINDOW = (880, 700)


class Remmina(Program):
    """One viewer, connected to a loopback port."""

    def __init__(
        self, screen: ViewerScreen, port: int, password: str, user: str = "", authority: Path | None = None
    ) -> None:
        super().__init__("remmina", [])
        self.screen = screen
        self.env |= {"DISPLAY": screen.display, "NO_AT_BRIDGE": "1", "GSETTINGS_BACKEND": "memory"}
        # None of the user's settings, and no D-Bus session on which another Remmina may run.
        self.env |= {name: str(self._home(name)) for name in ["HOME", "XDG_RUNTIME_DIR"]}
        self.env |= {f"XDG_{kind}_HOME": str(self._home(kind)) for kind in ["DATA", "CONFIG", "CACHE"]}
        self.env.pop("DBUS_SESSION_BUS_ADDRESS", None)
        profile = self.folder / "console.remmina"
        lines = ["[remmina]", "name=console", "protocol=VNC", f"server=127.0.0.1:{port}"]
        # Lossless, and the window as it is.
        lines += ["quality=9", "colordepth=32", "scale=0", "viewmode=1"]
        lines += [f"username={user}"] if user else []
        lines += [f"cacert={authority}"] if authority else []
        profile.write_text("\n".join(lines) + "\n")
        # It stores passwords in a format of its own, which this command writes.
        subprocess.run(
            ["remmina", "--update-profile", profile, "--set-option", f"password={password}"],
            env=self.env,
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=DEADLINE,
        )
        self.argv = ["remmina", "-c", str(profile)]

    def shows(self, expected: Callable[[], Image.Image]) -> None:
        """Waits until the window shows the picture that `expected` returns, as much of it as fits."""
        shows(self.screen, "console", expected)

    def _home(self, name: str) -> Path:
        folder = self.folder / name.lower()
        folder.mkdir(mode=0o700)
        return folder


def shows(screen: ViewerScreen, console: str, expected: Callable[[], Image.Image]) -> None:
    """Waits until its window for the console of this name shows a picture, as much of it as fits."""

    def look() -> bool:
        window = screen.titled(f"^{console}$")
        seen = screen.picture(window)
        if contains(seen, expected()):
            return True
        # While it connects it resizes its window, or opens another one.
        if seen.size != WINDOW:
            try:
                screen.run("xdotool", "windowsize", window, *map(str, WINDOW))
            except RuntimeError as gone:
                raise NotYet(gone) from gone
        return False

    until("the desktop in Remmina's window", look)


def contains(window: Image.Image, desktop: Image.Image) -> bool:
    """Whether the desktop is in the window, its upper left corner within the margin, most of it visible."""
    for y in range(MARGIN):
        for x in range(MARGIN):
            width, height = min(window.width - x, desktop.width), min(window.height - y, desktop.height)
            if width * 10 < desktop.width * 9 or height * 10 < desktop.height * 9:
                continue
            if not _begins_alike(window, desktop, x, y):
                continue
            seen = window.crop((x, y, x + width, y + height))
            if picture.difference(seen, desktop.crop((0, 0, width, height))) == "":
                return True
    return False


def _begins_alike(window: Image.Image, desktop: Image.Image, x: int, y: int) -> bool:
    """Compares a few pixels, which is faster than all of them."""
    return all(window.getpixel((x + n, y + n)) == desktop.getpixel((n, n)) for n in (3, 7, 20))
