//! Keyboard layouts of guests: what the key with a PC set-1 scan code types.
//!
//! They are those of Linux guests (`us`, `de`, `fr`, `gb`, `es` and `jp` of XKB) as far as these three levels go.

use super::layout_row::{DIGITS, EXTRA, LOWER, Level, MIDDLE, Row, UPPER};
use super::xkb;
use crate::quirks::Layout;

/// The character of a key; a dead key's is its combining accent. `None`: the key types nothing at this level.
pub(super) fn character(layout: Layout, code: u16, level: Level) -> Option<char> {
    if code == SPACE {
        return Some(' ');
    }
    let row = rows(layout).iter().find_map(|row| {
        let place = usize::from(code.checked_sub(row.first)?);
        row.level(level).chars().nth(place)
    });
    row.filter(|character| *character != NOTHING)
}

/// The key of the US layout that types `character`, and whether Shift is needed.
pub(super) fn us_key(character: char) -> Option<(u16, bool)> {
    if character == ' ' {
        return Some((SPACE, false));
    }
    let find = |level: Level| {
        US.iter().filter(|row| row.first != EXTRA).find_map(|row| {
            let place = row.level(level).chars().position(|one| one == character)?;
            Some(row.first + u16::try_from(place).ok()?)
        })
    };
    let plain = find(Level::Plain).map(|code| (code, false));
    plain.or_else(|| find(Level::Shift).map(|code| (code, true)))
}

fn rows(layout: Layout) -> &'static [Row] {
    match layout {
        Layout::Us => &US,
        Layout::German => &GERMAN,
        Layout::French => &FRENCH,
        Layout::British => &xkb::BRITISH,
        Layout::Spanish => &xkb::SPANISH,
        Layout::Japanese => &xkb::JAPANESE,
    }
}

const SPACE: u16 = 0x39;
/// In a row: nothing at this place.
const NOTHING: char = ' ';

const US: [Row; 5] = [
    Row {
        first: DIGITS,
        plain: "1234567890-=",
        shift: "!@#$%^&*()_+",
        alt_gr: "",
    },
    Row {
        first: UPPER,
        plain: "qwertyuiop[]",
        shift: "QWERTYUIOP{}",
        alt_gr: "",
    },
    Row {
        first: MIDDLE,
        plain: "asdfghjkl;'`",
        shift: "ASDFGHJKL:\"~",
        alt_gr: "",
    },
    Row {
        first: LOWER,
        plain: "\\zxcvbnm,./",
        shift: "|ZXCVBNM<>?",
        alt_gr: "",
    },
    Row {
        first: EXTRA,
        plain: "<",
        shift: ">",
        alt_gr: "|",
    },
];

const GERMAN: [Row; 5] = [
    Row {
        first: DIGITS,
        plain: "1234567890ß\u{301}",
        shift: "!\"§$%&/()=?\u{300}",
        alt_gr: " ²³   {[]}\\",
    },
    Row {
        first: UPPER,
        plain: "qwertzuiopü+",
        shift: "QWERTZUIOPÜ*",
        alt_gr: "@ €        ~",
    },
    Row {
        first: MIDDLE,
        plain: "asdfghjklöä\u{302}",
        shift: "ASDFGHJKLÖÄ°",
        alt_gr: "",
    },
    Row {
        first: LOWER,
        plain: "#yxcvbnm,.-",
        shift: "'YXCVBNM;:_",
        alt_gr: "       µ",
    },
    Row {
        first: EXTRA,
        plain: "<",
        shift: ">",
        alt_gr: "|",
    },
];

const FRENCH: [Row; 5] = [
    Row {
        first: DIGITS,
        plain: "&é\"'(-è_çà)=",
        shift: "1234567890°+",
        alt_gr: " ~#{[|`\\^@]}",
    },
    Row {
        first: UPPER,
        plain: "azertyuiop\u{302}$",
        shift: "AZERTYUIOP\u{308}£",
        alt_gr: "  €        ¤",
    },
    Row {
        first: MIDDLE,
        plain: "qsdfghjklmù²",
        shift: "QSDFGHJKLM%",
        alt_gr: "",
    },
    Row {
        first: LOWER,
        plain: "*wxcvbn,;:!",
        shift: "µWXCVBN?./§",
        alt_gr: "",
    },
    Row {
        first: EXTRA,
        plain: "<",
        shift: ">",
        alt_gr: "",
    },
];

#[cfg(test)]
mod tests {
    use super::super::layout_row::BESIDE_BACK_SPACE;
    use super::*;

    #[test]
    fn each_layout_has_its_own_letters_at_the_same_keys() {
        let (y, two, m) = (0x15, 0x03, 0x32);
        let typed = |layout, code| character(layout, code, Level::Plain);
        assert_eq!(typed(Layout::Us, y), Some('y'));
        assert_eq!(typed(Layout::German, y), Some('z'));
        assert_eq!(typed(Layout::French, two), Some('é'));
        assert_eq!(typed(Layout::French, m), Some(','));
        assert_eq!(character(Layout::German, 0x10, Level::AltGr), Some('@'));
        assert_eq!(character(Layout::German, 0x11, Level::AltGr), None);
        assert_eq!(character(Layout::French, 0x0b, Level::AltGr), Some('@'));
        assert_eq!(character(Layout::Us, 0x1c, Level::Plain), None);
        assert_eq!(character(Layout::British, 0x04, Level::Shift), Some('£'));
        assert_eq!(typed(Layout::Spanish, 0x27), Some('ñ'));
        assert_eq!(typed(Layout::Japanese, 0x1a), Some('@'));
        assert_eq!(typed(Layout::Japanese, BESIDE_BACK_SPACE), Some('\\'));
    }

    #[test]
    fn every_printable_ascii_character_is_on_the_us_layout() {
        for byte in b' '..=b'~' {
            let wanted = char::from(byte);
            let (code, shift) = us_key(wanted).unwrap();
            let level = if shift { Level::Shift } else { Level::Plain };
            assert_eq!(character(Layout::Us, code, level), Some(wanted));
        }
        assert_eq!(us_key('é'), None);
        // A US keyboard has no key beside the left Shift.
        assert_eq!(us_key('<'), Some((0x33, true)));
    }
}
