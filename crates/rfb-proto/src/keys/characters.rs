//! Keysyms and the characters that they stand for.

use xkeysym::{Keysym, key};

use super::named;

/// The character that a keysym means; a dead key means its accent, standing alone.
pub fn character(keysym: u32) -> Option<char> {
    named::accent(keysym).or_else(|| Keysym::new(keysym).key_char())
}

/// The keysym of a character, as viewers send it: a line's end is Return.
pub fn keysym(character: char) -> u32 {
    match character {
        '\n' => key::Return,
        character => Keysym::from_char(character).raw(),
    }
}
