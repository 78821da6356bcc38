"""PC keyboards: from the bytes of scan code set 1 to keys, and from keys to what a US keyboard types."""

# The prefix of keys that the first PC keyboards did not have.
EXTENDED = 0xE0
# Set when a key is released.
UP = 0x80
# Bit 8 of the scan code of keys with that prefix, as in VMware's messages.
EXTENDED_BIT = 0x100

LEFT_SHIFT, RIGHT_SHIFT, ENTER, SPACE = 0x2A, 0x36, 0x1C, 0x39
RIGHT_CONTROL, LEFT_ARROW = 0x11D, 0x14B

# The first scan code of a row, and its characters without and with Shift.
_ROWS = [
    (0x02, "1234567890-=", "!@#$%^&*()_+"),
    (0x10, "qwertyuiop[]", "QWERTYUIOP{}"),
    (0x1E, "asdfghjkl;'`", 'ASDFGHJKL:"~'),
    (0x2B, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
    (SPACE, " ", " "),
    (ENTER, "\n", "\n"),
]


def keys(data: bytes) -> list[tuple[int, bool]]:
    """The key events in order: scan code, and whether the key went down."""
    found, extended = [], 0
    for byte in data:
        if byte == EXTENDED:
            extended = EXTENDED_BIT
            continue
        found.append((byte & ~UP | extended, not byte & UP))
        extended = 0
    return found


def typed(events: list[tuple[int, bool]]) -> str:
    """The text that these key events type in a guest with a US keyboard."""
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
