//! Scan codes of single keys (`docs/webmks.md` 1.8).

use crate::vmware::VScancode;

/// Pause in VMware's client: a code that set 1 does not have.
pub const PAUSE: VScancode = VScancode(0x100);
/// PrintScreen: E0 37 in set 1.
pub const PRINT_SCREEN: VScancode = VScancode(0x137);
/// SysRq: Alt-PrintScreen on a PC.
pub const SYS_RQ: VScancode = VScancode(0x54);
/// The keypad's equals sign in VMware's client: the code of the main keyboard's key.
pub const KEYPAD_EQUALS: VScancode = VScancode(0x0d);
/// The left Shift.
pub const SHIFT: VScancode = VScancode(0x2a);
/// The right Alt, which is AltGr in layouts that have one.
pub const ALT_GR: VScancode = VScancode(0x138);
/// The space bar.
pub const SPACE: VScancode = VScancode(0x39);
