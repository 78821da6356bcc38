//! The viewer's messages, byte by byte as in RFC 6143 section 7.5 and rfbproto.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod cuts;

use rfb_proto::client_messages::{
    ClientScanner, Key, Kind, MAX_ENCODINGS, Message, Pointer, QemuAudio, QemuKey, UpdateRequest,
    set_encodings,
};
use rfb_proto::vmware::{Command, ServerCaps, VScancode};
use rfb_proto::{Area, CutText, Encoding, PixelFormat, Violation};

/// A scanner after ClientInit.
fn input() -> ClientScanner {
    let mut input = ClientScanner::new();
    assert!(input.scan(&[1]).unwrap().is_some());
    input
}

/// The message in `bytes`, which are exactly one message or head.
fn one(bytes: &[u8]) -> Message<'_> {
    let piece = input().scan(bytes).unwrap().unwrap();
    assert_eq!(piece.bytes, bytes);
    for end in 0..bytes.len() {
        let less = input().scan(&bytes[..end]);
        assert_eq!(less, Ok(None), "{end} of {bytes:?}");
    }
    piece.message
}

fn written(message: &Message<'_>) -> Vec<u8> {
    let mut output = Vec::new();
    message.write(&mut output);
    output
}

const AREA: Area = Area {
    x: 1,
    y: 2,
    width: 0x300,
    height: 4,
};

#[test]
fn each_message_is_parsed_and_written_back_unchanged() {
    let mut seen = 0;
    for (bytes, message) in [
        (
            &[3, 1, 0, 1, 0, 2, 3, 0, 0, 4][..],
            Message::UpdateRequest(UpdateRequest {
                incremental: true,
                area: AREA,
            }),
        ),
        (
            &[4, 1, 0, 0, 0, 0, 0xff, 0x0d],
            Message::Key(Key {
                down: true,
                keysym: 0xff0d,
            }),
        ),
        (
            &[5, 0x85, 1, 2, 3, 4],
            Message::Pointer(Pointer {
                buttons: 0x85,
                x: 0x102,
                y: 0x304,
            }),
        ),
        (
            &[6, 0, 0, 0, 0, 0, 0, 0],
            Message::CutText(CutText {
                length: 0,
                extended: None,
            }),
        ),
        (
            &[6, 0, 0, 0, 0xff, 0xff, 0xff, 0xfc, 1, 0, 0, 1],
            Message::CutText(CutText {
                length: 0,
                extended: Some(0x0100_0001),
            }),
        ),
        (&[127, 4, 0, 4], Message::Vmware { id: 4, length: 4 }),
        (
            &[150, 1, 0, 1, 0, 2, 3, 0, 0, 4],
            Message::ContinuousUpdates {
                enable: true,
                area: AREA,
            },
        ),
        (
            &[248, 0, 0, 0, 0x80, 0, 0, 1, 3, 7, 8, 9],
            Message::Fence {
                flags: 0x8000_0001,
                payload: &[7, 8, 9],
            },
        ),
        (
            &[250, 0, 1, 4],
            Message::Xvp {
                version: 1,
                code: 4,
            },
        ),
        (
            &[253, 0x81, 0, 0],
            Message::Gii {
                subtype: 1,
                length: 0,
            },
        ),
        (
            &[255, 0, 0, 1, 0, 0, 0, 0x61, 0, 0, 0, 0x9d],
            Message::QemuKey(QemuKey {
                down: true,
                keysym: 0x61,
                keycode: 0x9d,
            }),
        ),
        (&[255, 1, 0, 0], Message::QemuAudio(QemuAudio::Enable)),
        (&[255, 1, 0, 1], Message::QemuAudio(QemuAudio::Disable)),
        (
            &[255, 1, 0, 2, 3, 2, 0, 0, 0xac, 0x44],
            Message::QemuAudio(QemuAudio::Format {
                sample: 3,
                channels: 2,
                frequency: 44_100,
            }),
        ),
    ] {
        assert_eq!(one(bytes), message);
        assert_eq!(written(&message), bytes);
        seen += 1;
    }
    assert_eq!(seen, 14);
}

#[test]
fn the_first_byte_is_the_shared_flag_and_nothing_else_is() {
    for (byte, shared) in [(0, false), (1, true), (255, true)] {
        let mut input = ClientScanner::new();
        assert_eq!(input.scan(&[]), Ok(None));
        let bytes = [byte, 4];
        let piece = input.scan(&bytes).unwrap().unwrap();
        assert_eq!(piece.bytes, [byte]);
        assert_eq!(piece.message, Message::ClientInit { shared });
    }
}

#[test]
fn any_true_colour_flag_is_read_and_one_is_written() {
    let asked = [
        0, 9, 9, 9, 32, 24, 0, 255, 0, 255, 0, 255, 0, 255, 16, 8, 0, 9, 9, 9,
    ];
    let message = one(&asked);
    assert_eq!(message, Message::SetPixelFormat(PixelFormat::VMWARE));
    assert_eq!(PixelFormat::VMWARE.bytes_per_pixel(), Some(4));
    let expected = [
        0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0,
    ];
    assert_eq!(written(&message), expected);
    for bits in [0, 1, 7, 24, 64, 255] {
        let odd = PixelFormat {
            bits_per_pixel: bits,
            ..PixelFormat::VMWARE
        };
        assert_eq!(odd.bytes_per_pixel(), None);
    }
}

#[test]
fn encodings_are_listed_in_their_order() {
    let list = [
        Encoding::TIGHT,
        Encoding::RAW,
        Encoding::DESKTOP_SIZE,
        Encoding::EXTENDED_CLIPBOARD,
        Encoding::VMWARE_SERVER_CAPS,
        Encoding(0x7fff_ffff),
    ];
    let mut bytes = Vec::new();
    set_encodings(list, &mut bytes);
    assert_eq!(bytes[..8], [2, 0, 0, 6, 0, 0, 0, 7]);
    assert_eq!(bytes[12..16], [0xff, 0xff, 0xff, 0x21]);
    let Message::SetEncodings(parsed) = one(&bytes) else {
        unreachable!()
    };
    assert!(parsed.iter().eq(list));
    assert!(parsed.contains(Encoding::RAW) && !parsed.contains(Encoding::ZRLE));
    assert_eq!(written(&Message::SetEncodings(parsed)), bytes);

    let vmware = list.iter().filter(|encoding| encoding.is_vmware());
    assert!(vmware.eq(&[Encoding::VMWARE_SERVER_CAPS]));
    let levels = [-22, -23, -32, -33, -246, -247, -256, -257];
    let levels = levels.map(|number| Encoding(number).is_level());
    assert_eq!(levels, [false, true, true, false, false, true, true, false]);
}

#[test]
fn screens_are_listed() {
    let mut bytes = vec![251, 0, 4, 0, 3, 0, 2, 0];
    for id in [7, 8] {
        bytes.extend([0, 0, 0, id, 0, 1, 0, 2, 3, 0, 0, 4, 0, 0, 0, id]);
    }
    let message = one(&bytes);
    assert_eq!(written(&message), bytes);
    let Message::SetDesktopSize(size) = message else {
        unreachable!()
    };
    assert_eq!((size.width, size.height), (1024, 768));
    let screens: Vec<_> = size.screens().map(|s| (s.id, s.area, s.flags)).collect();
    assert_eq!(screens, [(7, AREA, 7), (8, AREA, 8)]);
}

#[test]
fn more_than_eight_buttons_are_read_only_if_they_were_announced() {
    let bytes = [5, 0x81, 0, 1, 0, 2, 0x03, 99];
    let read = |allowed| {
        let mut input = input();
        input.allow_extended_buttons(allowed);
        let piece = input.scan(&bytes).unwrap().unwrap();
        let Message::Pointer(pointer) = piece.message else {
            unreachable!()
        };
        let first_six = input.clone().scan(&bytes[..6]).unwrap().is_some();
        (piece.bytes.len(), pointer.buttons, first_six)
    };
    assert_eq!(read(false), (6, 0x81, true));
    assert_eq!(read(true), (7, 0x181, false));
}

#[test]
fn a_body_is_returned_in_pieces_after_its_head() {
    for (head, body, kind) in [
        (&[1, 0, 0, 0, 0, 2][..], 12, Kind::FixColourMapEntries),
        (&[6, 0, 0, 0, 0, 0, 0, 5], 5, Kind::CutText),
        (
            &[6, 0, 0, 0, 0xff, 0xff, 0xff, 0xf0, 8, 0, 0, 0],
            12,
            Kind::CutText,
        ),
        (&[127, 6, 0, 10], 6, Kind::Vmware),
        (&[253, 0x82, 0, 9], 9, Kind::Gii),
        (&[253, 0x02, 9, 0], 9, Kind::Gii),
    ] {
        let bytes = [head, &vec![4; body], &[4, 0, 0, 0, 0, 0, 0, 0]].concat();
        let mut input = input();
        let piece = input.scan(&bytes).unwrap().unwrap();
        assert_eq!((piece.bytes, piece.message.kind()), (head, kind));
        assert_eq!(piece.message.body(), body as u64);
        let rest = &bytes[head.len()..];
        let piece = input.scan(&rest[..2]).unwrap().unwrap();
        let run = |last| Message::Body { of: kind, last };
        assert_eq!((piece.bytes.len(), piece.message), (2, run(false)));
        assert_eq!(input.scan(&[]), Ok(None));
        let piece = input.scan(&rest[2..]).unwrap().unwrap();
        assert_eq!((piece.bytes.len(), piece.message), (body - 2, run(true)));
        let piece = input.scan(&rest[body..]).unwrap().unwrap();
        assert_eq!(piece.message.kind(), Kind::Key);
    }
}

#[test]
fn a_clipboard_of_any_length_is_not_held() {
    for (length, body) in [
        ([0x7f, 0xff, 0xff, 0xff], 0x7fff_ffff),
        ([0x80, 0, 0, 0], 0x7fff_fffc_u64),
    ] {
        let bytes = [&[6, 0, 0, 0], &length[..], &[0; 4]].concat();
        let mut input = input();
        let piece = input.scan(&bytes).unwrap().unwrap();
        assert_eq!(piece.message.body(), body);
        let mut left = body;
        let run = vec![0; 1 << 20];
        while left > 0 {
            let piece = input.scan(&run).unwrap().unwrap();
            left -= piece.bytes.len() as u64;
            let last = left == 0;
            let of = Kind::CutText;
            assert_eq!(piece.message, Message::Body { of, last });
        }
    }
}

#[test]
fn unknown_input_is_reported_and_not_consumed() {
    let known = [0, 1, 2, 3, 4, 5, 6, 127, 150, 248, 250, 251, 253, 255];
    let mut unknown = 0;
    for kind in (0..=255_u8).filter(|kind| !known.contains(kind)) {
        let mut input = input();
        let violation = Violation::UnknownMessage { kind, sub: None };
        assert_eq!(input.scan(&[kind]), Err(violation));
        assert_eq!(input.scan(&[kind, 0]), Err(violation));
        unknown += 1;
    }
    assert_eq!(unknown, 256 - known.len());
    let sub = Some(2);
    let violation = Violation::UnknownMessage { kind: 255, sub };
    assert_eq!(input().scan(&[255, 2]), Err(violation));
    assert_eq!(violation.to_string(), "message type 255/2 is not known");
}

#[test]
fn a_malformed_message_is_a_violation() {
    for (bytes, what) in [
        (
            &[6, 0, 0, 0, 0xff, 0xff, 0xff, 0xff][..],
            "extended clipboard",
        ),
        (&[6, 0, 0, 0, 0xff, 0xff, 0xff, 0xfd], "extended clipboard"),
        (&[127, 0, 0, 3], "VMware"),
        (&[255, 1, 0, 3], "QEMU audio"),
    ] {
        assert_eq!(input().scan(bytes), Err(Violation::Malformed(what)));
    }
    let over = MAX_ENCODINGS as u16 + 1;
    let [a, b] = over.to_be_bytes();
    assert_eq!(
        input().scan(&[2, 0, a, b]),
        Err(Violation::TooManyEncodings(over))
    );
}

#[test]
fn vmwares_commands_are_written_as_its_own_client_writes_them() {
    for (command, bytes) in [
        (
            Command::Key {
                scan: VScancode(0x11d),
                down: true,
            },
            &[127, 0, 0, 8, 1, 0x1d, 1, 0][..],
        ),
        (
            Command::Pointer {
                absolute: false,
                x: -1,
                y: 2,
                buttons: 5,
                wheel: (-1, 1),
            },
            &[
                127, 2, 0, 19, 0, 255, 255, 255, 255, 0, 0, 0, 2, 0, 0, 0, 5, 255, 1,
            ],
        ),
        (Command::ClientCaps(0x5100), &[127, 3, 0, 8, 0, 0, 0x51, 0]),
        (
            Command::UpdateAck { id: 3, took: 0x102 },
            &[127, 4, 0, 8, 3, 0, 1, 2],
        ),
        (
            Command::Resolution {
                width: 1024,
                height: 768,
            },
            &[127, 5, 0, 8, 4, 0, 3, 0],
        ),
    ] {
        let mut output = Vec::new();
        command.write(&mut output);
        assert_eq!(output, bytes);
        let piece = input().scan(&output).unwrap().unwrap();
        assert_eq!(
            (piece.bytes, piece.message),
            (bytes, Message::VmwareCommand(command))
        );
        for cut in 0..bytes.len() {
            assert_eq!(input().scan(&bytes[..cut]), Ok(None));
        }
    }
    assert!(ServerCaps(0x2a).has(ServerCaps::KEY));
    assert!(!ServerCaps(0x2a).has(ServerCaps::RESOLUTION));
}
