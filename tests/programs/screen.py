"""X servers without a screen: Xvfb for the viewers' windows, and what can be done with any X display."""

import io
import subprocess

from PIL import Image

from picture import SIZE
from program import Program
from waiting import DEADLINE


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
        """What has to be on the display before it is used; may be overridden."""

    def run(self, *argv: str) -> bytes:
        """Runs a short program on this display; its output."""
        env = {**self.server.env, "DISPLAY": self.display}
        ended = subprocess.run(argv, env=env, capture_output=True, stdin=subprocess.DEVNULL, timeout=DEADLINE)
        if ended.returncode != 0:
            raise RuntimeError(f"{argv[0]} ended with {ended.returncode}: {ended.stderr.decode(errors='replace')}")
        return ended.stdout

    def picture(self, window: str = "root") -> Image.Image:
        """What a window shows now, without the pointer."""
        return Image.open(io.BytesIO(self.run("import", "-window", window, "png:-"))).convert("RGB")

    def become_keyboard(self, layout: str) -> None:
        """From here on its keyboard has this layout of XKB's."""
        self.run("setxkbmap", layout)

    def window(self, kind: str) -> str:
        """The id of the first visible window of a class; waits until there is one."""
        ids = self.run("xdotool", "search", "--sync", "--onlyvisible", "--class", kind)
        return ids.decode().split()[0]


class ViewerScreen(Screen):
    """Xvfb, with room for a viewer's window and what a toolkit puts around it."""

    def __init__(self) -> None:
        width, height = SIZE
        super().__init__("xvfb", ["Xvfb", "-noreset", "-screen", "0", f"{width + 200}x{height + 200}x24"])
