//! The length of a rectangle in each encoding.

use super::*;

/// Parses a rectangle and bytes after it, at every cut: exactly `payload` must be its content.
fn holds(format: PixelFormat, size: (u16, u16), encoding: Encoding, payload: &[u8]) {
    let area = [1, 2, size.0, size.1];
    let bell = vec![2];
    let bytes = [an_update(&[rectangle(area, encoding, payload)]), bell].concat();
    let (received, left, _) = follow(update(format), &[&bytes]);
    let mut expected = vec![
        "Update { id: 0, rectangles: 1 }".to_owned(),
        received[1].clone(),
        format!("Rectangle {}", payload.len()),
        "Bell".to_owned(),
    ];
    if payload.is_empty() {
        expected.remove(2);
    }
    assert_eq!((&received, &left), (&expected, &Ok(0)), "{encoding:?}");
    for at in 0..=bytes.len() {
        let cut = follow(update(format), &[&bytes[..at], &bytes[at..]]);
        assert_eq!(
            (&cut.0, &cut.1),
            (&received, &left),
            "{encoding:?} cut at {at}"
        );
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    let cut = follow(update(format), &single);
    assert_eq!(
        (&cut.0, &cut.1),
        (&received, &left),
        "{encoding:?} by bytes"
    );
}

/// It must not be accepted as a rectangle in that encoding.
fn loses(format: PixelFormat, size: (u16, u16), encoding: Encoding, payload: &[u8]) {
    let bytes = an_update(&[rectangle([0, 0, size.0, size.1], encoding, payload)]);
    let (_, left, at) = follow(update(format), &[&bytes]);
    assert_eq!(left, Err(ScanError::Rectangle(encoding)), "{payload:?}");
    assert!(!at.is_between_rectangles());
}

#[test]
fn rectangles_without_a_length_field_have_the_right_length() {
    let bytes = |length: usize| vec![0x55; length];
    for (format, pixel) in [(PixelFormat::VMWARE, 4), (RGB565, 2), (LOW, 1)] {
        for (encoding, length) in [
            (Encoding::RAW, 9 * 3 * pixel),
            (Encoding::COPY_RECT, 4),
            (Encoding::CURSOR, 9 * 3 * pixel + 2 * 3),
            (Encoding::X_CURSOR, 6 + 2 * 2 * 3),
            (Encoding::DESKTOP_SIZE, 0),
            (Encoding::LAST_RECT, 0),
            (Encoding::POINTER_POSITION, 0),
            (Encoding::QEMU_POINTER_MOTION, 0),
            (Encoding::QEMU_EXTENDED_KEY, 0),
            (Encoding::QEMU_AUDIO, 0),
            (Encoding::EXTENDED_MOUSE_BUTTONS, 0),
            (Encoding::QEMU_LED_STATE, 1),
            (Encoding::VMWARE_CURSOR_STATE, 2),
            (Encoding::VMWARE_CURSOR_POSITION, 0),
            (Encoding::VMWARE_TYPEMATIC, 10),
            (Encoding::VMWARE_LED_STATE, 4),
            (Encoding::VMWARE_STATE, 2),
            (Encoding::VMWARE_FRAME_STAMP, 8),
            (Encoding::VMWARE_OFFSCREEN_COPY_RECT, 6),
        ] {
            holds(format, (9, 3), encoding, &bytes(length));
        }
        for encoding in [Encoding::RAW, Encoding::CURSOR, Encoding::X_CURSOR] {
            holds(format, (0, 3), encoding, &[]);
        }
    }
}

#[test]
fn rectangles_with_a_length_field_have_that_length() {
    let with = |head: &[u8], length: usize| [head, &vec![0x55; length]].concat();
    for (format, pixel) in [(PixelFormat::VMWARE, 4), (RGB565, 2), (LOW, 1)] {
        for (encoding, payload) in [
            (Encoding::ZLIB, with(&[0, 0, 0, 9], 9)),
            (Encoding::ZRLE, with(&[0, 0, 1, 0], 256)),
            (Encoding::ZYWRLE, with(&[0, 0, 0, 0], 0)),
            (Encoding::RRE, with(&[0, 0, 0, 3], pixel + 3 * (pixel + 8))),
            (Encoding::RRE, with(&[0, 0, 0, 0], pixel)),
            (
                Encoding::CORRE,
                with(&[0, 0, 0, 3], pixel + 3 * (pixel + 4)),
            ),
            (Encoding::H264, with(&[0, 0, 0, 9, 0, 0, 0, 1], 9)),
            (Encoding::DESKTOP_NAME, with(&[0, 0, 0, 4], 4)),
            (Encoding::EXTENDED_DESKTOP_SIZE, with(&[2, 0, 0, 0], 32)),
            (
                Encoding::VMWARE_H264_RECT,
                with(&[0, 1, 0, 0, 0, 0, 0, 7], 7),
            ),
            (
                Encoding::VMWARE_H264_MP4,
                with(&[0, 0, 0, 0, 0, 0, 0, 0], 0),
            ),
            (Encoding::VMWARE_UPDATE_CACHE, with(&[1, 0, 3, 0, 6], 6)),
            (Encoding::VMWARE_CURSOR, with(&[0, 0], 2 * 9 * 3 * pixel)),
            (Encoding::VMWARE_CURSOR, with(&[1, 0], 9 * 3 * 4)),
            (Encoding::CURSOR_WITH_ALPHA, with(&[0; 4], 9 * 3 * 4)),
            (
                Encoding::CURSOR_WITH_ALPHA,
                with(&[0, 0, 0, 16, 0, 0, 0, 5], 5),
            ),
        ] {
            holds(format, (9, 3), encoding, &payload);
        }
    }
    loses(LOW, (9, 3), Encoding::VMWARE_CURSOR, &[2, 0]);
}

#[test]
fn hextile_is_parsed_by_tiles() {
    for (format, pixel) in [(PixelFormat::VMWARE, 4), (RGB565, 2), (LOW, 1)] {
        let colour = vec![0xff; pixel];
        // 20 × 17: tiles of 16 × 16, 4 × 16, 16 × 1 and 4 × 1.
        let tiles = [
            [vec![1], vec![0xff; 16 * 16 * pixel]].concat(),
            [&[2 | 4 | 8][..], &colour, &colour, &[2], &[0xff; 4]].concat(),
            [&[8 | 16][..], &[3], &vec![0xff; 3 * (pixel + 2)]].concat(),
            vec![0],
        ];
        holds(format, (20, 17), Encoding::HEXTILE, &tiles.concat());
        let raw = [vec![1 | 8 | 16], vec![0xff; 4 * pixel]].concat();
        holds(format, (4, 1), Encoding::HEXTILE, &raw);
        holds(format, (4, 1), Encoding::HEXTILE, &[8, 0]);
        holds(format, (0, 1), Encoding::HEXTILE, &[]);
        loses(format, (4, 1), Encoding::HEXTILE, &[32]);

        let zlib = [
            [&[32, 1, 0][..], &[0xff; 256]].concat(),
            [&[64 | 2 | 8, 0, 3][..], &[0xff; 3]].concat(),
            [&[2][..], &colour].concat(),
            vec![0],
        ];
        holds(format, (20, 17), Encoding::ZLIB_HEX, &zlib.concat());
        loses(format, (4, 1), Encoding::ZLIB_HEX, &[128]);
    }
    // The widest possible row of tiles.
    holds(LOW, (65_535, 1), Encoding::HEXTILE, &[0; 4096]);
}

#[test]
fn tight_is_parsed_by_control_bytes() {
    let with = |head: &[u8], length: usize| [head, &vec![0xff; length]].concat();
    let odd_depth = PixelFormat {
        depth: 32,
        ..PixelFormat::VMWARE
    };
    for (format, pixel) in [
        (PixelFormat::VMWARE, 3),
        (odd_depth, 4),
        (RGB565, 2),
        (LOW, 1),
    ] {
        let colours = |n: usize| vec![0xff; n * pixel];
        for payload in [
            with(&[0x80], pixel),
            with(&[0x8f], pixel),
            with(&[0x90, 5], 5),
            with(&[0x90, 0x80, 1], 128),
            with(&[0x90, 0x80, 0x80, 1], 1 << 14),
            with(&[0x90, 0], 0),
            with(&[0x00, 9], 9),
            with(&[0x30, 9], 9),
            with(&[0x40, 0, 9], 9),
            with(&[0x70, 2, 9], 9),
            [&[0x40, 1, 1][..], &colours(2), &with(&[14], 14)].concat(),
            [&[0x40, 1, 2][..], &colours(3), &with(&[7], 7)].concat(),
            [&[0x40, 1, 255][..], &colours(256), &with(&[7], 7)].concat(),
            // Without zlib.
            with(&[0xa0, 20], 20),
            [&[0xe0, 1, 1][..], &colours(2), &with(&[14], 14)].concat(),
        ] {
            // Its bitmask has 2 × 7 bytes: too long to be sent uncompressed.
            holds(format, (9, 7), Encoding::TIGHT, &payload);
        }
        for payload in [
            with(&[0x00], 2 * pixel),
            with(&[0x40, 2], 2 * pixel),
            [&[0x40, 1, 1][..], &colours(2), &[0xff]].concat(),
            [&[0x40, 1, 9][..], &colours(10), &[0xff; 2]].concat(),
            [&[0x40, 1, 0][..], &colours(1), &[0xff]].concat(),
        ] {
            holds(format, (2, 1), Encoding::TIGHT, &payload);
        }
        for control in [0xc0, 0xd0] {
            loses(format, (9, 7), Encoding::TIGHT, &[control]);
        }
        loses(format, (9, 7), Encoding::TIGHT, &[0x40, 3]);

        for payload in [
            with(&[0x80], pixel),
            with(&[0x90, 5], 5),
            with(&[0xa0, 0x81, 0x01], 129),
            with(&[0xb0, 3], 3),
        ] {
            holds(format, (9, 7), Encoding::TIGHT_PNG, &payload);
        }
        loses(format, (9, 7), Encoding::TIGHT_PNG, &[0xe0]);
    }
}

#[test]
fn trle_is_parsed_by_tiles_and_runs() {
    let high = PixelFormat {
        red_shift: 24,
        green_shift: 16,
        blue_shift: 8,
        ..PixelFormat::VMWARE
    };
    let wide = PixelFormat {
        red_shift: 24,
        ..PixelFormat::VMWARE
    };
    for (format, pixel) in [
        (PixelFormat::VMWARE, 3),
        (high, 3),
        (wide, 4),
        (RGB565, 2),
        (LOW, 1),
    ] {
        let colours = |n: usize| vec![0xff; n * pixel];
        // 20 × 17: tiles of 16 × 16, 4 × 16, 16 × 1 and 4 × 1.
        let tiles = [
            [&[0][..], &colours(256)].concat(),
            [&[1][..], &colours(1)].concat(),
            // Three colours, two bits for each pixel; and the same palette again.
            [&[3][..], &colours(3), &[0xff; 4]].concat(),
            vec![127, 0xff],
        ];
        holds(format, (20, 17), Encoding::TRLE, &tiles.concat());
        let runs = [
            // 256 and one after the other, without and with a palette.
            [&[128][..], &colours(1), &[254], &colours(1), &[0]].concat(),
            [&[130][..], &colours(2), &[0x80, 62, 1]].concat(),
            [&[129][..], &[0; 16]].concat(),
            [&[255][..], &colours(127), &[0x81, 2, 0]].concat(),
        ];
        holds(format, (20, 17), Encoding::TRLE, &runs.concat());
        let long = [&[128][..], &colours(1), &[255, 0]].concat();
        holds(format, (16, 16), Encoding::TRLE, &long);
        holds(format, (0, 17), Encoding::TRLE, &[]);

        loses(format, (4, 1), Encoding::TRLE, &[17]);
        loses(format, (4, 1), Encoding::TRLE, &[127]);
        loses(format, (4, 1), Encoding::TRLE, &[129]);
        let over = [&[128][..], &colours(1), &[4]].concat();
        let lost = follow(
            update(format),
            &[&an_update(&[rectangle(
                [0, 0, 4, 1],
                Encoding::TRLE,
                &over,
            )])],
        );
        assert_eq!(lost.1, Err(ScanError::Rectangle(Encoding::TRLE)));
    }
}

#[test]
fn jpeg_is_parsed_by_segments() {
    let file = [
        &[0xff, 0xd8][..],
        &[0xff, 0xe0, 0, 4, 0xff, 0xd9],
        &[0xff, 0xff, 0xff, 0xdb, 0, 2],
        &[0xff, 0xda, 0, 3, 1],
        &[1, 2, 0xff, 0, 3, 0xff, 0xd0, 4, 0xff, 0xd7, 0xff, 0],
        &[0xff, 0xc4, 0, 3, 9],
        &[0xff, 0xda, 0, 2, 0xff, 0xd9],
    ]
    .concat();
    holds(LOW, (9, 3), Encoding::JPEG, &file);
    for bytes in [
        &[0xff, 0xd9][..],
        &[0xff, 0xd8, 0x00],
        &[0xff, 0xd8, 0xff, 0xe0, 0, 1],
        &[0xff, 0xd8, 0xff, 0xd8],
        &[0],
    ] {
        let bytes = an_update(&[rectangle([0, 0, 9, 3], Encoding::JPEG, bytes)]);
        let (_, left, _) = follow(update(LOW), &[&bytes]);
        assert_eq!(left, Err(ScanError::Rectangle(Encoding::JPEG)));
    }
}

#[test]
fn a_rectangle_of_any_length_is_not_held() {
    let head = an_update(&[rectangle([0, 0, 65_535, 65_535], Encoding::RAW, &[])]);
    let (received, left, mut at) = follow(update(PixelFormat::VMWARE), &[&head]);
    assert_eq!((received.len(), left), (2, Ok(0)));
    let area = Area {
        x: 0,
        y: 0,
        width: 65_535,
        height: 65_535,
    };
    let mut left = area.pixels() * 4;
    let run = vec![0; 64 << 20];
    while left > 0 {
        let piece = at.scan(&run).unwrap().unwrap();
        left -= piece.bytes.len() as u64;
    }
    assert!(at.is_between_messages());
}
