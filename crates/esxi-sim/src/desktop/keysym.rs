//! From X11 keysyms to PC set-1 scan codes through a US layout, whatever the guest's is (`docs/webmks.md` 2.3 Q6).

use super::layout;

/// The key for a keysym of `keysymdef.h`, and for one that types a character whether Shift is needed. `None`: a US
/// keyboard has no such key, so the guest hears nothing.
pub(super) fn key(keysym: u32) -> Option<(u16, Option<bool>)> {
    if let Some(character) = character(keysym) {
        return layout::us_key(character).map(|(code, shift)| (code, Some(shift)));
    }
    let named = NAMED.iter().find(|(named, _)| *named == keysym);
    named
        .map(|(_, code)| (*code, None))
        .or_else(|| in_run(keysym))
}

/// Latin-1 is itself; Unicode is 0x0100_0000 plus the code point.
fn character(keysym: u32) -> Option<char> {
    match keysym {
        0x20..=0x7e | 0xa0..=0xff => char::from_u32(keysym),
        0x0100_0000..=0x0110_ffff => char::from_u32(keysym - 0x0100_0000),
        _ => None,
    }
}

/// Keysyms and scan codes that both follow one another.
fn in_run(keysym: u32) -> Option<(u16, Option<bool>)> {
    let run = RUNS
        .iter()
        .find(|(first, last, _)| (*first..=*last).contains(&keysym));
    let (first, _, code) = run?;
    Some((code + u16::try_from(keysym - first).ok()?, None))
}

/// First and last keysym, first scan code: F1 to F10, F11 and F12, keypad digits.
const RUNS: &[(u32, u32, u16)] = &[
    (0xffbe, 0xffc7, 0x3b),
    (0xffc8, 0xffc9, 0x57),
    (0xffb1, 0xffb3, 0x4f),
    (0xffb4, 0xffb6, 0x4b),
    (0xffb7, 0xffb9, 0x47),
];

const NAMED: &[(u32, u16)] = &[
    (0xff08, 0x0e),  // BackSpace
    (0xff09, 0x0f),  // Tab
    (0xfe20, 0x0f),  // ISO_Left_Tab
    (0xff0d, 0x1c),  // Return
    (0xff13, 0x100), // Pause, as VMware's client sends it
    (0xff14, 0x46),  // Scroll_Lock
    (0xff1b, 0x01),  // Escape
    (0xff50, 0x147), // Home
    (0xff51, 0x14b), // Left
    (0xff52, 0x148), // Up
    (0xff53, 0x14d), // Right
    (0xff54, 0x150), // Down
    (0xff55, 0x149), // Page_Up
    (0xff56, 0x151), // Page_Down
    (0xff57, 0x14f), // End
    (0xff61, 0x54),  // Print, as VMware's client sends it
    (0xff63, 0x152), // Insert
    (0xff67, 0x15d), // Menu
    (0xff7e, 0x138), // Mode_switch
    (0xfe03, 0x138), // ISO_Level3_Shift
    (0xff7f, 0x45),  // Num_Lock
    (0xff8d, 0x11c), // KP_Enter
    (0xff95, 0x47),  // KP_Home
    (0xff96, 0x4b),  // KP_Left
    (0xff97, 0x48),  // KP_Up
    (0xff98, 0x4d),  // KP_Right
    (0xff99, 0x50),  // KP_Down
    (0xff9a, 0x49),  // KP_Page_Up
    (0xff9b, 0x51),  // KP_Page_Down
    (0xff9c, 0x4f),  // KP_End
    (0xff9d, 0x4c),  // KP_Begin
    (0xff9e, 0x52),  // KP_Insert
    (0xff9f, 0x53),  // KP_Delete
    (0xffaa, 0x37),  // KP_Multiply
    (0xffab, 0x4e),  // KP_Add
    (0xffac, 0x53),  // KP_Separator
    (0xffad, 0x4a),  // KP_Subtract
    (0xffae, 0x53),  // KP_Decimal
    (0xffaf, 0x135), // KP_Divide
    (0xffb0, 0x52),  // KP_0
    (0xffe1, 0x2a),  // Shift_L
    (0xffe2, 0x36),  // Shift_R
    (0xffe3, 0x1d),  // Control_L
    (0xffe4, 0x11d), // Control_R
    (0xffe5, 0x3a),  // Caps_Lock
    (0xffe7, 0x15b), // Meta_L
    (0xffe8, 0x15c), // Meta_R
    (0xffe9, 0x38),  // Alt_L
    (0xffea, 0x138), // Alt_R
    (0xffeb, 0x15b), // Super_L
    (0xffec, 0x15c), // Super_R
    (0xffff, 0x153), // Delete
];

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
        assert_eq!(key(0xffb5), Some((0x4c, None)));
        assert_eq!(key(0xff53), Some((0x14d, None)));
        assert_eq!(key(0xe9), None);
        assert_eq!(key(0xfe51), None);
    }
}
