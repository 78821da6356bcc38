//! X11 keysyms to PC set-1 scan codes by the US layout, whatever the guest's layout (`docs/webmks.md` 2.3 Q6).

use xkeysym::{Keysym, key};

use super::layout;

/// The key of a keysym and, if it types a character, whether with Shift. `None`: no key of a US keyboard.
pub(super) fn key(keysym: u32) -> Option<(u16, Option<bool>)> {
    if let Some(code) = named(keysym) {
        return Some((code, None));
    }
    let character = Keysym::new(keysym).key_char()?;
    layout::us_key(character).map(|(code, shift)| (code, Some(shift)))
}

/// Keys without a character, and the keypad. Pause and Print as VMware's client sends them.
const fn named(keysym: u32) -> Option<u16> {
    Some(match keysym {
        key::BackSpace => 0x0e,
        key::Tab | key::ISO_Left_Tab => 0x0f,
        key::Return => 0x1c,
        key::Pause => 0x100,
        key::Scroll_Lock => 0x46,
        key::Sys_Req => 0x54,
        key::Escape => 0x01,
        key::Home => 0x147,
        key::Left => 0x14b,
        key::Up => 0x148,
        key::Right => 0x14d,
        key::Down => 0x150,
        key::Page_Up => 0x149,
        key::Page_Down => 0x151,
        key::End => 0x14f,
        key::Print => 0x137,
        key::Insert => 0x152,
        key::Menu => 0x15d,
        key::Mode_switch | key::ISO_Level3_Shift | key::Alt_R => 0x138,
        key::Num_Lock => 0x45,
        key::F1..=key::F10 => 0x3b + offset(keysym, key::F1),
        key::F11 | key::F12 => 0x57 + offset(keysym, key::F11),
        key::F13..=key::F23 => 0x64 + offset(keysym, key::F13),
        key::F24 => 0x76,
        key::Shift_L => 0x2a,
        key::Shift_R => 0x36,
        key::Control_L => 0x1d,
        key::Control_R => 0x11d,
        key::Caps_Lock => 0x3a,
        key::Meta_L | key::Super_L => 0x15b,
        key::Meta_R | key::Super_R => 0x15c,
        key::Alt_L => 0x38,
        key::Delete => 0x153,
        _ => return keypad(keysym),
    })
}

const fn keypad(keysym: u32) -> Option<u16> {
    Some(match keysym {
        key::KP_Enter => 0x11c,
        key::KP_Home => 0x47,
        key::KP_Left => 0x4b,
        key::KP_Up => 0x48,
        key::KP_Right => 0x4d,
        key::KP_Down => 0x50,
        key::KP_Page_Up => 0x49,
        key::KP_Page_Down => 0x51,
        key::KP_End => 0x4f,
        key::KP_Begin => 0x4c,
        key::KP_Insert | key::KP_0 => 0x52,
        key::KP_Delete | key::KP_Separator | key::KP_Decimal => 0x53,
        key::KP_Multiply => 0x37,
        key::KP_Add => 0x4e,
        key::KP_Subtract => 0x4a,
        key::KP_Divide => 0x135,
        key::KP_Equal => 0x0d,
        key::KP_1..=key::KP_3 => 0x4f + offset(keysym, key::KP_1),
        key::KP_4..=key::KP_6 => 0x4b + offset(keysym, key::KP_4),
        key::KP_7..=key::KP_9 => 0x47 + offset(keysym, key::KP_7),
        _ => return None,
    })
}

/// The offset from the first keysym of a range.
#[expect(clippy::cast_possible_truncation, reason = "runs are short")]
const fn offset(keysym: u32, first: u32) -> u16 {
    (keysym - first) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_go_through_the_us_layout_and_named_keys_to_themselves() {
        assert_eq!(key(u32::from('z')), Some((0x2c, Some(false))));
        assert_eq!(key(u32::from('Z')), Some((0x2c, Some(true))));
        assert_eq!(key(0x0100_0040), key(u32::from('@')));
        assert_eq!(key(0xffc7), Some((0x44, None)));
        assert_eq!(key(0xffc9), Some((0x58, None)));
        assert_eq!(key(0xffd4), Some((0x6e, None)));
        assert_eq!(key(0xffd5), Some((0x76, None)));
        assert_eq!(key(0xffb5), Some((0x4c, None)));
        assert_eq!(key(0xff53), Some((0x14d, None)));
        assert_eq!(key(0xff61), Some((0x137, None)));
        assert_eq!(key(0xe9), None);
        assert_eq!(key(0xfe51), None);
    }
}
