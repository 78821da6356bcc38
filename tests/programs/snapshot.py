"""vncsnapshot, which speaks RFB 3.3: one picture for each call, as JPEG."""

import subprocess

from PIL import Image, ImageChops, ImageStat

from places import scratch
from tigervnc import password_file
from visit import Visit
from waiting import DEADLINE

# vncsnapshot takes a display number, which is the port minus this.
FIRST_PORT = 5900

# The mean difference of a picture that went through JPEG is far less, that of another picture far more.
JPEG_NOISE = 5.0


def visit(port: int, password: str) -> Visit:
    file = scratch("vncsnapshot") / "picture.jpg"
    # With its default encodings it hangs, also on a direct connection to Xvnc.
    options = ["-encodings", "raw", "-quality", "100", "-passwd", password_file(password)]
    argv = ["vncsnapshot", *options, f"127.0.0.1:{port - FIRST_PORT}", file]
    ended = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=DEADLINE)
    return Visit("vncsnapshot", ended.returncode, ended.stdout + ended.stderr, file)


def mean_difference(one: Image.Image, other: Image.Image) -> float:
    """From 0, equal, to 255; for pictures that went through JPEG."""
    if one.size != other.size:
        return 255.0
    bands = ImageStat.Stat(ImageChops.difference(one, other)).mean
    return sum(bands) / len(bands)
