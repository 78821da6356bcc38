"""Native viewers, started with what the page hands over: a file, a link, or a login as text."""

from collections.abc import Callable
from pathlib import Path

from PIL import Image

import gvnc
import remmina
from places import scratch
from program import Program
from screen import ViewerScreen
from tigervnc import OPTIONS
from waiting import NotYet, until


class Viewer(Program):
    """A viewer in a window under Xvfb; it has a home of its own, in which it trusts an authority."""

    def __init__(self, name: str, screen: ViewerScreen, argv: list[str], authority: Path) -> None:
        super().__init__(name, argv)
        self.screen = screen
        self.env |= {"DISPLAY": screen.display, "NO_AT_BRIDGE": "1", "GSETTINGS_BACKEND": "memory"}
        home = scratch(f"{name}-home")
        self.env |= gvnc.home_with(authority, home) | {"HOME": str(home)}
        self.env |= {f"XDG_{kind}_HOME": str(home / kind) for kind in ["DATA", "CONFIG", "CACHE"]}
        runtime = home / "runtime"
        runtime.mkdir(mode=0o700)
        self.env["XDG_RUNTIME_DIR"] = str(runtime)
        self.env.pop("DBUS_SESSION_BUS_ADDRESS", None)

    def shows(self, expected: Callable[[], Image.Image]) -> Image.Image:
        """Waits until the screen shows this picture, pixel for pixel; a photograph of the screen."""

        def look() -> Image.Image | None:
            seen = self.screen.picture()
            # Kept with the logs.
            seen.save(self.folder / "screen.png")
            if remmina.contains(seen, expected()):
                return seen
            if self.name == "remmina":
                self._enlarge()
            return None

        return until(f"the desktop in the window of {self.name}", look)

    def _enlarge(self) -> None:
        """Remmina's window has another size than the desktop, and is replaced while it connects."""
        size = ["windowsize", "%@", *map(str, remmina.WINDOW)]
        try:
            self.screen.run("xdotool", "search", "--onlyvisible", "--class", "remmina", *size)
        except RuntimeError as gone:
            raise NotYet(gone) from gone


def remote_viewer(screen: ViewerScreen, file: Path, authority: Path) -> Viewer:
    return Viewer("remote-viewer", screen, ["remote-viewer", str(file)], authority)


def with_remmina(screen: ViewerScreen, target: str, authority: Path) -> Viewer:
    """Remmina with a profile or a link."""
    return Viewer("remmina", screen, ["remmina", "-c", target], authority)


def with_tigervnc(screen: ViewerScreen, file: Path, login: dict[str, str], authority: Path) -> Viewer:
    """TigerVNC's viewer with a file; it takes the login from its environment."""
    options = [*OPTIONS, "-PreferredEncoding=ZRLE", f"-X509CA={authority}"]
    viewer = Viewer("tigervnc", screen, ["xtigervncviewer", *options, str(file)], authority)
    viewer.env |= login
    return viewer


def saved(name: str, text: str) -> Path:
    """A downloaded file."""
    path = scratch("downloads") / name
    path.write_text(text)
    return path
