//! Layouts as X's own keyboard data has them (xkb-data): `from_xkb.py` writes this file.

use super::layout_row::{
    BESIDE_BACK_SPACE, BESIDE_SHIFT, DIGITS, EXTRA, LOWER, MIDDLE, Row, UPPER,
};

/// `gb`.
pub(super) const BRITISH: [Row; 7] = [
    Row {
        first: DIGITS,
        plain: "1234567890-=",
        shift: "!\"£$%^&*()_+",
        alt_gr: "¹²³€½ {[]}\\",
    },
    Row {
        first: UPPER,
        plain: "qwertyuiop[]",
        shift: "QWERTYUIOP{}",
        alt_gr: "@ e¶    øþ\u{308}\u{303}",
    },
    Row {
        first: MIDDLE,
        plain: "asdfghjkl;'`",
        shift: "ASDFGHJKL:@¬",
        alt_gr: "æßð      \u{301}\u{302}|",
    },
    Row {
        first: LOWER,
        plain: "#zxcvbnm,./",
        shift: "~ZXCVBNM<>?",
        alt_gr: "\u{300}«»¢   µ ·",
    },
    Row {
        first: EXTRA,
        plain: "\\",
        shift: "|",
        alt_gr: "|",
    },
    Row {
        first: BESIDE_SHIFT,
        plain: "",
        shift: "",
        alt_gr: "",
    },
    Row {
        first: BESIDE_BACK_SPACE,
        plain: "",
        shift: "",
        alt_gr: "",
    },
];

/// `es`.
pub(super) const SPANISH: [Row; 7] = [
    Row {
        first: DIGITS,
        plain: "1234567890'¡",
        shift: "!\"·$%&/()=?¿",
        alt_gr: "|@#~½¬{[]}\\",
    },
    Row {
        first: UPPER,
        plain: "qwertyuiop\u{300}+",
        shift: "QWERTYUIOP\u{302}*",
        alt_gr: "@ €¶    øþ[]",
    },
    Row {
        first: MIDDLE,
        plain: "asdfghjklñ\u{301}º",
        shift: "ASDFGHJKLÑ\u{308}ª",
        alt_gr: "æßð      \u{303}{\\",
    },
    Row {
        first: LOWER,
        plain: "çzxcvbnm,.-",
        shift: "ÇZXCVBNM;:_",
        alt_gr: "}«»¢   µ ·",
    },
    Row {
        first: EXTRA,
        plain: "<",
        shift: ">",
        alt_gr: "|",
    },
    Row {
        first: BESIDE_SHIFT,
        plain: "",
        shift: "",
        alt_gr: "",
    },
    Row {
        first: BESIDE_BACK_SPACE,
        plain: "",
        shift: "",
        alt_gr: "",
    },
];

/// `jp`.
pub(super) const JAPANESE: [Row; 7] = [
    Row {
        first: DIGITS,
        plain: "1234567890-^",
        shift: "!\"#$%&'()~=~",
        alt_gr: "",
    },
    Row {
        first: UPPER,
        plain: "qwertyuiop@[",
        shift: "QWERTYUIOP`{",
        alt_gr: "",
    },
    Row {
        first: MIDDLE,
        plain: "asdfghjkl;:",
        shift: "ASDFGHJKL+*",
        alt_gr: "",
    },
    Row {
        first: LOWER,
        plain: "]zxcvbnm,./",
        shift: "}ZXCVBNM<>?",
        alt_gr: "",
    },
    Row {
        first: EXTRA,
        plain: "<",
        shift: ">",
        alt_gr: "|",
    },
    Row {
        first: BESIDE_SHIFT,
        plain: "\\",
        shift: "_",
        alt_gr: "",
    },
    Row {
        first: BESIDE_BACK_SPACE,
        plain: "\\",
        shift: "|",
        alt_gr: "",
    },
];
