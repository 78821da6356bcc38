"""PC keyboards: from the bytes of scan code set 1 to keys, and from keys to what a US keyboard types."""

# The bytes before a key that PCs had not at first.
EXTENDED = 0xE0
# A key that goes up has this bit.
UP = 0x80
# Keys with EXTENDED, as VMware numbers them too: bit 8.
EXTENDED_BIT = 0x100

LEFT_SHIFT, RIGHT_SHIFT, ENTER, SPACE = 0x2A, 0x36, 0x1C, 0x39
RIGHT_CONTROL, LEFT_ARROW = 0x11D, 0x14B

# First scan code, what is typed without Shift, and with it.
_ROWS = [
    (0x02, "1234567890-=", "!@#$%^&*()_+"),
    (0x10, "qwertyuiop[]", "QWERTYUIOP{}"),
    (0x1E, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (0x2B, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (SPACE, " ", " "),
    (ENTER, "\n", "\n"),
]


def keys(data: bytes) -> list[tuple[int, bool]]:
    """The keys in order, with whether each went down."""
    found, extended = [], 0
    for byte in data:
        if byte == EXTENDED:
            extended = EXTENDED_BIT
            continue
        found.append((byte & ~UP | extended, not byte & UP))
        extended = 0
    return found


def typed(events: list[tuple[int, bool]]) -> str:
    """What a guest with a US keyboard has typed by these keys."""
    text, shifts = "", set()
    for code, down in events:
        if code in (LEFT_SHIFT, RIGHT_SHIFT):
            shifts = shifts | {code} if down else shifts - {code}
        elif down:
            text += _character(code, bool(shifts))
    return text


def _character(code: int, shifted: bool) -> str:
    for first, plain, shift in _ROWS:
        if first <= code < first + len(plain):
            return (shift if shifted else plain)[code - first]
    return ""
