"""X displays: what can be done with any of them, and Xvfb for the windows of viewers."""

import io
import subprocess

from PIL import Image

from picture import SIZE
from places import scratch
from program import Program
from waiting import DEADLINE, NotYet, until


class Screen:
    """An X server that chooses its own display number; `display` is that number's name."""

    def __init__(self, name: str, argv: list[str]) -> None:
        self.server = Program(name, [*argv, "-displayfd", "1", "-nolisten", "tcp"])

    def __enter__(self):
        self.server.__enter__()
        try:
            self.display = ":" + self.server.line(r"^(\d+)$")[1]
            self.prepare()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__()

    def prepare(self) -> None:
        """Prepares the display before it is used; may be overridden."""

    def run(self, *argv: str) -> bytes:
        """Runs a short program on this display; its output."""
        ended = self._ended(*argv)
        if ended.returncode != 0:
            raise RuntimeError(_how(ended))
        return ended.stdout

    def picture(self, window: str = "root") -> Image.Image:
        """A picture of a window, without the pointer. Raises `NotYet` if the window is being moved or closed."""
        ended = self._ended("import", "-window", window, "png:-")
        if ended.returncode != 0:
            raise NotYet(_how(ended))
        return Image.open(io.BytesIO(ended.stdout)).convert("RGB")

    def set_layout(self, layout: str) -> None:
        """Sets the XKB layout of its keyboard."""
        self.run("setxkbmap", layout)

    def window(self, kind: str) -> str:
        """The id of the first visible window of a class; waits until there is one."""
        return self._search("--class", kind)

    def titled(self, title: str) -> str:
        """Likewise, of the first whose title matches this expression."""
        return self._search("--name", title)

    def _search(self, by: str, what: str) -> str:
        # xdotool fails if any window is closed during the search; the next search may succeed.
        def look() -> list[bytes]:
            return self._ended("xdotool", "search", "--onlyvisible", by, what).stdout.split()

        return until(f"a window with {by} {what}", look)[0].decode()

    def _ended(self, *argv: str) -> subprocess.CompletedProcess[bytes]:
        env = {**self.server.env, "DISPLAY": self.display}
        return subprocess.run(argv, env=env, capture_output=True, stdin=subprocess.DEVNULL, timeout=DEADLINE)


def _how(ended: subprocess.CompletedProcess[bytes]) -> str:
    return f"{ended.args[0]} ended with {ended.returncode}: {ended.stderr.decode(errors='replace')}"


class ViewerScreen(Screen):
    """Xvfb, large enough for a viewer's window with its toolbars."""

    def __init__(self) -> None:
        width, height = SIZE
        super().__init__("xvfb", ["Xvfb", "-noreset", "-screen", "0", f"{width + 200}x{height + 200}x24"])


class ManagedScreen(Screen):
    """Xvfb with a window manager, so that windows have frames and titles as on a desktop; for photographs of them."""

    def __init__(self) -> None:
        width, height = SIZE
        super().__init__("xvfb", ["Xvfb", "-noreset", "-screen", "0", f"{width + 200}x{height + 200}x24"])
        self.manager: Program | None = None

    def prepare(self) -> None:
        home = scratch("openbox-home")
        env = {"DISPLAY": self.display, "HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_CACHE_HOME": str(home)}
        self.manager = Program("openbox", ["openbox"], env)
        self.manager.__enter__()
        until("openbox to manage windows", lambda: self._ended("xdotool", "get_desktop").returncode == 0)
        self.run("xsetroot", "-solid", "#4a5560")
        # Out of the way of all windows.
        self.run("xdotool", "mousemove", "0", "0")

    def __exit__(self, *_: object) -> None:
        if self.manager:
            self.manager.__exit__()
        super().__exit__()

    def photograph(self, window: str) -> Image.Image:
        """A window with its frame and title, as it is now."""
        ended = self._ended("import", "-frame", "-window", window, "png:-")
        if ended.returncode != 0:
            raise NotYet(_how(ended))
        return Image.open(io.BytesIO(ended.stdout)).convert("RGB")

    def press(self, window: str, *keys: str) -> None:
        """Gives a window the keyboard, and presses keys one after the other, each by its X keysym's name."""
        self.run("xdotool", "windowactivate", "--sync", window)
        if keys:
            self.run("xdotool", "key", "--delay", "20", *keys)

    def fill_in(self, dialog: str, *fields: str) -> None:
        """Types into the fields of a dialog, and confirms it."""
        self.press(dialog)
        for number, field in enumerate(fields):
            if number > 0:
                self.run("xdotool", "key", "Tab")
            self.run("xdotool", "type", "--delay", "20", field)
        self.run("xdotool", "key", "Return")
