"""Perl's Net::VNC: one picture for each call. It takes the first update as the whole picture; no LastRect."""

import subprocess
from pathlib import Path

from PIL import Image

import picture
from places import scratch
from waiting import DEADLINE

SCRIPT = Path(__file__).with_name("netvnc.pl")


def capture(port: int) -> Image.Image:
    file = scratch("netvnc") / "picture.png"
    argv = ["perl", SCRIPT, str(port), file]
    ended = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=DEADLINE)
    if ended.returncode != 0:
        raise AssertionError(f"Net::VNC ended with {ended.returncode}: {ended.stderr}")
    return picture.read(file)
