"""gvnccapture, the command line of gtk-vnc: one picture for each call."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

import picture
from places import scratch
from terminal import converse

# What it adds to its idea of a display's number.
FIRST_PORT = 5900


@dataclass
class Visit:
    """What became of a call: its exit code, what it said, and the file that it may have written."""

    code: int
    said: str
    file: Path

    def picture(self) -> Image.Image:
        if self.code != 0:
            raise AssertionError(f"gvnccapture ended with {self.code}: {self.said}")
        return picture.read(self.file)


def visit(port: int, answers: dict[str, str] | None = None, authority: Path | None = None) -> Visit:
    """Connects, answers what it asks, takes a picture and leaves; `authority` is the one that it believes."""
    folder = scratch("gvnccapture")
    env = {**os.environ, "LC_ALL": "C.UTF-8"}
    if authority:
        env |= _home_with(authority, folder)
    file = folder / "picture.png"
    code, said = converse(["gvnccapture", f"127.0.0.1:{port - FIRST_PORT}", str(file)], answers or {}, env)
    return Visit(code, said, file)


def _home_with(authority: Path, folder: Path) -> dict[str, str]:
    """It looks for authorities in the home that the system knows of, whatever HOME says: a wrapper says another."""
    (folder / ".pki" / "CA").mkdir(parents=True)
    shutil.copy(authority, folder / ".pki" / "CA" / "cacert.pem")
    users, groups = folder / "users", folder / "groups"
    users.write_text(f"viewer:x:{os.getuid()}:{os.getgid()}:viewer:{folder}:/bin/sh\n")
    groups.write_text(f"viewer:x:{os.getgid()}:\n")
    wrapper = {"NSS_WRAPPER_PASSWD": str(users), "NSS_WRAPPER_GROUP": str(groups)}
    return {"LD_PRELOAD": "libnss_wrapper.so", **wrapper}
