//! The document's own examples (RFC 6455 sections 1.3, 5.7), and every illegal bit pattern it names.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use bytes::{Bytes, BytesMut};
use ws_proto::{
    Close, CloseCode, Decoder, Event, FrameBuffer, Kind, Opcode, Role, Violation, control,
    frame_within,
};

fn decode_all(role: Role, input: &[u8]) -> Result<Vec<Event>, Violation> {
    let mut input = BytesMut::from(input);
    let mut decoder = Decoder::new(role);
    let mut events = Vec::new();
    while let Some(event) = decoder.decode(&mut input)? {
        events.push(event);
    }
    Ok(events)
}

fn violation(role: Role, input: &[u8]) -> Violation {
    decode_all(role, input).expect_err("the input is illegal")
}

fn data(kind: Kind, payload: &'static [u8], last: bool) -> Event {
    let payload = Bytes::from_static(payload);
    Event::Data {
        kind,
        payload,
        last,
    }
}

const HELLO_KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const HELLO_MASKED: [u8; 11] = [
    0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
];

#[test]
fn section_5_7_single_frame_unmasked_text() {
    let events = decode_all(Role::Client, &[0x81, 5, 0x48, 0x65, 0x6c, 0x6c, 0x6f]).unwrap();
    assert_eq!(events, [data(Kind::Text, b"Hello", true)]);
}

#[test]
fn section_5_7_single_frame_masked_text() {
    let events = decode_all(Role::Server, &HELLO_MASKED).unwrap();
    assert_eq!(events, [data(Kind::Text, b"Hello", true)]);

    let mut buffer = FrameBuffer::new(5);
    buffer.payload_mut().copy_from_slice(b"Hello");
    assert_eq!(buffer.frame(5, Opcode::Text, Some(HELLO_KEY)), HELLO_MASKED);
}

#[test]
fn a_frame_is_made_where_there_is_room_for_its_header_and_nothing_is_touched_elsewhere() {
    let mut bytes = [9; 30];
    bytes[16..21].copy_from_slice(b"Hello");
    let before = bytes;
    let mut frame = |payload| frame_within(&mut bytes, payload, Opcode::Text, Some(HELLO_KEY));
    #[expect(clippy::reversed_empty_ranges, reason = "nobody may be harmed by one")]
    for nowhere in [13..18, 16..31, 31..32, 16..15, 0..usize::MAX] {
        assert_eq!(frame(nowhere), 0..0);
    }
    assert_eq!(frame(16..21), 10..21);
    assert_eq!(bytes[10..21], HELLO_MASKED);
    assert_eq!((&bytes[..2], &bytes[21..]), (&before[..2], &before[21..]));
}

#[test]
fn section_5_7_fragmented_unmasked_text() {
    let frames = [0x01, 3, 0x48, 0x65, 0x6c, 0x80, 2, 0x6c, 0x6f];
    let events = decode_all(Role::Client, &frames).unwrap();
    assert_eq!(
        events,
        [
            data(Kind::Text, b"Hel", false),
            data(Kind::Text, b"lo", true)
        ]
    );
}

#[test]
fn section_5_7_unmasked_ping_and_masked_pong() {
    let ping = [0x89, 5, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    assert_eq!(
        decode_all(Role::Client, &ping).unwrap(),
        [Event::Ping("Hello".into())]
    );
    let pong = [
        0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
    ];
    assert_eq!(
        decode_all(Role::Server, &pong).unwrap(),
        [Event::Pong("Hello".into())]
    );
    assert_eq!(control(Opcode::Pong, b"Hello", Some(HELLO_KEY))[..], pong);
}

#[test]
fn section_5_7_binary_of_256_bytes_and_of_64_kib() {
    for (header, length) in [
        (vec![0x82, 0x7e, 0x01, 0x00], 256),
        (vec![0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0], 65536),
    ] {
        let payload = vec![7; length];
        let frame = [header, payload.clone()].concat();
        let expected = Event::Data {
            kind: Kind::Binary,
            payload: payload.clone().into(),
            last: true,
        };
        assert_eq!(decode_all(Role::Client, &frame).unwrap(), [expected]);

        let mut buffer = FrameBuffer::new(length);
        buffer.payload_mut().copy_from_slice(&payload);
        assert_eq!(buffer.frame(length, Opcode::Binary, None), frame);
    }
}

#[test]
fn section_5_2_reserved_bits_are_refused() {
    for bit in [0x10, 0x20, 0x40] {
        for opcode in [0, 1, 2, 8, 9, 10] {
            assert_eq!(
                violation(Role::Client, &[0x80 | bit | opcode, 0]),
                Violation::ReservedBits
            );
        }
    }
}

#[test]
fn section_5_2_reserved_opcodes_are_refused() {
    for opcode in (3..8).chain(11..16) {
        assert_eq!(
            violation(Role::Client, &[0x80 | opcode, 0]),
            Violation::ReservedOpcode(opcode)
        );
    }
}

#[test]
fn section_5_5_control_frames_are_whole_and_short() {
    for opcode in [8, 9, 10] {
        assert_eq!(
            violation(Role::Client, &[opcode, 0]),
            Violation::FragmentedControl
        );
        for length in [126, 127] {
            let frame = [0x80 | opcode, length];
            assert_eq!(violation(Role::Client, &frame), Violation::OversizedControl);
        }
        let mut longest = vec![0x80 | opcode, 125];
        longest.extend([b'a'; 125]);
        if opcode != 8 {
            assert_eq!(decode_all(Role::Client, &longest).unwrap().len(), 1);
        }
    }
}

#[test]
fn section_5_2_lengths_are_written_in_their_shortest_form() {
    for length in [0_u16, 1, 125] {
        let [high, low] = length.to_be_bytes();
        assert_eq!(
            violation(Role::Client, &[0x82, 126, high, low]),
            Violation::LengthNotMinimal
        );
    }
    for length in [0_u64, 125, 126, 0xffff] {
        let frame = [&[0x82, 127][..], &length.to_be_bytes()].concat();
        assert_eq!(violation(Role::Client, &frame), Violation::LengthNotMinimal);
    }
    for length in [1_u64 << 63, u64::MAX] {
        let frame = [&[0x82, 127][..], &length.to_be_bytes()].concat();
        assert_eq!(violation(Role::Client, &frame), Violation::LengthTopBit);
    }
    // The longest legal length is believed, and costs nothing.
    let frame = [&[0x82, 127][..], &(u64::MAX >> 1).to_be_bytes(), b"x"].concat();
    assert_eq!(
        decode_all(Role::Client, &frame).unwrap(),
        [data(Kind::Binary, b"x", false)]
    );
}

#[test]
fn section_5_1_masking_is_by_role() {
    assert_eq!(
        violation(Role::Client, &HELLO_MASKED),
        Violation::MaskedByServer
    );
    assert_eq!(
        violation(Role::Server, &[0x81, 0]),
        Violation::UnmaskedByClient
    );
}

#[test]
fn section_5_4_fragments_are_in_order() {
    assert_eq!(
        violation(Role::Client, &[0x80, 0]),
        Violation::NothingToContinue
    );
    assert_eq!(
        violation(Role::Client, &[0x00, 0]),
        Violation::NothingToContinue
    );
    assert_eq!(
        violation(Role::Client, &[0x01, 0, 0x81, 0]),
        Violation::MessageInsideMessage
    );
    assert_eq!(
        violation(Role::Client, &[0x02, 0, 0x02, 0]),
        Violation::MessageInsideMessage
    );
    // After the last fragment nothing is left to continue.
    assert_eq!(
        violation(Role::Client, &[0x01, 0, 0x80, 0, 0x80, 0]),
        Violation::NothingToContinue
    );
    // "Control frames MAY be injected in the middle of a fragmented message."
    let events = decode_all(Role::Client, &[0x02, 1, b'a', 0x89, 0, 0x80, 1, b'b']).unwrap();
    let expected = [
        data(Kind::Binary, b"a", false),
        Event::Ping(Bytes::new()),
        data(Kind::Binary, b"b", true),
    ];
    assert_eq!(events, expected);
}

#[test]
fn section_5_5_1_close_is_empty_or_holds_a_legal_code_and_utf8() {
    assert_eq!(
        decode_all(Role::Client, &[0x88, 0]).unwrap(),
        [Event::Close(None)]
    );
    assert_eq!(
        violation(Role::Client, &[0x88, 1, 3]),
        Violation::CloseTooShort
    );
    assert_eq!(
        violation(Role::Client, &[0x88, 3, 3, 0xe8, 0xff]),
        Violation::CloseReason
    );
    for code in 0..=u16::MAX {
        let [high, low] = code.to_be_bytes();
        let decoded = decode_all(Role::Client, &[0x88, 2, high, low]);
        let legal = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        match CloseCode::new(code) {
            Some(code) => {
                assert!(legal);
                assert_eq!(decoded.unwrap(), [Event::Close(Some(Close::new(code)))]);
            }
            None => {
                assert!(!legal);
                assert_eq!(decoded, Err(Violation::CloseCode(code)));
            }
        }
    }
}

#[test]
fn close_reasons_are_cut_between_characters() {
    let close = Close {
        code: CloseCode::NORMAL,
        reason: "ä".repeat(100),
    };
    let payload = close.payload();
    assert_eq!(payload.len(), 2 + 122);
    assert_eq!(
        Close::parse(&payload).unwrap().unwrap().reason,
        "ä".repeat(61)
    );
}

#[test]
fn nothing_follows_a_close_or_a_violation() {
    let mut decoder = Decoder::new(Role::Client);
    let mut input = BytesMut::from(&[0x88, 0, 0x81, 1, b'x', 0xff, 0xff][..]);
    assert_eq!(decoder.decode(&mut input), Ok(Some(Event::Close(None))));
    assert_eq!(decoder.decode(&mut input), Ok(None));
    assert!(decoder.is_closed() && input.is_empty());

    let mut decoder = Decoder::new(Role::Client);
    let mut input = BytesMut::from(&[0x83, 0, 0x81, 1, b'x'][..]);
    assert_eq!(
        decoder.decode(&mut input),
        Err(Violation::ReservedOpcode(3))
    );
    assert_eq!(decoder.decode(&mut input), Ok(None));
    assert!(decoder.is_closed() && input.is_empty());
}

#[test]
fn every_violation_has_its_close_code() {
    assert_eq!(
        Violation::CloseReason.close_code(),
        CloseCode::INVALID_PAYLOAD
    );
    for violation in [
        Violation::ReservedBits,
        Violation::MaskedByServer,
        Violation::CloseCode(1005),
    ] {
        assert_eq!(violation.close_code(), CloseCode::PROTOCOL_ERROR);
    }
}
