"""The viewer on libvncclient beside this, compiled and called."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

import picture
from places import scratch
from waiting import DEADLINE

SOURCE = Path(__file__).with_name("libvncclient.c")

# RFC 6143 section 7.1.2, and what the registry adds.
NONE, VNC, VENCRYPT = 1, 2, 19


@dataclass
class Visit:
    """What became of a call: its exit code, what the library logged, and the file that it may have written."""

    code: int
    log: str
    file: Path

    def picture(self) -> Image.Image:
        if self.code != 0:
            raise AssertionError(f"the viewer on libvncclient ended with {self.code}: {self.log}")
        return picture.read(self.file)


class LibVnc:
    """Compiled once, for any number of visits."""

    def __init__(self) -> None:
        self.program = scratch("libvncclient-build") / "libvncclient"
        warnings = ["-Wall", "-Wextra", "-Werror"]
        argv = ["gcc", "-O1", *warnings, "-o", self.program, SOURCE, "-lvncclient"]
        built = subprocess.run(argv, capture_output=True, text=True, timeout=DEADLINE)
        if built.returncode != 0:
            raise RuntimeError(f"libvncclient.c does not compile: {built.stderr}")

    def visit(self, port: int, way: int, authority: Path | None = None, user: str = "", password: str = "") -> Visit:
        file = scratch("libvncclient") / "screen.ppm"
        login = {"VNC_USERNAME": user, "VNC_PASSWORD": password}
        env = {**os.environ, **login, **({"VNC_AUTHORITY": str(authority)} if authority else {})}
        ended = subprocess.run(
            [self.program, "127.0.0.1", str(port), str(way), file],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        return Visit(ended.returncode, ended.stdout + ended.stderr, file)
