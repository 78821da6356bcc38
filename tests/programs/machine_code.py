"""A program that a PC starts from its disk: it fills the screen with a picture, then listens to the keyboard.

The screen is the Bochs display that QEMU's standard VGA has (ports 0x1ce and 0x1cf): 800 × 600 pixels of four bytes,
seen through a window of 64 KiB at 0xa0000 that is moved over it. Each byte from the keyboard goes to QEMU's debug
console (port 0xe9) and, as 16 pixels of one colour, to the screen.
"""

from PIL import Image

SIZE = (800, 600)

# The colour of pixel n is the low 24 bits of n times this: no two are alike.
STEP = 0x01071D3B

# What a PC reads as the first sector of a disk that it can start from.
SECTOR = 512
SIGNATURE = b"\x55\xaa"

_LOADED_AT = 0x7C00

_CODE = [
    ("cli", "fa"),
    ("xor bx, bx", "31 db"),
    ("mov ds, bx", "8e db"),
    ("mov si, table", "be 66 7c"),
    ("mov cx, 5", "b9 05 00"),
    ("mov dx, 0x1ce", "ba ce 01"),
    # set: a number and a value for the display
    ("lodsw", "ad"),
    ("out dx, ax", "ef"),
    ("inc dx", "42"),
    ("lodsw", "ad"),
    ("out dx, ax", "ef"),
    ("dec dx", "4a"),
    ("loop set", "e2 f8"),
    ("push 0xa000", "68 00 a0"),
    ("pop es", "07"),
    ("xor edi, edi", "66 31 ff"),
    ("xor ebx, ebx", "66 31 db"),
    ("xor bp, bp", "31 ed"),
    # window: the next 64 KiB of the screen
    ("mov ax, 5", "b8 05 00"),
    ("out dx, ax", "ef"),
    ("inc dx", "42"),
    ("mov ax, bp", "89 e8"),
    ("out dx, ax", "ef"),
    ("dec dx", "4a"),
    ("mov cx, 0x4000", "b9 00 40"),
    # pixel
    ("imul eax, ebx, STEP", "66 69 c3" + STEP.to_bytes(4, "little").hex()),
    ("stosd", "66 ab"),
    ("inc ebx", "66 43"),
    ("loop pixel", "e2 f3"),
    ("inc bp", "45"),
    ("cmp bp, 30", "83 fd 1e"),
    ("jb window", "72 e1"),
    # Back to the first 64 KiB.
    ("mov ax, 5", "b8 05 00"),
    ("out dx, ax", "ef"),
    ("inc dx", "42"),
    ("xor ax, ax", "31 c0"),
    ("out dx, ax", "ef"),
    # key
    ("in al, 0x64", "e4 64"),
    ("test al, 1", "a8 01"),
    ("jz key", "74 fa"),
    ("in al, 0x60", "e4 60"),
    ("out 0xe9, al", "e6 e9"),
    ("movzx eax, al", "66 0f b6 c0"),
    ("imul eax, eax, 0x010203", "66 69 c0 03 02 01 00"),
    ("mov cx, 16", "b9 10 00"),
    ("rep stosd", "f3 66 ab"),
    ("jmp key", "eb e3"),
    # table: off, 800 across, 600 down, 32 bits, on with all of the memory
    ("dw 4, 0", "04 00 00 00"),
    ("dw 1, 800", "01 00 20 03"),
    ("dw 2, 600", "02 00 58 02"),
    ("dw 3, 32", "03 00 20 00"),
    ("dw 4, 0x41", "04 00 41 00"),
]


def disk() -> bytes:
    """A disk of that one sector, and a little empty space for those who expect more of a disk."""
    code = b"".join(bytes.fromhex(instruction) for _, instruction in _CODE)
    table = _LOADED_AT + len(code) - 5 * 4
    if table.to_bytes(2, "little") not in code or len(code) > SECTOR - len(SIGNATURE):
        raise RuntimeError("the program has grown without its addresses")
    return (code.ljust(SECTOR - len(SIGNATURE), b"\0") + SIGNATURE).ljust(128 * SECTOR, b"\0")


def picture() -> Image.Image:
    """The picture as the program draws it, before any key."""
    count = SIZE[0] * SIZE[1]
    pixels = b"".join((n * STEP & 0xFFFFFF).to_bytes(3, "big") for n in range(count))
    return Image.frombytes("RGB", SIZE, pixels)
