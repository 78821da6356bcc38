"""vncdotool's command line, one call for each visit to a port."""

import subprocess
import sys
from pathlib import Path

from PIL import Image

import picture
from places import scratch

# For the whole visit; a picture of the desktop takes less than a second.
SECONDS = 60


def visit(port: int, *actions: str | Path, password: str | None = None) -> subprocess.CompletedProcess[str]:
    """Connects, does the actions in order, and leaves."""
    login = [] if password is None else ["--password", password]
    argv = [_program(), "--server", f"127.0.0.1::{port}", *login, "--timeout", str(SECONDS), "--nocursor"]
    argv += [str(action) for action in actions]
    return subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=SECONDS + 10)


def capture(port: int, password: str | None = None) -> Image.Image:
    """The picture that the port shows."""
    folder = scratch("vncdotool")
    # The first rectangle of a session is put into the corner, wherever it belongs: right only when it is the whole
    # screen. The second capture paints over that.
    ended = visit(port, "capture", folder / "first.png", "capture", folder / "second.png", password=password)
    if ended.returncode != 0:
        raise AssertionError(f"vncdo ended with {ended.returncode}: {ended.stderr}")
    return picture.read(folder / "second.png")


def _program() -> str:
    return str(Path(sys.executable).parent / "vncdo")
