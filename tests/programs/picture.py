"""The picture that fills the desktop, and the comparison of pictures pixel for pixel."""

from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageChops

from waiting import until

SIZE = (800, 600)

# The picture has tens of thousands of colours; a blank, a dialog or a 16-colour screen has fewer than this.
MANY = 10_000


def make(path: Path) -> None:
    """Writes the picture: each pixel differs from its neighbours, so that any shift or wrong colour is noticed."""
    width, height = SIZE
    picture = Image.new("RGB", SIZE)
    picture.putdata([_pixel(x, y) for y in range(height) for x in range(width)])
    picture.save(path)


def _pixel(x: int, y: int) -> tuple[int, int, int]:
    return ((x * 7 + y * 3) % 256, x * y // 5 % 256, (x ^ y) % 256)


def read(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def colours(image: Image.Image) -> int:
    return len(set(image.convert("RGB").getdata()))


def difference(one: Image.Image, other: Image.Image) -> str:
    """Empty when equal; else where the two differ."""
    if one.size != other.size:
        return f"{one.size} is not {other.size}"
    box = ImageChops.difference(one.convert("RGB"), other.convert("RGB")).getbbox()
    return f"they differ within {box}" if box else ""


def become_equal(one: Callable[[], Image.Image], other: Callable[[], Image.Image]) -> None:
    """Waits until both pictures, which are taken again and again, are equal."""
    last = ""

    def look() -> bool:
        nonlocal last
        last = difference(one(), other())
        return last == ""

    try:
        until("equal pictures", look)
    except TimeoutError as late:
        raise AssertionError(f"{late}: {last}") from late
