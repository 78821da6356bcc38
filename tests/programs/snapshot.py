"""vncsnapshot, which speaks RFB 3.3: one picture for each call, as JPEG."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageChops, ImageStat

import picture
from places import scratch
from tigervnc import password_file
from waiting import DEADLINE

# What it adds to a display's number.
FIRST_PORT = 5900

# JPEG at its best leaves far less of a difference, another picture of the same kind far more.
JPEG_NOISE = 5.0


@dataclass
class Visit:
    """What became of a call: its exit code, what it said, and the file that it may have written."""

    code: int
    said: str
    file: Path

    def picture(self) -> Image.Image:
        if self.code != 0:
            raise AssertionError(f"vncsnapshot ended with {self.code}: {self.said}")
        return picture.read(self.file)


def visit(port: int, password: str) -> Visit:
    file = scratch("vncsnapshot") / "picture.jpg"
    # With its own choice of encodings it hangs, on a direct connection to Xvnc as well.
    options = ["-encodings", "raw", "-quality", "100", "-passwd", password_file(password)]
    argv = ["vncsnapshot", *options, f"127.0.0.1:{port - FIRST_PORT}", file]
    ended = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=DEADLINE)
    return Visit(ended.returncode, ended.stdout + ended.stderr, file)


def mean_difference(one: Image.Image, other: Image.Image) -> float:
    """From 0, equal, to 255; for pictures that went through JPEG, which never leaves them as they are."""
    if one.size != other.size:
        return 255.0
    bands = ImageStat.Stat(ImageChops.difference(one, other)).mean
    return sum(bands) / len(bands)
