//! Keys: what X calls them, where they are on a PC's keyboard, and what is written on them.
//!
//! A viewer says what a key means (a keysym), or where it is (an XT scan code). A VMware host wants to hear where
//! it is ([`VScancode`]). From an XT code that is arithmetic ([`from_xt`]); from a keysym it takes the layout that
//! the guest has ([`Layout::key`]).

mod layout;
mod named;
mod tables;

pub use layout::{Layout, Stroke, Typed};

use crate::vmware::VScancode;

/// Where the key is that QEMU's extended key event names (rfbproto, "QEMU Extended Key Event Message"): PC set 1,
/// with bit 7 for the prefix E0. `None` for numbers that are no key.
///
/// Pause and PrintScreen, which have sequences of their own in set 1, are what VMware's own client says
/// (`docs/webmks.md` 1.8); that ESXi knows them so is a guess.
pub const fn from_xt(code: u32) -> Option<VScancode> {
    match code {
        // E0 46, which is Pause with Ctrl, is what viewers say for Pause.
        0xc6 => Some(PAUSE),
        // E0 37, and 54, which is PrintScreen with Alt.
        0xb7 | 0x54 => Some(PRINT_SCREEN),
        0 | 0x80 | 0x100.. => None,
        _ => {
            let [code, ..] = code.to_le_bytes();
            let prefix = if code & 0x80 != 0 { 0x100 } else { 0 };
            Some(VScancode((code & 0x7f) as u16 | prefix))
        }
    }
}

/// What VMware's client says for Pause: a code that set 1 does not have.
pub const PAUSE: VScancode = VScancode(0x100);
/// What VMware's client says for PrintScreen.
pub const PRINT_SCREEN: VScancode = VScancode(0x54);
/// The left Shift.
pub const SHIFT: VScancode = VScancode(0x2a);
/// The right Alt, which is AltGr where the layout has one.
pub const ALT_GR: VScancode = VScancode(0x138);
/// The space bar.
pub const SPACE: VScancode = VScancode(0x39);

/// The character that a keysym means: those of Latin-1 are their own numbers, all others of Unicode have
/// 0x0100_0000 added; the Euro has a number of its own besides. Dead keys mean their accents, standing alone.
pub fn character(keysym: u32) -> Option<char> {
    match keysym {
        0x20..=0x7e | 0xa0..=0xff => char::from_u32(keysym),
        0x20ac => Some('€'),
        0xfe50..=0xfe5f => named::accent(keysym),
        0x0100_0100..=0x0110_ffff => char::from_u32(keysym - 0x0100_0000),
        _ => None,
    }
}

/// The keysym of a character, as viewers send it.
pub const fn keysym(character: char) -> u32 {
    match character as u32 {
        0x0a | 0x0d => named::RETURN,
        0x09 => named::TAB,
        code @ (0x20..=0x7e | 0xa0..=0xff) => code,
        0x20ac => 0x20ac,
        code => 0x0100_0000 + code,
    }
}
