//! Keyboard layouts of guests: from PC set-1 scan codes to characters.
//!
//! As in Linux guests (XKB's `us`, `de`, `fr`, `gb`, `es` and `jp`), limited to three levels.

use super::xkb;
use crate::quirks::Layout;

/// A level of a key: which of its characters is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Plain,
    Shift,
    AltGr,
}

/// The scan code of the first key of a row of consecutive ones, and what they type at each [`Level`].
type Row = (u16, [&'static str; 3]);

/// The character of a key at a level, a combining accent for a dead key. `None`: no character.
pub(super) fn character(layout: Layout, code: u16, level: Level) -> Option<char> {
    if code == SPACE {
        return Some(' ');
    }
    let row = rows(layout).iter().find_map(|row| {
        let place = usize::from(code.checked_sub(row.0)?);
        at_level(row, level).chars().nth(place)
    });
    row.filter(|character| *character != NOTHING)
}

/// The key of the US layout that types `character`, and whether Shift is needed.
pub(super) fn us_key(character: char) -> Option<(u16, bool)> {
    if character == ' ' {
        return Some((SPACE, false));
    }
    let find = |level: Level| {
        US.iter().filter(|row| row.0 != EXTRA).find_map(|row| {
            let place = at_level(row, level)
                .chars()
                .position(|one| one == character)?;
            Some(row.0 + u16::try_from(place).ok()?)
        })
    };
    let plain = find(Level::Plain).map(|code| (code, false));
    plain.or_else(|| find(Level::Shift).map(|code| (code, true)))
}

fn at_level((_, [plain, shift, alt_gr]): &Row, level: Level) -> &'static str {
    match level {
        Level::Plain => plain,
        Level::Shift => shift,
        Level::AltGr => alt_gr,
    }
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
/// Placeholder in a row: no character.
const NOTHING: char = ' ';

/// The row of digits.
const DIGITS: u16 = 0x02;
/// The row that begins with Q on a US keyboard.
const UPPER: u16 = 0x10;
/// The row that begins with A, and the key left of 1 at its end.
const MIDDLE: u16 = 0x1e;
/// The key next to Enter, then the row that begins with Z.
const LOWER: u16 = 0x2b;
/// The key between the left Shift and that row, on ISO keyboards only.
const EXTRA: u16 = 0x56;

const US: [Row; 5] = [
    (DIGITS, ["1234567890-=", "!@#$%^&*()_+", ""]),
    (UPPER, ["qwertyuiop[]", "QWERTYUIOP{}", ""]),
    (MIDDLE, ["asdfghjkl;'`", "ASDFGHJKL:\"~", ""]),
    (LOWER, ["\\zxcvbnm,./", "|ZXCVBNM<>?", ""]),
    (EXTRA, ["<", ">", "|"]),
];

const GERMAN: [Row; 5] = [
    (
        DIGITS,
        ["1234567890ß\u{301}", "!\"§$%&/()=?\u{300}", " ²³   {[]}\\"],
    ),
    (UPPER, ["qwertzuiopü+", "QWERTZUIOPÜ*", "@ €        ~"]),
    (MIDDLE, ["asdfghjklöä\u{302}", "ASDFGHJKLÖÄ°", ""]),
    (LOWER, ["#yxcvbnm,.-", "'YXCVBNM;:_", "       µ"]),
    (EXTRA, ["<", ">", "|"]),
];

const FRENCH: [Row; 5] = [
    (DIGITS, ["&é\"'(-è_çà)=", "1234567890°+", " ~#{[|`\\^@]}"]),
    (
        UPPER,
        ["azertyuiop\u{302}$", "AZERTYUIOP\u{308}£", "  €        ¤"],
    ),
    (MIDDLE, ["qsdfghjklmù²", "QSDFGHJKLM%", ""]),
    (LOWER, ["*wxcvbn,;:!", "µWXCVBN?./§", ""]),
    (EXTRA, ["<", ">", ""]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_layout_has_its_own_letters_at_the_same_keys() {
        let (y, two, m, left_of_back_space) = (0x15, 0x03, 0x32, 0x7d);
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
        assert_eq!(typed(Layout::Japanese, left_of_back_space), Some('\\'));
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
