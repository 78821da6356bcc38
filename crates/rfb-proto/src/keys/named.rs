//! The keys that mean the same in every layout, by X's names for them (X.Org, keysymdef.h).

use crate::vmware::VScancode;

pub(super) const RETURN: u32 = 0xff0d;
pub(super) const TAB: u32 = 0xff09;

/// Where the key of that meaning is, in PC set 1 (`docs/webmks.md` 1.8).
pub(super) const fn place(keysym: u32) -> Option<VScancode> {
    let code = match keysym {
        0xff08 => 0x0e,           // BackSpace
        TAB | 0xfe20 => 0x0f,     // Tab, ISO_Left_Tab
        RETURN | 0xff0a => 0x1c,  // Return, Linefeed
        0xff1b => 0x01,           // Escape
        0xff13 | 0xff6b => 0x100, // Pause, Break
        0xff14 => 0x46,           // Scroll_Lock
        0xff15 | 0xff61 => 0x54,  // Sys_Req, Print
        0xff7f => 0x45,           // Num_Lock
        0xffe5 => 0x3a,           // Caps_Lock
        0xff67 => 0x15d,          // Menu
        0xff50..=0xff57 => return cursor(keysym),
        0xff63 => 0x152, // Insert
        0xffff => 0x153, // Delete
        0xff80..=0xffbd => return keypad(keysym),
        // F1 to F10, F11 and F12, F13 to F23, F24.
        0xffbe..=0xffc7 => 0x3b + (keysym - 0xffbe),
        0xffc8..=0xffc9 => 0x57 + (keysym - 0xffc8),
        0xffca..=0xffd4 => 0x64 + (keysym - 0xffca),
        0xffd5 => 0x76,
        _ => return modifier(keysym),
    };
    place_of(code)
}

const fn cursor(keysym: u32) -> Option<VScancode> {
    place_of(match keysym {
        0xff50 => 0x147, // Home
        0xff51 => 0x14b, // Left
        0xff52 => 0x148, // Up
        0xff53 => 0x14d, // Right
        0xff54 => 0x150, // Down
        0xff55 => 0x149, // Page_Up
        0xff56 => 0x151, // Page_Down
        0xff57 => 0x14f, // End
        _ => return None,
    })
}

/// The keypad has the same places with and without Num_Lock.
const fn keypad(keysym: u32) -> Option<VScancode> {
    place_of(match keysym {
        0xff80 => 0x39,                   // KP_Space
        0xff89 => 0x0f,                   // KP_Tab
        0xff8d => 0x11c,                  // KP_Enter
        0xff95 | 0xffb7 => 0x47,          // KP_Home, KP_7
        0xff96 | 0xffb4 => 0x4b,          // KP_Left, KP_4
        0xff97 | 0xffb8 => 0x48,          // KP_Up, KP_8
        0xff98 | 0xffb6 => 0x4d,          // KP_Right, KP_6
        0xff99 | 0xffb2 => 0x50,          // KP_Down, KP_2
        0xff9a | 0xffb9 => 0x49,          // KP_Page_Up, KP_9
        0xff9b | 0xffb3 => 0x51,          // KP_Page_Down, KP_3
        0xff9c | 0xffb1 => 0x4f,          // KP_End, KP_1
        0xff9d | 0xffb5 => 0x4c,          // KP_Begin, KP_5
        0xff9e | 0xffb0 => 0x52,          // KP_Insert, KP_0
        0xff9f | 0xffae | 0xffac => 0x53, // KP_Delete, KP_Decimal, KP_Separator
        0xffaa => 0x37,                   // KP_Multiply
        0xffab => 0x4e,                   // KP_Add
        0xffad => 0x4a,                   // KP_Subtract
        0xffaf => 0x135,                  // KP_Divide
        0xffbd => 0x59,                   // KP_Equal
        _ => return None,
    })
}

const fn modifier(keysym: u32) -> Option<VScancode> {
    place_of(match keysym {
        0xffe1 => 0x2a,  // Shift_L
        0xffe2 => 0x36,  // Shift_R
        0xffe3 => 0x1d,  // Control_L
        0xffe4 => 0x11d, // Control_R
        0xffe9 => 0x38,  // Alt_L
        // Alt_R, ISO_Level3_Shift, Mode_switch: one key, whatever it is called.
        0xffea | 0xfe03 | 0xff7e => 0x138,
        0xffe7 | 0xffeb | 0xffed => 0x15b, // Meta_L, Super_L, Hyper_L
        0xffe8 | 0xffec | 0xffee => 0x15c, // Meta_R, Super_R, Hyper_R
        0xff22 => 0x7b,                    // Muhenkan
        0xff23 => 0x79,                    // Henkan
        0xff24..=0xff27 => 0x70,           // Romaji, Hiragana, Katakana, Hiragana_Katakana
        0xff28..=0xff2a => 0x29,           // Zenkaku, Hankaku, Zenkaku_Hankaku
        _ => return None,
    })
}

#[expect(clippy::cast_possible_truncation, reason = "all are below 0x200")]
const fn place_of(code: u32) -> Option<VScancode> {
    Some(VScancode(code as u16))
}

/// What a dead key writes when a space follows.
pub(super) const fn accent(keysym: u32) -> Option<char> {
    Some(match keysym {
        0xfe50 => '`',
        0xfe51 => '´',
        0xfe52 => '^',
        0xfe53 => '~',
        0xfe57 => '¨',
        _ => return None,
    })
}
