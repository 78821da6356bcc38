//! The server's messages, byte by byte as RFC 6143 sections 7.6 to 7.8, rfbproto and `docs/webmks.md` 1.4 and 1.5
//! write them, at every cut.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use proptest::prelude::*;
use rfb_proto::update::{Kind, Lost, MAX_PIECE, Message, QemuSound, Update};
use rfb_proto::vmware::ServerCaps;
use rfb_proto::{Area, CutText, Encoding, PixelFormat, Violation};

const RGB565: PixelFormat = PixelFormat {
    bits_per_pixel: 16,
    depth: 16,
    red_max: 31,
    green_max: 63,
    blue_max: 31,
    red_shift: 11,
    green_shift: 5,
    ..PixelFormat::VMWARE
};
const LOW: PixelFormat = PixelFormat {
    bits_per_pixel: 8,
    depth: 8,
    true_colour: false,
    ..PixelFormat::VMWARE
};

fn server_init(format: PixelFormat, name: &[u8]) -> Vec<u8> {
    let mut bytes = vec![4, 0, 3, 0];
    format.write(&mut bytes);
    bytes.extend((name.len() as u32).to_be_bytes());
    bytes.extend(name);
    bytes
}

/// A scanner past a ServerInit with this format.
fn update(format: PixelFormat) -> Update {
    let mut update = Update::new();
    let init = server_init(format, b"");
    let piece = update.scan(&init).unwrap().unwrap();
    assert_eq!(piece.bytes, init);
    update
}

fn rectangle(area: [u16; 4], encoding: Encoding, payload: &[u8]) -> Vec<u8> {
    let mut bytes: Vec<u8> = area.into_iter().flat_map(u16::to_be_bytes).collect();
    bytes.extend(encoding.0.to_be_bytes());
    bytes.extend(payload);
    bytes
}

fn an_update(rectangles: &[Vec<u8>]) -> Vec<u8> {
    let [a, b] = (rectangles.len() as u16).to_be_bytes();
    [vec![0, 0, a, b], rectangles.concat()].concat()
}

/// Follows pieces: heads as text, and of what follows heads how long it is; and what is left, or why not.
fn follow(mut update: Update, pieces: &[&[u8]]) -> (Vec<String>, Result<usize, Lost>, Update) {
    let mut waiting = Vec::new();
    let mut heard = Vec::new();
    let mut run = 0;
    for piece in pieces {
        waiting.extend_from_slice(piece);
        loop {
            let piece = match update.scan(&waiting) {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(lost) => return (heard, Err(lost), update),
            };
            let length = piece.bytes.len();
            assert!(length > 0);
            assert_eq!(piece.bytes, &waiting[..length]);
            match piece.message {
                Message::Body { of, last } => {
                    run += length;
                    if last {
                        heard.push(format!("{of:?} {run}"));
                        run = 0;
                    }
                }
                message => {
                    assert_eq!(run, 0, "what follows a head ends before the next");
                    heard.push(format!("{message:?}"));
                }
            }
            waiting.drain(..length);
        }
        assert!(waiting.len() < MAX_PIECE, "that much is always enough");
    }
    (heard, Ok(waiting.len() + run), update)
}

/// Follows one rectangle with something behind it, at every cut: all of `payload` must be taken to be its.
fn holds(format: PixelFormat, size: (u16, u16), encoding: Encoding, payload: &[u8]) {
    let area = [1, 2, size.0, size.1];
    let bell = vec![2];
    let bytes = [an_update(&[rectangle(area, encoding, payload)]), bell].concat();
    let (heard, left, _) = follow(update(format), &[&bytes]);
    let mut expected = vec![
        "Update { id: 0, rectangles: 1 }".to_owned(),
        heard[1].clone(),
        format!("Rectangle {}", payload.len()),
        "Bell".to_owned(),
    ];
    if payload.is_empty() {
        expected.remove(2);
    }
    assert_eq!((&heard, &left), (&expected, &Ok(0)), "{encoding:?}");
    for at in 0..=bytes.len() {
        let cut = follow(update(format), &[&bytes[..at], &bytes[at..]]);
        assert_eq!(
            (&cut.0, &cut.1),
            (&heard, &left),
            "{encoding:?} cut at {at}"
        );
    }
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    let cut = follow(update(format), &single);
    assert_eq!((&cut.0, &cut.1), (&heard, &left), "{encoding:?} by bytes");
}

/// It must not be taken for a rectangle of that encoding.
fn loses(format: PixelFormat, size: (u16, u16), encoding: Encoding, payload: &[u8]) {
    let bytes = an_update(&[rectangle([0, 0, size.0, size.1], encoding, payload)]);
    let (_, left, at) = follow(update(format), &[&bytes]);
    assert_eq!(left, Err(Lost::Rectangle(encoding)), "{payload:?}");
    assert!(!at.is_between_rectangles());
}

#[test]
fn the_first_message_tells_size_format_and_name() {
    let mut update = Update::new();
    let init = server_init(RGB565, b"vm08");
    assert_eq!(update.scan(&init[..23]), Ok(None));
    let piece = update.scan(&init).unwrap().unwrap();
    assert_eq!(
        piece.message,
        Message::ServerInit {
            width: 1024,
            height: 768,
            format: RGB565,
            name: 4
        }
    );
    assert_eq!(
        (update.size(), update.pixel_format()),
        ((1024, 768), RGB565)
    );
    assert!(!update.is_between_messages());
    let piece = update.scan(&init[24..]).unwrap().unwrap();
    let of = Kind::ServerInit;
    assert_eq!(piece.message, Message::Body { of, last: true });
    assert!(update.is_between_messages());
}

#[test]
fn each_message_means_what_it_says() {
    let cut_text = |length, extended| Message::CutText(CutText { length, extended });
    let mut seen = 0;
    for (bytes, message) in [
        (
            &[1, 0, 0, 1, 0, 0][..],
            Message::SetColourMapEntries { first: 1, count: 0 },
        ),
        (&[2], Message::Bell),
        (&[3, 0, 0, 0, 0, 0, 0, 0], cut_text(0, None)),
        (
            &[3, 0, 0, 0, 0xff, 0xff, 0xff, 0xfc, 1, 0, 0, 1],
            cut_text(0, Some(0x0100_0001)),
        ),
        (
            &[127, 0, 0, 8, 0, 0, 0, 0x2a],
            Message::ServerCaps(ServerCaps(0x2a)),
        ),
        (&[127, 9, 0, 4], Message::Vmware { id: 9, length: 4 }),
        (&[150], Message::EndOfContinuousUpdates),
        (
            &[248, 0, 0, 0, 0x80, 0, 0, 1, 2, 7, 8],
            Message::Fence {
                flags: 0x8000_0001,
                payload: &[7, 8],
            },
        ),
        (
            &[250, 0, 1, 1],
            Message::Xvp {
                version: 1,
                code: 1,
            },
        ),
        (
            &[253, 0x81, 0, 0],
            Message::Gii {
                subtype: 1,
                length: 0,
            },
        ),
        (&[255, 1, 0, 0], Message::QemuSound(QemuSound::End)),
        (&[255, 1, 0, 1], Message::QemuSound(QemuSound::Begin)),
        (
            &[255, 1, 0, 2, 0, 0, 0, 0],
            Message::QemuSound(QemuSound::Data { length: 0 }),
        ),
        (
            &[0, 7, 0, 0],
            Message::Update {
                id: 7,
                rectangles: 0,
            },
        ),
    ] {
        let mut at = update(LOW);
        for end in 0..bytes.len() {
            assert_eq!(at.clone().scan(&bytes[..end]), Ok(None), "{bytes:?}");
        }
        let piece = at.scan(bytes).unwrap().unwrap();
        assert_eq!((piece.bytes, piece.message), (bytes, message));
        assert!(at.is_between_messages());
        seen += 1;
    }
    assert_eq!(seen, 14);
}

#[test]
fn bodies_are_as_long_as_they_say() {
    for (head, body, kind) in [
        (&[1, 0, 0, 0, 0, 3][..], 18, "SetColourMapEntries"),
        (&[3, 0, 0, 0, 0, 0, 0, 5], 5, "CutText"),
        (&[3, 0, 0, 0, 255, 255, 255, 244, 1, 0, 0, 0], 8, "CutText"),
        (&[127, 4, 0, 6], 2, "Vmware"),
        (&[127, 0, 0, 12], 8, "Vmware"),
        (&[253, 0x82, 0, 7], 7, "Gii"),
        (&[253, 0x02, 7, 0], 7, "Gii"),
        (&[255, 1, 0, 2, 0, 0, 0, 9], 9, "QemuSound"),
    ] {
        let bytes = [head, &vec![0x55; body], &[2]].concat();
        for at in 0..bytes.len() {
            let (heard, left, _) = follow(update(LOW), &[&bytes[..at], &bytes[at..]]);
            assert_eq!(heard[1..], [format!("{kind} {body}"), "Bell".into()]);
            assert_eq!(left, Ok(0));
        }
    }
}

#[test]
fn vmwares_sound_is_longer_than_it_says() {
    let mut bytes = vec![127, 3, 0, 36, 0, 0, 0, 10];
    bytes.resize(36 + 10, 0x55);
    bytes.push(2);
    for at in 0..bytes.len() {
        let (heard, left, _) = follow(update(LOW), &[&bytes[..at], &bytes[at..]]);
        let head = "Vmware { id: 3, length: 36 }";
        assert_eq!(heard, [head, "Vmware 42", "Bell"]);
        assert_eq!(left, Ok(0));
    }
}

#[test]
fn rectangles_of_known_length_hold_that_much() {
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
fn rectangles_with_a_length_in_their_head_hold_that_much() {
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
fn hextile_is_followed_by_its_tiles() {
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
    // The widest row of tiles there is.
    holds(LOW, (65_535, 1), Encoding::HEXTILE, &[0; 4096]);
}

#[test]
fn tight_is_followed_by_its_control_bytes() {
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
            // A mask of it has 2 × 7 bytes: none of it is small enough to go uncompressed.
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
fn trle_is_followed_by_its_tiles_and_runs() {
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
        assert_eq!(lost.1, Err(Lost::Rectangle(Encoding::TRLE)));
    }
}

#[test]
fn jpeg_is_followed_by_its_segments() {
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
        assert_eq!(left, Err(Lost::Rectangle(Encoding::JPEG)));
    }
}

#[test]
fn what_is_not_known_is_named_and_not_moved_past() {
    let bytes = an_update(&[
        rectangle([0, 0, 1, 1], Encoding::COPY_RECT, &[0; 4]),
        rectangle([0, 0, 1, 1], Encoding::VMWARE_TOPOLOGY, &[0; 4]),
    ]);
    let (heard, left, mut at) = follow(update(LOW), &[&bytes]);
    let lost = Lost::Encoding(Encoding::VMWARE_TOPOLOGY);
    assert_eq!((heard.len(), left), (3, Err(lost)));
    assert!(at.is_between_rectangles() && !at.is_between_messages());
    assert_eq!(at.scan(&bytes[20..]), Err(lost), "again");
    assert_eq!(lost.to_string(), "encoding 1464686208 is not known");

    for kind in [4, 126, 251, 254] {
        let violation = Violation::UnknownMessage { kind, sub: None };
        assert_eq!(update(LOW).scan(&[kind]), Err(Lost::Message(violation)));
    }
    let lost = update(LOW).scan(&[255, 0]).unwrap_err();
    assert_eq!(lost.to_string(), "message type 255/0 is not known");
    let malformed = |what| Err(Lost::Message(Violation::Malformed(what)));
    assert_eq!(update(LOW).scan(&[127, 4, 0, 3]), malformed("VMware"));
    assert_eq!(update(LOW).scan(&[255, 1, 0, 3]), malformed("QEMU audio"));

    // A cursor with alpha is an image, and nothing that pretends to be one.
    let nested = Encoding::DESKTOP_SIZE.0.to_be_bytes();
    let bytes = an_update(&[rectangle([0; 4], Encoding::CURSOR_WITH_ALPHA, &nested)]);
    let (_, left, _) = follow(update(LOW), &[&bytes]);
    assert_eq!(left, Err(Lost::Encoding(Encoding::DESKTOP_SIZE)));

    let odd = PixelFormat {
        bits_per_pixel: 24,
        ..PixelFormat::VMWARE
    };
    let bytes = an_update(&[rectangle([0; 4], Encoding::RAW, &[])]);
    assert_eq!(follow(update(odd), &[&bytes]).1, Err(Lost::Pixels(24)));
}

#[test]
fn an_update_ends_with_its_last_rectangle_or_with_the_mark() {
    let one = rectangle([0, 0, 1, 1], Encoding::RAW, &[0; 4]);
    let mark = rectangle([0; 4], Encoding::LAST_RECT, &[]);
    let open = [vec![0, 0, 0xff, 0xff], one.clone(), mark, vec![2]].concat();
    let (heard, left, at) = follow(update(PixelFormat::VMWARE), &[&open]);
    assert_eq!((heard.last().unwrap().as_str(), left), ("Bell", Ok(0)));
    assert!(at.is_between_messages());

    let counted = an_update(&[one.clone(), one]);
    let mut at = update(PixelFormat::VMWARE);
    let mut boundaries = Vec::new();
    let mut rest = &counted[..];
    while let Some(piece) = at.scan(rest).unwrap() {
        rest = &rest[piece.bytes.len()..];
        boundaries.push((at.is_between_rectangles(), at.is_between_messages()));
    }
    let (inside, between, end) = ((false, false), (true, false), (true, true));
    assert_eq!(boundaries, [between, inside, between, inside, end]);
}

#[test]
fn a_new_format_counts_from_the_next_update() {
    let mut at = update(PixelFormat::VMWARE);
    let begun = an_update(&[rectangle([0, 0, 3, 1], Encoding::RAW, &[0; 12])]);
    assert!(at.scan(&begun).unwrap().is_some());
    at.set_pixel_format(RGB565);
    let (heard, left, at) = follow(at, &[&begun[4..]]);
    assert_eq!((heard[1].as_str(), left), ("Rectangle 12", Ok(0)));
    assert_eq!(at.pixel_format(), PixelFormat::VMWARE);
    let next = an_update(&[rectangle([0, 0, 3, 1], Encoding::RAW, &[0; 6])]);
    let (heard, left, at) = follow(at, &[&next]);
    assert_eq!((heard[2].as_str(), left), ("Rectangle 6", Ok(0)));
    assert_eq!(at.pixel_format(), RGB565);
}

#[test]
fn vmwares_change_of_format_counts_at_once() {
    let mut format = Vec::new();
    RGB565.write(&mut format);
    let bytes = an_update(&[
        rectangle([0; 4], Encoding::VMWARE_DISPLAY_MODE, &format),
        rectangle([0, 0, 3, 1], Encoding::RAW, &[0; 6]),
    ]);
    for cut in 0..bytes.len() {
        let pieces = [&bytes[..cut], &bytes[cut..]];
        let (heard, left, at) = follow(update(PixelFormat::VMWARE), &pieces);
        assert_eq!(
            (heard[2].as_str(), heard[4].as_str()),
            ("Rectangle 16", "Rectangle 6")
        );
        assert_eq!((left, at.pixel_format()), (Ok(0), RGB565));
    }
}

#[test]
fn the_size_is_followed_but_not_where_a_request_was_refused() {
    let sized = |x, y, encoding, payload: &[u8]| {
        let bytes = an_update(&[rectangle([x, y, 640, 480], encoding, payload)]);
        follow(update(LOW), &[&bytes]).2.size()
    };
    let screens = [0; 4];
    assert_eq!(sized(9, 9, Encoding::DESKTOP_SIZE, &[]), (640, 480));
    for (x, y, size) in [
        (0, 0, (640, 480)),
        (1, 0, (640, 480)),
        (1, 3, (1024, 768)),
        (2, 0, (640, 480)),
    ] {
        let found = sized(x, y, Encoding::EXTENDED_DESKTOP_SIZE, &screens);
        assert_eq!(found, size, "x {x}, y {y}");
    }
}

#[test]
fn a_rectangle_of_any_length_costs_nothing() {
    let head = an_update(&[rectangle([0, 0, 65_535, 65_535], Encoding::RAW, &[])]);
    let (heard, left, mut at) = follow(update(PixelFormat::VMWARE), &[&head]);
    assert_eq!((heard.len(), left), (2, Ok(0)));
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

/// Beginnings that lead everywhere, and then anything.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let encoding = prop::sample::select(vec![
        0,
        1,
        2,
        4,
        5,
        6,
        7,
        8,
        15,
        15,
        16,
        21,
        21,
        50,
        -223,
        -224,
        -239,
        -240,
        -260,
        -260,
        -307,
        -308,
        -314,
        -314,
        0x574d_5614,
        0x574d_5664,
        0x574d_5669,
        0x574d_567f,
    ]);
    let small = || 0..20_u16;
    let bytes = || prop::collection::vec(prop_oneof![0..4_u8, any::<u8>(), Just(0xff)], 0..80);
    let a_rectangle = (small(), small(), encoding, bytes())
        .prop_map(|(w, h, encoding, bytes)| rectangle([0, 0, w, h], Encoding(encoding), &bytes));
    let message = prop_oneof![
        prop::collection::vec(a_rectangle, 0..4).prop_map(|list| an_update(&list)),
        (
            prop::sample::select(vec![1, 2, 3, 127, 150, 248, 250, 253, 255]),
            bytes()
        )
            .prop_map(|(kind, rest)| [vec![kind], rest].concat()),
    ];
    prop::collection::vec(message, 0..4).prop_map(|messages| messages.concat())
}

proptest! {
    #[test]
    fn any_server_cut_anywhere_is_heard_the_same(
        bytes in hostile(),
        cuts in prop::array::uniform2(any::<prop::sample::Index>()),
        format in prop::sample::select(vec![PixelFormat::VMWARE, RGB565, LOW]),
    ) {
        let hear = |pieces: &[&[u8]]| {
            let (heard, left, at) = follow(update(format), pieces);
            (heard, left, at.size(), at.pixel_format(), at.is_between_messages())
        };
        let whole = hear(&[&bytes]);
        let mut cuts = cuts.map(|cut| cut.index(bytes.len() + 1));
        cuts.sort_unstable();
        let [a, b] = cuts;
        prop_assert_eq!(&hear(&[&bytes[..a], &bytes[a..b], &bytes[b..]]), &whole);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&hear(&single), &whole);
    }
}
