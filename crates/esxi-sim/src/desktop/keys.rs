//! From X11 keysyms to typed text.

/// Applies a pressed key to `typed`; false if the key types nothing. Keysyms are those of `keysymdef.h`: Latin-1 is
/// itself, Unicode is 0x0100_0000 plus the code point.
pub(super) fn press(keysym: u32, typed: &mut String) -> bool {
    let character = match keysym {
        BACK_SPACE => return typed.pop().is_some(),
        RETURN | KP_ENTER => '\n',
        0x20..=0x7e | 0xa0..=0xff => char::from_u32(keysym).unwrap_or(UNKNOWN),
        0x0100_0100..=0x0110_ffff => char::from_u32(keysym - 0x0100_0000).unwrap_or(UNKNOWN),
        _ => return false,
    };
    typed.push(character);
    if typed.chars().count() > TYPED {
        typed.remove(0);
    }
    true
}

const BACK_SPACE: u32 = 0xff08;
const RETURN: u32 = 0xff0d;
const KP_ENTER: u32 = 0xff8d;
const UNKNOWN: char = '\u{fffd}';
/// Characters kept: several screens full.
pub(super) const TYPED: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latin_1_unicode_return_and_backspace_type_and_others_do_not() {
        let mut typed = String::new();
        for keysym in [
            u32::from('h'),
            0xe9,
            0x0100_20ac,
            u32::from('x'),
            BACK_SPACE,
            RETURN,
        ] {
            assert!(press(keysym, &mut typed));
        }
        let shift = 0xffe1;
        assert!(!press(shift, &mut typed));
        assert_eq!(typed, "hé€\n");
    }

    #[test]
    fn the_oldest_characters_go_first() {
        let mut typed = "a".repeat(TYPED);
        press(u32::from('b'), &mut typed);
        assert_eq!(typed.chars().count(), TYPED);
        assert!(typed.ends_with('b'));
    }
}
