//! The banner: what a viewer decodes of it, and when it may be sent.

use proptest::prelude::*;
use rfb_proto::PixelFormat;
use rfb_proto::server_messages::{Kind, Message as Sent, ServerScanner};

use super::host_lost::RGB565;
use super::*;
use crate::banner::{BAND_HEIGHT, MAX_BAND_WIDTH, banner};

pub(super) const MAPPED: PixelFormat = PixelFormat {
    bits_per_pixel: 8,
    depth: 8,
    true_colour: false,
    ..PixelFormat::VMWARE
};

/// What a viewer decodes: whether a colour map came first, and the one rectangle with its content.
struct Decoded {
    colour_map: bool,
    area: Area,
    pixels: Vec<u8>,
}

/// Decodes one whole update, before which a colour map may come, and nothing after it.
fn decode(bytes: &[u8], size: (u16, u16), format: PixelFormat) -> Decoded {
    let mut update = ServerScanner::after_server_init(size, format);
    let mut decoded = Decoded {
        colour_map: false,
        area: Area::default(),
        pixels: Vec::new(),
    };
    let (mut updates, mut rest) = (0, bytes);
    while !rest.is_empty() {
        let piece = update.scan(rest).unwrap().expect("a whole message");
        rest = &rest[piece.bytes.len()..];
        match piece.message {
            Sent::SetColourMapEntries {
                first: 0,
                count: 256,
            } => {
                assert_eq!(updates, 0, "the map comes first");
                decoded.colour_map = true;
            }
            Sent::Update { rectangles: 1, .. } => updates += 1,
            Sent::Rectangle {
                area,
                encoding: Encoding::RAW,
            } => decoded.area = area,
            Sent::Body {
                of: Kind::Rectangle,
                ..
            } => decoded.pixels.extend_from_slice(piece.bytes),
            Sent::Body {
                of: Kind::SetColourMapEntries,
                ..
            } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(updates, 1);
    assert!(update.is_between_messages(), "the update is whole");
    decoded
}

/// The pixels as text, one line for each row: `#` where they are `bright`.
fn drawing(decoded: &Decoded, bright: &[u8], dark: &[u8]) -> Vec<String> {
    let row = bright.len() * usize::from(decoded.area.width);
    let pixel = |pixel: &[u8]| match pixel {
        _ if pixel == bright => '#',
        _ if pixel == dark => '.',
        _ => panic!("{pixel:?} is neither bright nor dark"),
    };
    let rows = decoded.pixels.chunks_exact(row);
    rows.map(|row| row.chunks_exact(bright.len()).map(pixel).collect())
        .collect()
}

/// `Hi`, pixel by pixel.
const HI: [&str; 8] = [
    "#...#...#..",
    "#...#......",
    "#...#..##..",
    "#####...#..",
    "#...#...#..",
    "#...#...#..",
    "#...#..###.",
    "...........",
];

/// A band of 20 rows with `rows` in the middle and 4 dark columns before them.
fn band(width: usize, rows: &[String]) -> Vec<String> {
    let above = (20 - rows.len()) / 2;
    let mut band = vec![".".repeat(width); 20];
    for (line, row) in band.iter_mut().skip(above).zip(rows) {
        *line = format!("....{row:.<rest$}", rest = width - 4);
    }
    band
}

/// Each pixel as four.
fn doubled(rows: &[&str]) -> Vec<String> {
    let double = |row: &&str| -> String { row.chars().flat_map(|pixel| [pixel; 2]).collect() };
    let rows = rows.iter().map(double);
    rows.flat_map(|row| [row.clone(), row]).collect()
}

#[test]
fn glyphs_are_bright_on_dark_in_the_viewers_format() {
    let big_endian = PixelFormat {
        big_endian: true,
        ..RGB565
    };
    let cases: [(PixelFormat, &[u8], &[u8]); 4] = [
        (PixelFormat::VMWARE, &[255, 255, 255, 0], &[24, 24, 24, 0]),
        (RGB565, &[0xff, 0xff], &[0xc3, 0x18]),
        (big_endian, &[0xff, 0xff], &[0x18, 0xc3]),
        (MAPPED, &[0xff], &[0o11]),
    ];
    for (format, bright, dark) in cases {
        let size = (48, 100);
        let decoded = decode(&banner("Hi", size, &format).unwrap(), size, format);
        let bottom = Area {
            x: 0,
            y: 80,
            width: 48,
            height: 20,
        };
        assert_eq!(decoded.area, bottom);
        assert_eq!(decoded.colour_map, !format.true_colour);
        let expected = band(48, &doubled(&HI));
        assert_eq!(drawing(&decoded, bright, dark), expected, "{format:?}");
    }
}

/// The text that is drawn on a screen of this size, in RGB565.
fn drawn(text: &str, size: (u16, u16)) -> Vec<String> {
    let message = banner(text, size, &RGB565).unwrap();
    drawing(
        &decode(&message, size, RGB565),
        &[0xff, 0xff],
        &[0xc3, 0x18],
    )
}

#[test]
fn text_that_does_not_fit_at_double_size_is_drawn_at_single_size() {
    // Room for two characters at single size, for one at double size.
    let single: Vec<String> = HI.iter().map(|&row| row.to_owned()).collect();
    assert_eq!(drawn("Hi", (24, 20)), band(24, &single));
}

#[test]
fn text_that_does_not_fit_ends_with_three_dots() {
    // Ten columns.
    let size = (8 + 60, 20);
    assert_eq!(drawn("abcdefghijk", size), drawn("abcdefg...", size));
    assert_eq!(drawn("Hi!", (24, 20)), drawn("..", (24, 20)));
}

#[test]
fn other_characters_are_drawn_as_question_marks() {
    let size = (200, 20);
    assert_eq!(
        drawn("f\u{fc}r\n\u{7f}\u{1f600}", size),
        drawn("f?r???", size)
    );
}

#[test]
fn each_printable_character_has_a_glyph_of_its_own() {
    let glyphs: Vec<_> = (' '..='~')
        .map(|c| drawn(&c.to_string(), (24, 20)))
        .collect();
    assert_eq!(glyphs.len(), 95);
    for (at, glyph) in glyphs.iter().enumerate() {
        assert!(!glyphs[..at].contains(glyph), "{at}");
        let is_blank = glyph.iter().all(|row| !row.contains('#'));
        assert_eq!(is_blank, at == 0);
    }
}

#[test]
fn a_screen_without_room_for_a_character_gets_no_banner() {
    for size in [(0, 0), (1920, 0), (0, 1080), (13, 100), (100, 7)] {
        assert_eq!(banner("x", size, &RGB565), None, "{size:?}");
    }
    assert!(banner("x", (14, 8), &RGB565).is_some());
    assert!(banner("", (14, 8), &RGB565).is_some());
    let unsound = PixelFormat {
        bits_per_pixel: 24,
        ..PixelFormat::VMWARE
    };
    assert_eq!(banner("x", (100, 100), &unsound), None);
}

fn format() -> impl Strategy<Value = PixelFormat> {
    let fields = (
        (
            prop::sample::select(vec![0, 8, 16, 24, 32]),
            0_u8..=33,
            any::<bool>(),
            any::<bool>(),
        ),
        (any::<u16>(), any::<u16>(), any::<u16>()),
        (0_u8..=33, 0_u8..=33, 0_u8..=33),
    );
    let arbitrary = fields.prop_map(
        |((bits_per_pixel, depth, big_endian, true_colour), max, shift)| PixelFormat {
            bits_per_pixel,
            depth,
            big_endian,
            true_colour,
            red_max: max.0,
            green_max: max.1,
            blue_max: max.2,
            red_shift: shift.0,
            green_shift: shift.1,
            blue_shift: shift.2,
        },
    );
    // Side by side, so that most are sound.
    let bits = (1_u8..=10, 1_u8..=10, 1_u8..=10, any::<bool>());
    let sound = bits.prop_map(|(red, green, blue, big_endian)| {
        let depth = red + green + blue;
        let max = |bits: u8| (1_u16 << bits) - 1;
        PixelFormat {
            bits_per_pixel: if depth <= 8 {
                8
            } else if depth <= 16 {
                16
            } else {
                32
            },
            depth,
            big_endian,
            true_colour: true,
            red_max: max(red),
            green_max: max(green),
            blue_max: max(blue),
            red_shift: green + blue,
            green_shift: blue,
            blue_shift: 0,
        }
    });
    prop_oneof![arbitrary, sound, Just(MAPPED)]
}

proptest! {
    #[test]
    fn any_text_size_and_format_make_one_whole_update_on_the_screen(
        text in any::<String>(),
        width in prop_oneof![0_u16..64, any::<u16>()],
        height in prop_oneof![0_u16..64, any::<u16>()],
        format in format(),
    ) {
        let message = banner(&text, (width, height), &format);
        let has_room = width >= 14 && height >= 8;
        prop_assert_eq!(message.is_some(), has_room && format.is_sound());
        if let Some(message) = message {
            let most = usize::from(MAX_BAND_WIDTH) * usize::from(BAND_HEIGHT) * 4;
            prop_assert!(message.len() <= most + 4 + 12 + 1542);
            let decoded = decode(&message, (width, height), format);
            let Area { x, y, width: w, height: h } = decoded.area;
            prop_assert!(w > 0 && h > 0 && w <= MAX_BAND_WIDTH && h <= BAND_HEIGHT);
            prop_assert!(x + w <= width && y + h == height);
            prop_assert_eq!(decoded.colour_map, !format.true_colour);
        }
    }
}
