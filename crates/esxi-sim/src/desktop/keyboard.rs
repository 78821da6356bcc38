//! A guest's keyboard: from scan codes to text, by its layout.

use std::collections::BTreeSet;

use super::dead_keys;
use super::layout::{self, Level};
use super::text_edit::TextEdit;
use crate::quirks::Layout;

/// The pressed keys, the lock LEDs and the pending dead key.
pub(super) struct Keyboard {
    layout: Layout,
    down: BTreeSet<u16>,
    leds: u32,
    dead: Option<char>,
}

impl Keyboard {
    /// All keys up; Num Lock on, as a PC starts.
    pub(super) fn new(layout: Layout) -> Self {
        Self {
            layout,
            down: BTreeSet::new(),
            leds: NUM,
            dead: None,
        }
    }

    /// Handles a key-down event, which may be repeated.
    pub(super) fn press(&mut self, code: u16) -> Option<TextEdit> {
        let repeated = !self.down.insert(code);
        if let Some((_, led)) = LOCKS.iter().find(|(lock, _)| *lock == code) {
            self.leds ^= if repeated { 0 } else { *led };
            return None;
        }
        if self.is_down(&COMMAND_MODIFIERS) {
            return None;
        }
        match code {
            BACK_SPACE => Some(TextEdit::Backspace),
            ENTER | KEYPAD_ENTER => Some(TextEdit::Append("\n".into())),
            TAB => Some(TextEdit::Append("\t".into())),
            _ => self
                .character(code)
                .and_then(|character| self.compose(character)),
        }
    }

    pub(super) fn release(&mut self, code: u16) {
        self.down.remove(&code);
    }

    /// The scan codes of the keys that are down.
    pub(super) fn down(&self) -> impl Iterator<Item = u16> {
        self.down.iter().copied()
    }

    pub(super) fn has_shift(&self) -> bool {
        self.is_down(&SHIFTS)
    }

    pub(super) fn has_caps(&self) -> bool {
        self.leds & CAPS != 0
    }

    /// The LEDs as in `docs/webmks.md` 1.4: bit 0 Scroll, bit 1 Num, bit 2 Caps.
    pub(super) fn leds(&self) -> u32 {
        self.leds
    }

    fn is_down(&self, any: &[u16]) -> bool {
        any.iter().any(|code| self.down.contains(code))
    }

    fn character(&self, code: u16) -> Option<char> {
        if let Some(character) = self.keypad(code) {
            return Some(character);
        }
        let at = |level| layout::character(self.layout, code, level);
        if self.is_down(&[ALT_GR]) {
            // The level of AltGr and Shift is not simulated.
            return at(Level::AltGr).filter(|_| !self.has_shift());
        }
        // Caps Lock affects only keys whose two levels are the cases of one letter.
        let (plain, shifted) = (at(Level::Plain), at(Level::Shift));
        let is_letter =
            plain.is_some_and(|plain| plain.to_uppercase().eq(shifted) && plain.is_lowercase());
        if self.has_shift() != (self.has_caps() && is_letter) {
            shifted
        } else {
            plain
        }
    }

    /// The character of a keypad key; digits only with Num Lock and without Shift.
    fn keypad(&self, code: u16) -> Option<char> {
        let comma = if self.layout == Layout::German {
            ','
        } else {
            '.'
        };
        match code {
            0x37 => Some('*'),
            0x4a => Some('-'),
            0x4e => Some('+'),
            0x135 => Some('/'),
            0x47..=0x53 if self.leds & NUM != 0 && !self.has_shift() => match code {
                0x53 => Some(comma),
                _ => KEYPAD.chars().nth(usize::from(code - 0x47)),
            },
            _ => None,
        }
    }

    fn compose(&mut self, character: char) -> Option<TextEdit> {
        match self.dead.take() {
            Some(dead) => Some(TextEdit::Append(dead_keys::compose(dead, character))),
            None if dead_keys::is_dead(character) => {
                self.dead = Some(character);
                None
            }
            None => Some(TextEdit::Append(character.into())),
        }
    }
}

/// Whether a key repeats while held: not modifiers and locks.
pub(super) fn is_typematic(code: u16) -> bool {
    let is_lock = LOCKS.iter().any(|(lock, _)| *lock == code);
    !is_lock && !SHIFTS.contains(&code) && !COMMAND_MODIFIERS.contains(&code) && code != ALT_GR
}

pub(super) const LEFT_SHIFT: u16 = 0x2a;
pub(super) const SHIFTS: [u16; 2] = [LEFT_SHIFT, 0x36];
const ALT_GR: u16 = 0x138;
/// Ctrl, left Alt and the Windows keys: with one of them down, keys type no text.
const COMMAND_MODIFIERS: [u16; 5] = [0x1d, 0x11d, 0x38, 0x15b, 0x15c];
const BACK_SPACE: u16 = 0x0e;
const TAB: u16 = 0x0f;
const ENTER: u16 = 0x1c;
const KEYPAD_ENTER: u16 = 0x11c;
/// The keypad from Home to Delete; the operators are placeholders.
const KEYPAD: &str = "789-456+1230";

const SCROLL: u32 = 1;
const NUM: u32 = 2;
const CAPS: u32 = 4;
const LOCKS: [(u16, u32); 3] = [(0x3a, CAPS), (0x45, NUM), (0x46, SCROLL)];

#[cfg(test)]
mod tests {
    use super::*;

    const SHIFT: u16 = LEFT_SHIFT;
    const CAPS_LOCK: u16 = 0x3a;

    /// The text of pressed keys; a negative scan code is a release.
    fn typed(layout: Layout, keys: &[i32]) -> String {
        let mut keyboard = Keyboard::new(layout);
        let mut typed = String::new();
        for &key in keys {
            let code = u16::try_from(key.abs()).unwrap();
            if key < 0 {
                keyboard.release(code);
                continue;
            }
            match keyboard.press(code) {
                Some(TextEdit::Append(text)) => typed += &text,
                Some(TextEdit::Backspace) => drop(typed.pop()),
                None => {}
            }
        }
        typed
    }

    #[test]
    fn shift_alt_gr_and_dead_keys_follow_the_layout() {
        let shift = i32::from(SHIFT);
        assert_eq!(
            typed(Layout::Us, &[0x23, 0x17, shift, 0x02, 0x0e, 0x0e, 0x1c]),
            "h\n"
        );
        assert_eq!(
            typed(
                Layout::German,
                &[0x15, shift, 0x15, 0x138, 0x10, -shift, 0x10]
            ),
            "zZ@"
        );
        assert_eq!(
            typed(Layout::German, &[0x29, 0x12, 0x0d, 0x39, 0x0d, 0x2d]),
            "ê´´x"
        );
        assert_eq!(
            typed(
                Layout::French,
                &[0x10, 0x03, shift, 0x03, -shift, 0x1a, 0x18]
            ),
            "aé2ô"
        );
    }

    #[test]
    fn caps_lock_turns_letters_and_nothing_else() {
        let (shift, caps) = (i32::from(SHIFT), i32::from(CAPS_LOCK));
        assert_eq!(
            typed(Layout::Us, &[caps, -caps, 0x1e, 0x02, shift, 0x1e]),
            "A1a"
        );
        assert_eq!(typed(Layout::German, &[caps, 0x27, 0x0c]), "Öß");
        assert_eq!(typed(Layout::French, &[caps, 0x03, 0x10]), "éA");
    }

    #[test]
    fn commands_type_nothing_and_the_keypad_follows_num_lock() {
        assert_eq!(typed(Layout::Us, &[0x1d, 0x2e, -0x1d, 0x2e]), "c");
        assert_eq!(
            typed(Layout::German, &[0x47, 0x53, 0x135, 0x45, 0x47]),
            "7,/"
        );
    }

    #[test]
    fn lamps_follow_the_locks_and_a_repeated_lock_does_nothing() {
        let mut keyboard = Keyboard::new(Layout::Us);
        keyboard.press(CAPS_LOCK);
        keyboard.press(CAPS_LOCK);
        assert_eq!(keyboard.leds(), CAPS | NUM);
        assert!(keyboard.has_caps());
        assert_eq!(keyboard.down().collect::<Vec<_>>(), [CAPS_LOCK]);
        assert!(!is_typematic(CAPS_LOCK) && !is_typematic(SHIFT) && is_typematic(0x1e));
    }
}
