//! Keys whose keysym has the same scan code in every layout.

use xkeysym::key;

use super::{KEYPAD_EQUALS, PAUSE, PRINT_SCREEN, SYS_RQ};
use crate::vmware::VScancode;

/// The scan code of a keysym (`docs/webmks.md` 1.8).
pub(super) const fn scancode(keysym: u32) -> Option<VScancode> {
    let code = match keysym {
        key::BackSpace => 0x0e,
        key::Tab | key::ISO_Left_Tab => 0x0f,
        key::Return | key::Linefeed => 0x1c,
        key::Escape => 0x01,
        key::Pause | key::Break => return Some(PAUSE),
        key::Print => return Some(PRINT_SCREEN),
        key::Sys_Req => return Some(SYS_RQ),
        key::Scroll_Lock => 0x46,
        key::Num_Lock => 0x45,
        key::Caps_Lock => 0x3a,
        key::Menu => 0x15d,
        key::Insert => 0x152,
        key::Delete => 0x153,
        key::Home..=key::End => return cursor(keysym),
        key::KP_Space..=key::KP_Equal => return keypad(keysym),
        key::F1..=key::F24 => return function(keysym - key::F1 + 1),
        _ => return modifier(keysym),
    };
    vscancode(code)
}

/// The scan code of a function key, from 1 to 24.
pub(super) const fn function(number: u32) -> Option<VScancode> {
    vscancode(match number {
        1..=10 => 0x3a + number,
        11 | 12 => 0x4c + number,
        13..=23 => 0x57 + number,
        24 => 0x76,
        _ => return None,
    })
}

const fn cursor(keysym: u32) -> Option<VScancode> {
    vscancode(match keysym {
        key::Home => 0x147,
        key::Left => 0x14b,
        key::Up => 0x148,
        key::Right => 0x14d,
        key::Down => 0x150,
        key::Page_Up => 0x149,
        key::Page_Down => 0x151,
        key::End => 0x14f,
        _ => return None,
    })
}

/// The keys of the keypad have the same scan codes with and without `Num_Lock`.
const fn keypad(keysym: u32) -> Option<VScancode> {
    vscancode(match keysym {
        key::KP_Space => 0x39,
        key::KP_Tab => 0x0f,
        key::KP_Enter => 0x11c,
        key::KP_Home | key::KP_7 => 0x47,
        key::KP_Left | key::KP_4 => 0x4b,
        key::KP_Up | key::KP_8 => 0x48,
        key::KP_Right | key::KP_6 => 0x4d,
        key::KP_Down | key::KP_2 => 0x50,
        key::KP_Page_Up | key::KP_9 => 0x49,
        key::KP_Page_Down | key::KP_3 => 0x51,
        key::KP_End | key::KP_1 => 0x4f,
        key::KP_Begin | key::KP_5 => 0x4c,
        key::KP_Insert | key::KP_0 => 0x52,
        key::KP_Delete | key::KP_Decimal | key::KP_Separator => 0x53,
        key::KP_Multiply => 0x37,
        key::KP_Add => 0x4e,
        key::KP_Subtract => 0x4a,
        key::KP_Divide => 0x135,
        key::KP_Equal => return Some(KEYPAD_EQUALS),
        _ => return None,
    })
}

const fn modifier(keysym: u32) -> Option<VScancode> {
    vscancode(match keysym {
        key::Shift_L => 0x2a,
        key::Shift_R => 0x36,
        key::Control_L => 0x1d,
        key::Control_R => 0x11d,
        key::Alt_L => 0x38,
        // One key with three names.
        key::Alt_R | key::ISO_Level3_Shift | key::Mode_switch => 0x138,
        key::Meta_L | key::Super_L | key::Hyper_L => 0x15b,
        key::Meta_R | key::Super_R | key::Hyper_R => 0x15c,
        key::Muhenkan => 0x7b,
        key::Henkan => 0x79,
        key::Romaji | key::Hiragana | key::Katakana | key::Hiragana_Katakana => 0x70,
        key::Zenkaku | key::Hankaku | key::Zenkaku_Hankaku => 0x29,
        _ => return None,
    })
}

#[expect(clippy::cast_possible_truncation, reason = "all are below 0x200")]
const fn vscancode(code: u32) -> Option<VScancode> {
    Some(VScancode(code as u16))
}

/// The character that a dead key writes when a space follows.
pub(super) const fn accent(keysym: u32) -> Option<char> {
    Some(match keysym {
        key::dead_grave => '`',
        key::dead_acute => '´',
        key::dead_circumflex => '^',
        key::dead_tilde => '~',
        key::dead_diaeresis => '¨',
        _ => return None,
    })
}
