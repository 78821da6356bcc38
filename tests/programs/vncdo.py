"""vncdotool's command line, one call for each connection."""

import subprocess
import sys
from pathlib import Path

from PIL import Image

import picture
from places import scratch

# For a whole call; a picture of the desktop takes less than a second.
SECONDS = 60


def visit(port: int, *actions: str | Path, password: str | None = None) -> subprocess.CompletedProcess[str]:
    """Connects, does the actions in order, and disconnects."""
    argv = command(port, *actions, password=password)
    return subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=SECONDS + 10)


def command(port: int, *actions: str | Path, password: str | None = None) -> list[str]:
    """The command line of such a call."""
    login = [] if password is None else ["--password", password]
    argv = [_program(), "--server", f"127.0.0.1::{port}", *login, "--timeout", str(SECONDS), "--nocursor"]
    return argv + [str(action) for action in actions]


def refusal(port: int, password: str | None = None) -> str:
    """Connects to a port that must refuse it; vncdotool's error."""
    ended = visit(port, "key", "a", password=password)
    if ended.returncode == 0:
        raise AssertionError(f"port {port} has let vncdotool in")
    return ended.stderr


def capture(port: int, password: str | None = None) -> Image.Image:
    """The picture that the port shows."""
    folder = scratch("vncdotool")
    # vncdotool puts the first rectangle of a session into the corner, which is right only for a rectangle of the whole
    # screen. The second capture is complete.
    ended = visit(port, "capture", folder / "first.png", "capture", folder / "second.png", password=password)
    if ended.returncode != 0:
        raise AssertionError(f"vncdo ended with {ended.returncode}: {ended.stderr}")
    return picture.read(folder / "second.png")


def _program() -> str:
    return str(Path(sys.executable).parent / "vncdo")
