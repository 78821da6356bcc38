//! Conversion of XT scan codes to VMware's.

use super::{KEYPAD_EQUALS, PAUSE, PRINT_SCREEN, named};
use crate::vmware::VScancode;

/// VMware's scan code for an XT scan code of QEMU's extended key event: PC set 1, with bit 7 for the prefix E0
/// (rfbproto, "QEMU Extended Key Event Message"). `None` for numbers that are no key.
///
/// Some keys have other codes in VMware's own client (`docs/webmks.md` 1.8), which are used here; that ESXi takes them
/// is a guess. Viewers number F13 to F24 as QEMU does or, on Windows, as VMware does; where these conflict, QEMU's
/// number is used.
pub const fn from_xt(code: u32) -> Option<VScancode> {
    match code {
        // E0 46, Ctrl-Pause in set 1: viewers send it for Pause.
        0xc6 => Some(PAUSE),
        // E0 37, and 54, SysRq in set 1: viewers send both for PrintScreen.
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
