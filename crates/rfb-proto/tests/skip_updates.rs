//! Updates that are skipped as a whole: exactly the bytes that scanning would consume.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use proptest::prelude::*;
use rfb_proto::server_messages::{Kind, Message, ServerScanner, Skipped};
use rfb_proto::{Encoding, PixelFormat};

/// A screen of 1024 × 768 without a name.
fn server_init() -> Vec<u8> {
    let mut bytes = vec![4, 0, 3, 0];
    PixelFormat::VMWARE.write(&mut bytes);
    bytes.extend([0; 4]);
    bytes
}

fn begun() -> ServerScanner {
    let mut update = ServerScanner::new();
    let init = server_init();
    assert_eq!(update.scan(&init).unwrap().unwrap().bytes, init);
    update
}

fn rectangle((width, height): (u8, u8), encoding: i32, payload: &[u8]) -> Vec<u8> {
    let head = [0, 0, 0, 0, 0, width, 0, height];
    [&head[..], &encoding.to_be_bytes(), payload].concat()
}

fn an_update(rectangles: &[Vec<u8>]) -> Vec<u8> {
    let [a, b] = (rectangles.len() as u16).to_be_bytes();
    [vec![0, 9, a, b], rectangles.concat()].concat()
}

/// One update of each kind that may be skipped.
fn pictures() -> Vec<Vec<u8>> {
    let long = [0, 0, 0, 3, 7, 7, 7];
    let mut tight = vec![0, 0x83, 2];
    tight.extend([7; 259]);
    vec![
        rectangle((2, 3), 0, &[7; 24]),
        rectangle((0, 0), 0, &[]),
        rectangle((9, 9), 1, &[0, 1, 0, 1]),
        rectangle((9, 9), 2, &[[0, 0, 0, 1].as_slice(), &[7; 16]].concat()),
        rectangle((9, 9), 4, &[[0, 0, 0, 2].as_slice(), &[7; 20]].concat()),
        rectangle((9, 9), 6, &long),
        rectangle((9, 9), 16, &long),
        rectangle((9, 9), 7, &[0x80, 1, 2, 3]),
        rectangle((9, 9), 7, &tight),
        rectangle((9, 9), 50, &[0, 0, 0, 1, 0, 0, 0, 0, 7]),
    ]
}

/// Rectangles that may not be skipped.
fn other_rectangles() -> Vec<Vec<u8>> {
    vec![
        rectangle((9, 9), -224, &[]),
        rectangle((1, 1), -239, &[7; 5]),
        rectangle((7, 7), -223, &[]),
        rectangle((1, 1), 5, &[1, 7, 7, 7, 7]),
        rectangle((1, 1), 0x574d_5665, &[7; 6]),
    ]
}

/// Messages in between, which have to be scanned.
fn others() -> Vec<Vec<u8>> {
    let updates = other_rectangles().into_iter().map(|one| an_update(&[one]));
    let messages = [vec![2], an_update(&[]), vec![99]];
    updates.chain(messages).collect()
}

/// Scans the first `length` bytes: whether they are only updates of pixels, and the scanner after them.
fn scan(mut update: ServerScanner, mut input: &[u8], length: usize) -> (bool, ServerScanner) {
    let (end, mut pictures) = (input.len() - length, true);
    while input.len() > end {
        let piece = update.scan(input).unwrap().unwrap();
        pictures &= match piece.message {
            Message::Update { rectangles, .. } => rectangles > 0,
            Message::Rectangle { encoding, .. } => encoding.is_image() && !encoding.is_vmware(),
            Message::Body { of, .. } => of == Kind::Rectangle,
            _ => false,
        };
        input = &input[piece.bytes.len()..];
    }
    assert_eq!(input.len(), end);
    (pictures, update)
}

#[test]
fn whole_updates_of_pixels_are_skipped_up_to_the_first_incomplete_one() {
    let updates: Vec<Vec<u8>> = pictures()
        .iter()
        .map(|one| an_update(std::slice::from_ref(one)))
        .chain([an_update(&pictures())])
        .collect();
    let bytes = updates.concat();
    for cut in 0..=bytes.len() {
        let whole: usize = updates
            .iter()
            .map(Vec::len)
            .scan(0, |end, length| {
                *end += length;
                (*end <= cut).then_some(length)
            })
            .sum();
        assert_eq!(
            begun().skip_pictures(&bytes[..cut], |_| true),
            whole,
            "cut at {cut}"
        );
    }
}

#[test]
fn updates_with_anything_but_pixels_are_not_skipped() {
    for other in others() {
        assert_eq!(begun().skip_pictures(&other, |_| true), 0, "{other:?}");
    }
    for other in other_rectangles() {
        let picture = rectangle((9, 9), 1, &[0, 1, 0, 1]);
        let bytes = an_update(&[picture, other]);
        assert_eq!(begun().skip_pictures(&bytes, |_| true), 0, "{bytes:?}");
    }
    assert_eq!(
        ServerScanner::new().skip_pictures(&[0, 0, 0, 1], |_| true),
        0,
        "ServerInit comes first"
    );
}

#[test]
fn each_skipped_rectangle_is_reported_and_may_be_refused() {
    let all = pictures();
    for refused in 0..=all.len() {
        let bytes = [an_update(&all), an_update(&all[..1])].concat();
        let (mut number, mut updates) = (0, 0);
        let length = begun().skip_pictures(&bytes, |skipped| match skipped {
            Skipped::Rectangle { encoding, content } => {
                let expected = &all[number % all.len()];
                assert_eq!(encoding.0.to_be_bytes(), expected[8..12]);
                assert_eq!(content, &expected[12..]);
                number += 1;
                number - 1 != refused
            }
            Skipped::Update { id } => {
                assert_eq!(id, 9);
                updates += 1;
                true
            }
        });
        let first = an_update(&all).len();
        let (expected, count) = match refused {
            10 => (first, 1),
            _ => (0, 0),
        };
        assert_eq!((length, updates), (expected, count), "{refused}");
    }
}

#[test]
fn the_length_that_is_certain_ends_with_the_rectangle() {
    let zrle = rectangle((9, 9), Encoding::ZRLE.0, &[0, 0, 0, 3, 7, 7, 7]);
    let bytes = an_update(&[zrle]);
    let mut update = begun();
    let mut certain = |bytes: &[u8]| {
        update.scan(bytes).unwrap().unwrap();
        (update.certain_length(), update.is_before_rectangle())
    };
    assert_eq!(certain(&bytes[..4]), (0, true), "the update");
    assert_eq!(certain(&bytes[4..16]), (0, false), "the header");
    assert_eq!(certain(&bytes[16..20]), (3, false), "the length");
    assert_eq!(certain(&bytes[20..21]), (2, false));
    assert_eq!(certain(&bytes[21..]), (0, false), "the end");
}

#[test]
fn a_new_format_is_in_force_for_skipped_updates() {
    let mut update = begun();
    let sixteen = PixelFormat {
        bits_per_pixel: 16,
        ..PixelFormat::VMWARE
    };
    update.set_pixel_format(sixteen);
    let raw = an_update(&[rectangle((2, 3), 0, &[7; 12])]);
    assert_eq!(update.skip_pictures(&raw, |_| true), raw.len());
    assert_eq!(update.pixel_format(), sixteen);
}

proptest! {
    #[test]
    fn skipping_and_scanning_consume_the_same_bytes_at_every_cut(
        parts in prop::collection::vec(
            prop_oneof![
                3 => prop::collection::vec(prop::sample::select(pictures()), 0..4).prop_map(|list| an_update(&list)),
                1 => prop::sample::select(others()),
                1 => prop::collection::vec(any::<u8>(), 0..30),
            ],
            0..6,
        ),
        cut in any::<prop::sample::Index>(),
    ) {
        let bytes = parts.concat();
        let mut rest = &bytes[..cut.index(bytes.len() + 1)];
        let mut update = begun();
        loop {
            let mut skipping = update.clone();
            let length = skipping.skip_pictures(rest, |_| true);
            let (pictures, scanned) = scan(update, rest, length);
            prop_assert!(pictures);
            prop_assert_eq!(format!("{:?}", &skipping), format!("{:?}", &scanned));
            rest = &rest[length..];
            update = skipping;
            prop_assert_eq!(update.clone().skip_pictures(rest, |_| true), 0, "as many as there are");
            let Ok(Some(piece)) = update.scan(rest) else {
                break;
            };
            rest = &rest[piece.bytes.len()..];
        }
    }
}
