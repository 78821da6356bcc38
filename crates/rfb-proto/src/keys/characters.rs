//! Keysyms and the characters that they stand for.

use xkeysym::{Keysym, key};

use super::named;

/// The character of a keysym; of a dead key, its accent as a character of its own. `None` for keys without a character.
pub fn character(keysym: u32) -> Option<char> {
    named::accent(keysym).or_else(|| Keysym::new(keysym).key_char())
}

/// The keysym of a character, as viewers send it. That of a line feed is Return.
pub fn keysym(character: char) -> u32 {
    match character {
        '\n' => key::Return,
        character => Keysym::from_char(character).raw(),
    }
}
