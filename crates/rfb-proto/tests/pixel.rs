//! Pixel formats, and conversion of colours between them (RFC 6143 section 7.4).

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;
use rfb_proto::{Converter, PixelFormat};

const HOST: PixelFormat = PixelFormat::VMWARE;
const RGB565: PixelFormat = PixelFormat {
    bits_per_pixel: 16,
    depth: 16,
    red_max: 31,
    green_max: 63,
    blue_max: 31,
    red_shift: 11,
    green_shift: 5,
    ..HOST
};
const BGR: PixelFormat = PixelFormat {
    red_shift: 0,
    blue_shift: 16,
    ..HOST
};
/// TigerVNC's medium, low and very low colours.
const BGR233: PixelFormat = PixelFormat {
    bits_per_pixel: 8,
    depth: 8,
    red_max: 7,
    green_max: 7,
    blue_max: 3,
    red_shift: 0,
    green_shift: 3,
    blue_shift: 6,
    ..HOST
};
const RGB222: PixelFormat = PixelFormat {
    bits_per_pixel: 8,
    depth: 6,
    red_max: 3,
    green_max: 3,
    blue_max: 3,
    red_shift: 4,
    green_shift: 2,
    ..HOST
};
const RGB111: PixelFormat = PixelFormat {
    bits_per_pixel: 8,
    depth: 3,
    red_max: 1,
    green_max: 1,
    blue_max: 1,
    red_shift: 2,
    green_shift: 1,
    ..HOST
};
const MAPPED: PixelFormat = PixelFormat {
    bits_per_pixel: 8,
    depth: 8,
    true_colour: false,
    ..HOST
};
const DEEP: PixelFormat = PixelFormat {
    depth: 30,
    red_max: 1023,
    green_max: 1023,
    blue_max: 1023,
    red_shift: 20,
    green_shift: 10,
    ..HOST
};

const fn big(format: PixelFormat) -> PixelFormat {
    PixelFormat {
        big_endian: true,
        ..format
    }
}

fn convert(from: PixelFormat, to: PixelFormat, pixels: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    let taken = Converter::new(from, to)
        .unwrap()
        .convert(pixels, &mut output);
    assert_eq!(taken, pixels.len());
    output
}

#[test]
fn colours_are_equal_in_every_format() {
    // Red, and a colour with three different values.
    let pixels = [0, 0, 255, 0, 0xff, 0x80, 0x00, 0];
    for (format, expected) in [
        (HOST, &[0, 0, 255, 0, 255, 128, 0, 0][..]),
        (BGR, &[255, 0, 0, 0, 0, 128, 255, 0]),
        (big(HOST), &[0, 255, 0, 0, 0, 0, 128, 255]),
        (RGB565, &[0x00, 0xf8, 0x1f, 0x04]),
        (big(RGB565), &[0xf8, 0x00, 0x04, 0x1f]),
        (BGR233, &[0b00_000_111, 0b11_100_000]),
        (RGB222, &[0b11_00_00, 0b00_10_11]),
        (RGB111, &[0b100, 0b011]),
        (MAPPED, &[0b00_000_111, 0b11_100_000]),
        (DEEP, &[0, 0, 0xf0, 0x3f, 0xff, 0x0b, 0x08, 0]),
    ] {
        assert_eq!(convert(HOST, format, &pixels), expected, "{format:?}");
    }
}

#[test]
fn black_and_white_are_preserved_between_any_two_formats() {
    let formats = [
        HOST,
        BGR,
        big(HOST),
        RGB565,
        big(RGB565),
        BGR233,
        RGB222,
        RGB111,
        DEEP,
    ];
    for from in formats {
        let bytes = from.bytes_per_pixel().unwrap();
        let white = convert(HOST, from, &[255, 255, 255, 0]);
        for to in formats {
            let expected = convert(HOST, to, &[255, 255, 255, 0]);
            assert_eq!(convert(from, to, &white), expected);
            let black = convert(from, to, &vec![0; bytes]);
            assert!(black.iter().all(|&byte| byte == 0));
        }
    }
}

#[test]
fn the_colour_map_has_the_colour_of_each_index() {
    let converter = Converter::new(HOST, MAPPED).unwrap();
    let mut message = Vec::new();
    converter.colour_map(&mut message);
    assert_eq!(message.len(), 6 + 256 * 6);
    assert_eq!(message[..6], [1, 0, 0, 0, 1, 0]);
    let mut index = Vec::new();
    converter.convert(&[0, 255, 255, 0], &mut index);
    let colour = &message[6 + 6 * usize::from(index[0])..][..6];
    assert_eq!(colour, [255, 255, 255, 255, 0, 0], "yellow");

    message.clear();
    Converter::new(HOST, RGB565)
        .unwrap()
        .colour_map(&mut message);
    assert!(message.is_empty());
}

#[test]
fn an_incomplete_pixel_is_not_converted() {
    let mut output = Vec::new();
    let converter = Converter::new(HOST, RGB565).unwrap();
    assert_eq!(converter.convert(&[1, 2, 3, 4, 5, 6, 7], &mut output), 4);
    assert_eq!(output.len(), 2);
}

#[test]
fn contradictory_formats_are_not_sound() {
    let formats = [HOST, BGR, RGB565, BGR233, RGB222, RGB111, MAPPED, DEEP];
    assert!(formats.iter().all(PixelFormat::is_sound));
    let odd = [
        PixelFormat {
            bits_per_pixel: 24,
            ..HOST
        },
        PixelFormat { depth: 33, ..HOST },
        PixelFormat { depth: 16, ..HOST },
        PixelFormat { red_max: 0, ..HOST },
        PixelFormat {
            red_max: 254,
            ..HOST
        },
        PixelFormat {
            red_max: u16::MAX,
            ..HOST
        },
        PixelFormat {
            red_shift: 25,
            ..HOST
        },
        PixelFormat {
            red_shift: 255,
            ..HOST
        },
        PixelFormat {
            red_shift: 9,
            ..HOST
        },
        PixelFormat {
            true_colour: false,
            ..HOST
        },
    ];
    for format in odd {
        assert!(!format.is_sound(), "{format:?}");
        assert!(Converter::new(HOST, format).is_none());
        assert!(Converter::new(format, HOST).is_none());
    }
    assert!(Converter::new(MAPPED, HOST).is_none());
}

fn any_format() -> impl Strategy<Value = PixelFormat> {
    let wild = any::<[u8; 16]>().prop_map(|bytes| PixelFormat::parse(&bytes));
    let sound = prop::sample::select(vec![
        HOST, BGR, RGB565, BGR233, RGB222, RGB111, MAPPED, DEEP,
    ]);
    (prop_oneof![sound, wild], any::<bool>()).prop_map(|(format, big_endian)| PixelFormat {
        big_endian,
        ..format
    })
}

proptest! {
    #[test]
    fn any_format_and_pixels_are_converted_or_refused(from in any_format(), to in any_format(), pixels in prop::collection::vec(any::<u8>(), 0..40)) {
        if let Some(converter) = Converter::new(from, to) {
            let mut output = Vec::new();
            let taken = converter.convert(&pixels, &mut output);
            let (from, to) = (from.bytes_per_pixel().unwrap(), to.bytes_per_pixel().unwrap());
            prop_assert_eq!(taken, pixels.len() / from * from);
            prop_assert_eq!(output.len(), taken / from * to);
        }
    }

    #[test]
    fn conversion_to_a_finer_format_and_back_is_lossless(value in any::<[u8; 2]>(), big_endian in any::<bool>()) {
        let from = PixelFormat { big_endian, ..RGB565 };
        prop_assert_eq!(convert(HOST, from, &convert(from, HOST, &value)), value);
        prop_assert_eq!(convert(DEEP, from, &convert(from, DEEP, &value)), value);
    }
}
