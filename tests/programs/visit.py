"""The result of a program that connects, takes a picture and leaves."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

import picture


@dataclass
class Visit:
    """The program's name, its exit code, its output, and the file of its picture, if it has written one."""

    program: str
    code: int
    said: str
    file: Path

    def picture(self) -> Image.Image:
        if self.code != 0:
            raise AssertionError(f"{self.program} ended with {self.code}: {self.said}")
        return picture.read(self.file)
