//! Cutting the input anywhere changes nothing but the size of the pieces.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use bytes::BytesMut;
use proptest::prelude::*;
use ws_proto::{
    Close, Decoder, Event, FrameBuffer, Kind, MaskKey, Opcode, Role, Violation, control,
};

/// Events with runs of one message joined: what must not depend on the cuts.
#[derive(Debug, PartialEq)]
enum Seen {
    Run(Kind, Vec<u8>),
    End(Kind),
    Other(Event),
    Refused(Violation),
}

fn follow(role: Role, pieces: &[&[u8]]) -> Vec<Seen> {
    let mut decoder = Decoder::new(role);
    let mut input = BytesMut::new();
    let mut seen = Vec::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(Event::Data {
                    kind,
                    payload,
                    last,
                })) => {
                    match seen.last_mut() {
                        Some(Seen::Run(k, run)) if *k == kind => run.extend_from_slice(&payload),
                        _ if payload.is_empty() => {}
                        _ => seen.push(Seen::Run(kind, payload.to_vec())),
                    }
                    if last {
                        seen.push(Seen::End(kind));
                    }
                }
                Ok(Some(event)) => seen.push(Seen::Other(event)),
                Ok(None) => break,
                Err(violation) => seen.push(Seen::Refused(violation)),
            }
        }
        // At most one header or one control frame stays behind.
        assert!(input.len() < 14 + 125);
    }
    seen
}

fn frame(opcode: Opcode, fin: bool, payload: &[u8], key: Option<MaskKey>) -> Vec<u8> {
    let mut buffer = FrameBuffer::new(payload.len());
    buffer.payload_mut().copy_from_slice(payload);
    let mut frame = buffer.frame(payload.len(), opcode, key).to_vec();
    if !fin {
        frame[0] &= 0x7f;
    }
    frame
}

/// Every kind of frame and of length field, fragments with control frames between, and a close.
fn conversation(key: Option<MaskKey>) -> Vec<u8> {
    let long: Vec<u8> = (0..300_u32).map(|i| i as u8).collect();
    [
        frame(Opcode::Binary, true, b"RFB 003.008\n", key),
        frame(Opcode::Binary, true, b"", key),
        frame(Opcode::Text, false, b"", key),
        control(Opcode::Ping, b"are you there", key).to_vec(),
        frame(Opcode::Continuation, false, &long[..126], key),
        control(Opcode::Pong, b"", key).to_vec(),
        frame(Opcode::Continuation, true, b"", key),
        frame(Opcode::Binary, true, &long, key),
        control(Opcode::Close, &[3, 0xe8, b'b', b'y', b'e'], key).to_vec(),
        frame(Opcode::Binary, true, b"never seen", key),
    ]
    .concat()
}

#[test]
fn every_cut_and_every_pair_of_cuts_gives_the_same_events() {
    for (role, key) in [(Role::Client, None), (Role::Server, Some([1, 2, 3, 4]))] {
        let bytes = conversation(key);
        let whole = follow(role, &[&bytes]);
        let close = Close::parse(&[3, 0xe8, b'b', b'y', b'e']).unwrap();
        assert_eq!(whole.len(), 10, "{whole:?}");
        assert_eq!(whole.last(), Some(&Seen::Other(Event::Close(close))));
        for first in 0..bytes.len() {
            for second in first..bytes.len() {
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                assert_eq!(follow(role, &pieces), whole, "cut at {first} and {second}");
            }
        }
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(follow(role, &single), whole);
    }
}

proptest! {
    #[test]
    fn any_bytes_cut_anywhere_give_the_same_events_and_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        cut in any::<prop::sample::Index>(),
        client in any::<bool>(),
    ) {
        let role = if client { Role::Client } else { Role::Server };
        let cut = cut.index(bytes.len() + 1);
        let whole = follow(role, &[&bytes]);
        prop_assert_eq!(follow(role, &[&bytes[..cut], &bytes[cut..]]), whole);
    }
}
