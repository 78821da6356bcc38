//! Scan codes of QEMU's extended key event as VMware's client numbers them.

use super::{KEYPAD_EQUALS, PAUSE, PRINT_SCREEN, named};
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
