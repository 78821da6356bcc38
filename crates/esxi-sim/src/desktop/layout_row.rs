//! Rows of keys with what each types.

/// Which of a key's characters is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Plain,
    Shift,
    AltGr,
}

/// Keys whose scan codes follow one another, with what they type.
pub(super) struct Row {
    pub(super) first: u16,
    pub(super) plain: &'static str,
    pub(super) shift: &'static str,
    pub(super) alt_gr: &'static str,
}

impl Row {
    pub(super) fn level(&self, level: Level) -> &'static str {
        match level {
            Level::Plain => self.plain,
            Level::Shift => self.shift,
            Level::AltGr => self.alt_gr,
        }
    }
}

/// The row of digits.
pub(super) const DIGITS: u16 = 0x02;
/// The row that begins, on a US keyboard, with Q.
pub(super) const UPPER: u16 = 0x10;
/// The row that begins with A, and ends with the key left of 1.
pub(super) const MIDDLE: u16 = 0x1e;
/// The key beside Enter, then the row that begins with Z.
pub(super) const LOWER: u16 = 0x2b;
/// The key between the left Shift and that row, which only ISO keyboards have.
pub(super) const EXTRA: u16 = 0x56;
/// The key between that row and the right Shift, which only Japanese keyboards have.
pub(super) const BESIDE_SHIFT: u16 = 0x73;
/// The key left of Backspace, which only they have.
pub(super) const BESIDE_BACK_SPACE: u16 = 0x7d;
