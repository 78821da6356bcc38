//! Keys: what X calls them, where they are on a PC's keyboard, and what is written on them.
//!
//! A viewer says what a key means (a keysym), or where it is (an XT scan code). A VMware host wants to hear where
//! it is ([`VScancode`]). From an XT code that is arithmetic ([`from_xt`]); from a keysym it takes the layout that
//! the guest has ([`Layout::key`]).

mod layout;
mod named;
mod tables;

pub use layout::{Layout, Stroke, Typed};

use xkeysym::{Keysym, key};

use crate::vmware::VScancode;

/// Where the key is that QEMU's extended key event names (rfbproto, "QEMU Extended Key Event Message"): PC set 1,
/// with bit 7 for the prefix E0. `None` for numbers that are no key.
///
/// The exceptions are the codes that VMware's own client sends for these keys (`docs/webmks.md` 1.8); that ESXi knows
/// them so is a guess. Viewers number F13 to F24 as QEMU does, or, on Windows, as VMware does: where the two contradict
/// each other, QEMU's number counts.
pub const fn from_xt(code: u32) -> Option<VScancode> {
    match code {
        // E0 46, which is Pause with Ctrl, is what viewers send for Pause.
        0xc6 => Some(PAUSE),
        // E0 37. What is SysRq in set 1, 54, is what viewers send for PrintScreen.
        0xb7 | 0x54 => Some(PRINT_SCREEN),
        0x59 => Some(KEYPAD_EQUALS),
        0x5d..=0x5f => named::function(13 + code - 0x5d),
        0x55 => named::function(16),
        0x83 => named::function(17),
        0xf7 => named::function(18),
        0x84 => named::function(19),
        0x5a => named::function(20),
        0x74 => named::function(21),
        0xf9 => named::function(22),
        0x6d => named::function(23),
        0x6f => named::function(24),
        0 | 0x80 | 0x100.. => None,
        _ => {
            let [code, ..] = code.to_le_bytes();
            let prefix = if code & 0x80 != 0 { 0x100 } else { 0 };
            Some(VScancode((code & 0x7f) as u16 | prefix))
        }
    }
}

/// What VMware's client sends for Pause: a code that set 1 does not have.
pub const PAUSE: VScancode = VScancode(0x100);
/// What VMware's client sends for PrintScreen: E0 37 of set 1.
pub const PRINT_SCREEN: VScancode = VScancode(0x137);
/// SysRq, which on a PC is PrintScreen with Alt.
pub const SYS_RQ: VScancode = VScancode(0x54);
/// What VMware's client sends for the keypad's equals sign: the key of the main one.
pub const KEYPAD_EQUALS: VScancode = VScancode(0x0d);
/// The left Shift.
pub const SHIFT: VScancode = VScancode(0x2a);
/// The right Alt, which is AltGr where the layout has one.
pub const ALT_GR: VScancode = VScancode(0x138);
/// The space bar.
pub const SPACE: VScancode = VScancode(0x39);

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
