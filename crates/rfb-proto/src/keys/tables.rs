//! The characters on the keys of each layout, as in Windows.

/// One layout.
pub(super) struct Table {
    /// Without modifiers, with Shift, with AltGr; a space for a key that writes nothing.
    pub(super) levels: [Rows; 3],
    /// The dead keys: level and accent.
    pub(super) dead: &'static [(usize, char)],
}

/// From the row of the digits to the one above the space bar, in the order of [`SCANCODES`].
type Rows = [&'static str; 4];

/// The scan codes of those keys in PC set 1. The last key of the first and of the last row exists on Japanese keyboards
/// only.
pub(super) const SCANCODES: [&[u16]; 4] = [
    &[
        0x29, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x7d,
    ],
    &[
        0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b,
    ],
    &[
        0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x2b,
    ],
    &[
        0x56, 0x2c, 0x2d, 0x2e, 0x2f, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x73,
    ],
];

const NOTHING: Rows = ["", "", "", ""];

pub(super) const US: Table = Table {
    levels: [
        [
            "`1234567890-=",
            "qwertyuiop[]",
            r"asdfghjkl;'\",
            " zxcvbnm,./",
        ],
        [
            "~!@#$%^&*()_+",
            "QWERTYUIOP{}",
            "ASDFGHJKL:\"|",
            " ZXCVBNM<>?",
        ],
        NOTHING,
    ],
    dead: &[],
};

pub(super) const UK: Table = Table {
    levels: [
        [
            "`1234567890-=",
            "qwertyuiop[]",
            "asdfghjkl;'#",
            r"\zxcvbnm,./",
        ],
        [
            "¬!\"£$%^&*()_+",
            "QWERTYUIOP{}",
            "ASDFGHJKL:@~",
            "|ZXCVBNM<>?",
        ],
        ["¦   €", "  é   úíó", "á", ""],
    ],
    dead: &[],
};

pub(super) const DE: Table = Table {
    levels: [
        [
            "^1234567890ß´",
            "qwertzuiopü+",
            "asdfghjklöä#",
            "<yxcvbnm,.-",
        ],
        [
            "°!\"§$%&/()=?`",
            "QWERTZUIOPÜ*",
            "ASDFGHJKLÖÄ'",
            ">YXCVBNM;:_",
        ],
        [r"  ²³   {[]}\", "@ €        ~", "", "|      µ"],
    ],
    dead: &[(0, '^'), (0, '´'), (1, '`')],
};

pub(super) const FR: Table = Table {
    levels: [
        [
            "²&é\"'(-è_çà)=",
            "azertyuiop^$",
            "qsdfghjklmù*",
            "<wxcvbn,;:!",
        ],
        [
            " 1234567890°+",
            "AZERTYUIOP¨£",
            "QSDFGHJKLM%µ",
            ">WXCVBN?./§",
        ],
        [r"  ~#{[|`\^@]}", "  €        ¤", "", ""],
    ],
    dead: &[(0, '^'), (1, '¨'), (2, '~'), (2, '`')],
};

pub(super) const ES: Table = Table {
    levels: [
        [
            "º1234567890'¡",
            "qwertyuiop`+",
            "asdfghjklñ´ç",
            "<zxcvbnm,.-",
        ],
        [
            "ª!\"·$%&/()=?¿",
            "QWERTYUIOP^*",
            "ASDFGHJKLÑ¨Ç",
            ">ZXCVBNM;:_",
        ],
        // AltGr-5 also writes € in Windows, and differs in Linux.
        [r"\|@#~ ¬", "  €       []", "          {}", ""],
    ],
    dead: &[(0, '`'), (0, '´'), (1, '^'), (1, '¨'), (2, '~')],
};

pub(super) const JP: Table = Table {
    levels: [
        [
            " 1234567890-^¥",
            "qwertyuiop@[",
            "asdfghjkl;:]",
            r" zxcvbnm,./\",
        ],
        [
            " !\"#$%&'() =~|",
            "QWERTYUIOP`{",
            "ASDFGHJKL+*}",
            " ZXCVBNM<>?_",
        ],
        NOTHING,
    ],
    dead: &[],
};

/// A dead key's accent, letters, and what it makes of each of these.
pub(super) const COMPOSED: [(char, &str, &str); 5] = [
    ('´', "aeiouyAEIOUY", "áéíóúýÁÉÍÓÚÝ"),
    ('`', "aeiouAEIOU", "àèìòùÀÈÌÒÙ"),
    ('^', "aeiouAEIOU", "âêîôûÂÊÎÔÛ"),
    ('¨', "aeiouyAEIOU", "äëïöüÿÄËÏÖÜ"),
    ('~', "anoANO", "ãñõÃÑÕ"),
];
