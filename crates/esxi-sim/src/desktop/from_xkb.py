"""Writes xkb.rs beside itself: guests' keyboard layouts as X's own keyboard data (xkb-data) has them.

python3 from_xkb.py    (needs xkbcomp and xkb-data)

So the simulated guests know nothing of the tables by which a gateway may choose its keys.
"""

import pathlib
import re
import subprocess
import unicodedata

LAYOUTS = {"british": "gb", "spanish": "es", "japanese": "jp"}
ROWS = {
    "DIGITS": [f"AE{n:02}" for n in range(1, 13)],
    "UPPER": [f"AD{n:02}" for n in range(1, 13)],
    "MIDDLE": [f"AC{n:02}" for n in range(1, 12)] + ["TLDE"],
    "LOWER": ["BKSL"] + [f"AB{n:02}" for n in range(1, 11)],
    "EXTRA": ["LSGT"],
    "BESIDE_SHIFT": ["AB11"],
    "BESIDE_BACK_SPACE": ["AE13"],
}
LEVELS = ["plain", "shift", "alt_gr"]
DEAD = {"grave": "\u0300", "acute": "\u0301", "circumflex": "\u0302", "tilde": "\u0303", "diaeresis": "\u0308"}
# X's names where they are not Unicode's, of what is not a letter or a digit.
NAMES = {
    "exclam": "!", "quotedbl": '"', "numbersign": "#", "dollar": "$", "percent": "%", "ampersand": "&",
    "apostrophe": "'", "parenleft": "(", "parenright": ")", "asterisk": "*", "plus": "+", "comma": ",", "minus": "-",
    "period": ".", "slash": "/", "colon": ":", "semicolon": ";", "less": "<", "equal": "=", "greater": ">",
    "question": "?", "at": "@", "bracketleft": "[", "backslash": "\\", "bracketright": "]", "asciicircum": "^",
    "underscore": "_", "grave": "`", "braceleft": "{", "bar": "|", "braceright": "}", "asciitilde": "~",
    "exclamdown": "¡", "questiondown": "¿", "sterling": "£", "cent": "¢", "yen": "¥", "section": "§", "notsign": "¬",
    "brokenbar": "¦", "ordfeminine": "ª", "masculine": "º", "periodcentered": "·", "degree": "°", "mu": "µ",
    "onesuperior": "¹", "twosuperior": "²", "threesuperior": "³", "onehalf": "½", "onequarter": "¼", "EuroSign": "€",
    "guillemotleft": "«", "guillemotright": "»", "paragraph": "¶", "ae": "æ", "oslash": "ø", "thorn": "þ", "eth": "ð",
    "ssharp": "ß",
}  # fmt: skip


def character(name):
    """What is typed by what X calls so; a blank for what the guests leave out."""
    if re.fullmatch(r"[A-Za-z0-9]", name):
        return name
    if name in NAMES:
        return NAMES[name]
    if name.startswith("dead_"):
        return DEAD.get(name.removeprefix("dead_"), " ")
    accented = re.fullmatch(r"([A-Za-z])(grave|acute|circumflex|tilde|diaeresis|cedilla|ring)", name)
    if accented:
        mark = (DEAD | {"cedilla": "\u0327", "ring": "\u030a"})[accented[2]]
        return unicodedata.normalize("NFC", accented[1] + mark)
    return " "


def keys(layout):
    """What each key is called, level by level."""
    keymap = 'xkb_keymap { xkb_keycodes { include "evdev+aliases(qwerty)" }; xkb_types { include "complete" };'
    keymap += f' xkb_compat {{ include "complete" }}; xkb_symbols {{ include "pc+{layout}+inet(evdev)" }}; }};'
    xkbcomp = ["xkbcomp", "-w", "0", "-xkb", "-", "-"]
    compiled = subprocess.run(xkbcomp, input=keymap, text=True, capture_output=True, check=True)
    found = re.findall(r"key\s+<(\w+)>\s*{(?:[^}]*symbols\[Group1\]=)?\s*\[([^\]]*)\]", compiled.stdout)
    return {key: [name.strip() for name in names.split(",")] for key, names in found}


def literal(text):
    """As Rust writes it."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(f"\\u{{{ord(c):x}}}" if unicodedata.combining(c) else c for c in text) + '"'


def table(name, layout):
    known = keys(layout)
    rows = [f"pub(super) const {name.upper()}: [Row; {len(ROWS)}] = ["]
    for first, places in ROWS.items():
        rows.append(f"    Row {{\n        first: {first},")
        for at, level in enumerate(LEVELS):
            texts = [character(known[place][at]) if at < len(known.get(place, [])) else " " for place in places]
            rows.append(f"        {level}: {literal(''.join(texts).rstrip())},")
        rows.append("    },")
    return "\n".join([f"/// `{layout}`.", *rows, "];"])


def main():
    head = "//! Layouts as X's own keyboard data has them (xkb-data): `from_xkb.py` writes this file.\n\n"
    head += "use super::layout_row::{Row, " + ", ".join(sorted(ROWS)) + "};\n\n"
    tables = "\n\n".join(table(*layout) for layout in LAYOUTS.items())
    (pathlib.Path(__file__).parent / "xkb.rs").write_text(head + tables + "\n")


if __name__ == "__main__":
    main()
