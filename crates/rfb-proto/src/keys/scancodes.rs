//! The scan codes that are named outside of the tables (`docs/webmks.md` 1.8).

use crate::vmware::VScancode;

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
