//! Keys by scan code, and by the characters of each layout.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use rfb_proto::keys::{
    Layout, PAUSE, PRINT_SCREEN, SPACE, Stroke, Typed, character, from_xt, keysym,
};
use rfb_proto::vmware::VScancode;

const PRINTABLE: std::ops::RangeInclusive<char> = '!'..='~';

fn stroke(scan: u16, shift: bool, alt_gr: bool) -> Typed {
    Typed::Stroke(Stroke {
        scan: VScancode(scan),
        shift,
        alt_gr,
    })
}

#[test]
fn an_xt_scan_code_is_vmwares_with_the_prefix_bit_moved() {
    for (xt, place) in [
        (0x01, 0x01),
        (0x1e, 0x1e),
        (0x1d, 0x1d),
        (0x9d, 0x11d),
        (0xb8, 0x138),
        (0xc8, 0x148),
        (0xdb, 0x15b),
        (0xdd, 0x15d),
        (0x9c, 0x11c),
        (0xb5, 0x135),
        (0x73, 0x73),
        (0x7d, 0x7d),
    ] {
        assert_eq!(from_xt(xt), Some(VScancode(place)), "{xt:#x}");
    }
    assert_eq!(from_xt(0x45), Some(VScancode(0x45)), "NumLock is not Pause");
    assert_eq!(PRINT_SCREEN, VScancode(0x137));
    assert_eq!(from_xt(0xc6), Some(PAUSE));
    assert_eq!(from_xt(0xb7), Some(PRINT_SCREEN));
    assert_eq!(from_xt(0x54), Some(PRINT_SCREEN));
    for nothing in [0, 0x80, 0x100, 0xe01d, u32::MAX] {
        assert_eq!(from_xt(nothing), None);
    }
}

/// What viewers send for F13 to F24 (keycodemapdb, which TigerVNC, gtk-vnc and noVNC use) and what VMware's client does.
#[test]
fn further_keys_have_the_codes_of_vmwares_client() {
    for (xt, place) in [
        (0x5d, 0x64),
        (0x5e, 0x65),
        (0x5f, 0x66),
        (0x55, 0x67),
        (0x83, 0x68),
        (0xf7, 0x69),
        (0x84, 0x6a),
        (0x5a, 0x6b),
        (0x74, 0x6c),
        (0xf9, 0x6d),
        (0x6d, 0x6e),
        (0x6f, 0x76),
        // As Windows numbers them.
        (0x64, 0x64),
        (0x6e, 0x6e),
        (0x76, 0x76),
        // The keypad's equals sign.
        (0x59, 0x0d),
    ] {
        assert_eq!(from_xt(xt), Some(VScancode(place)), "{xt:#x}");
    }
}

#[test]
fn keys_without_a_character_have_the_same_scan_code_in_every_layout() {
    for (keysym, place) in [
        (0xff08, 0x0e),
        (0xff09, 0x0f),
        (0xfe20, 0x0f),
        (0xff0d, 0x1c),
        (0xff1b, 0x01),
        (0xffff, 0x153),
        (0xff63, 0x152),
        (0xff50, 0x147),
        (0xff57, 0x14f),
        (0xff51, 0x14b),
        (0xff54, 0x150),
        (0xffbe, 0x3b),
        (0xffc7, 0x44),
        (0xffc8, 0x57),
        (0xffc9, 0x58),
        (0xffca, 0x64),
        (0xffd4, 0x6e),
        (0xffd5, 0x76),
        (0xffe1, 0x2a),
        (0xffe2, 0x36),
        (0xffe3, 0x1d),
        (0xffe4, 0x11d),
        (0xffe9, 0x38),
        (0xffea, 0x138),
        (0xfe03, 0x138),
        (0xffeb, 0x15b),
        (0xff67, 0x15d),
        (0xff13, 0x100),
        (0xff61, 0x137),
        (0xff15, 0x54),
        (0xffbd, 0x0d),
        (0xff7f, 0x45),
        (0xff14, 0x46),
        (0xffe5, 0x3a),
        (0xff8d, 0x11c),
        (0xffaf, 0x135),
        (0xffb0, 0x52),
        (0xffb9, 0x49),
        (0xff9f, 0x53),
    ] {
        for layout in Layout::ALL {
            let typed = Some(Typed::Plain(VScancode(place)));
            assert_eq!(layout.key(keysym), typed, "{keysym:#x} in {layout:?}");
        }
    }
    for unknown in [0, 0x1f, 0x7f, 0x9f, 0xff00, 0xfe60, 0x0111_0000, u32::MAX] {
        assert_eq!(Layout::Us.key(unknown), None, "{unknown:#x}");
    }
}

#[test]
fn well_known_keys_have_their_scan_codes() {
    for (layout, character, expected) in [
        (Layout::Us, 'a', stroke(0x1e, false, false)),
        (Layout::Us, 'A', stroke(0x1e, true, false)),
        (Layout::Us, '@', stroke(0x03, true, false)),
        (Layout::Us, '\\', stroke(0x2b, false, false)),
        (Layout::Us, '?', stroke(0x35, true, false)),
        (Layout::Us, ' ', stroke(0x39, false, false)),
        (Layout::Uk, '#', stroke(0x2b, false, false)),
        (Layout::Uk, '"', stroke(0x03, true, false)),
        (Layout::Uk, '\\', stroke(0x56, false, false)),
        (Layout::Uk, '€', stroke(0x05, false, true)),
        (Layout::Uk, 'á', stroke(0x1e, false, true)),
        (Layout::De, 'y', stroke(0x2c, false, false)),
        (Layout::De, 'z', stroke(0x15, false, false)),
        (Layout::De, 'ß', stroke(0x0c, false, false)),
        (Layout::De, '@', stroke(0x10, false, true)),
        (Layout::De, '\\', stroke(0x0c, false, true)),
        (Layout::De, '{', stroke(0x08, false, true)),
        (Layout::De, '}', stroke(0x0b, false, true)),
        (Layout::De, '~', stroke(0x1b, false, true)),
        (Layout::De, '|', stroke(0x56, false, true)),
        (Layout::De, 'µ', stroke(0x32, false, true)),
        (Layout::De, '€', stroke(0x12, false, true)),
        (Layout::Fr, 'a', stroke(0x10, false, false)),
        (Layout::Fr, 'm', stroke(0x27, false, false)),
        (Layout::Fr, '1', stroke(0x02, true, false)),
        (Layout::Fr, 'é', stroke(0x03, false, false)),
        (Layout::Fr, '@', stroke(0x0b, false, true)),
        (Layout::Fr, '^', stroke(0x0a, false, true)),
        (Layout::Fr, '.', stroke(0x33, true, false)),
        (Layout::Fr, '}', stroke(0x0d, false, true)),
        (Layout::Es, 'ñ', stroke(0x27, false, false)),
        (Layout::Es, '@', stroke(0x03, false, true)),
        (Layout::Es, '\\', stroke(0x29, false, true)),
        (Layout::Es, '[', stroke(0x1a, false, true)),
        (Layout::Es, '}', stroke(0x2b, false, true)),
        (Layout::Es, '/', stroke(0x08, true, false)),
        (Layout::Jp, '@', stroke(0x1a, false, false)),
        (Layout::Jp, '_', stroke(0x73, true, false)),
        (Layout::Jp, '¥', stroke(0x7d, false, false)),
        (Layout::Jp, '|', stroke(0x7d, true, false)),
        (Layout::Jp, ']', stroke(0x2b, false, false)),
    ] {
        assert_eq!(
            layout.types(character),
            Some(expected),
            "{character} in {layout:?}"
        );
        assert_eq!(layout.key(keysym(character)), Some(expected));
    }
}

#[test]
fn every_layout_writes_all_of_ascii_and_reads_it_back() {
    let mut written = 0;
    for layout in Layout::ALL {
        assert_eq!(Layout::from_name(layout.name()), Some(layout));
        for character in PRINTABLE {
            match layout.types(character) {
                Some(Typed::Stroke(stroke)) => assert_eq!(layout.writes(stroke), Some(character)),
                Some(Typed::Dead(dead, then)) => {
                    assert_eq!(layout.writes(dead), Some(character));
                    assert_eq!(then, Stroke::plain(SPACE));
                }
                other => panic!("{character} in {layout:?}: {other:?}"),
            }
            written += 1;
        }
        let line_end = Some(Typed::Plain(VScancode(0x1c)));
        assert_eq!(layout.types('\n'), line_end);
        assert_eq!(layout.types('\t'), Some(Typed::Plain(VScancode(0x0f))));
        assert_eq!(layout.types('字'), None);
        assert_eq!(layout.types('\0'), None);
    }
    assert_eq!(written, 6 * 94);
    assert_eq!(Layout::from_name("dvorak"), None);
}

#[test]
fn dead_keys_are_followed_by_a_space_or_a_letter() {
    let key = |scan, shift, alt_gr| Stroke {
        scan: VScancode(scan),
        shift,
        alt_gr,
    };
    let plain = |scan| key(scan, false, false);
    let blank = Stroke::plain(SPACE);
    for (layout, character, dead, then) in [
        (Layout::De, '^', plain(0x29), blank),
        (Layout::De, '`', key(0x0d, true, false), blank),
        (Layout::De, 'â', plain(0x29), plain(0x1e)),
        (Layout::De, 'É', plain(0x0d), key(0x12, true, false)),
        (Layout::Fr, 'ê', plain(0x1a), plain(0x12)),
        (Layout::Fr, 'ï', key(0x1a, true, false), plain(0x17)),
        (Layout::Fr, '~', key(0x03, false, true), blank),
        (Layout::Es, 'á', plain(0x28), plain(0x1e)),
        (
            Layout::Es,
            'Ü',
            key(0x28, true, false),
            key(0x16, true, false),
        ),
        (Layout::Es, '~', key(0x05, false, true), blank),
    ] {
        assert_eq!(
            layout.types(character),
            Some(Typed::Dead(dead, then)),
            "{character}"
        );
    }
    assert_eq!(Layout::Us.types('é'), None, "the layout lacks it");
    // A viewer with dead keys of its own sends the letter itself afterwards.
    assert_eq!(Layout::De.key(0xfe52), Some(Typed::Stroke(plain(0x29))));
    assert_eq!(
        Layout::Us.key(0xfe52),
        Some(Typed::Stroke(key(0x07, true, false)))
    );
}

#[test]
fn characters_and_keysyms_are_inverse() {
    for (code, meant) in [
        (0x61, 'a'),
        (0xe9, 'é'),
        (0x20ac, '€'),
        (0x06f6, 'Ж'),
        (0x0101_f600, '😀'),
    ] {
        assert_eq!(character(code), Some(meant));
        assert_eq!(keysym(meant), code);
    }
    // Both forms are read.
    assert_eq!(character(0x0100_0416), Some('Ж'));
    assert_eq!(character(0x0100_20ac), Some('€'));
    assert_eq!(character(0x0100_d800), None, "no character");
    assert_eq!(keysym('\n'), 0xff0d);
}
