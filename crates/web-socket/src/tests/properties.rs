//! No byte is lost, doubled or reordered, however the connection cuts and delays both directions.

use proptest::collection::vec;
use proptest::prelude::*;

use super::peer::{BINARY, CONTINUATION, Connection, PING, PONG, frames, masked};
use super::{Bytes, WebSocket, flush, read, write};

/// One frame of a browser.
#[derive(Debug, Clone)]
enum Sent {
    /// A part of a message, and whether it is the last.
    Data(usize, bool),
    Ping(Vec<u8>),
    Pong,
}

fn sent() -> impl Strategy<Value = Vec<Sent>> {
    let length = prop_oneof![0..20_usize, 120..130_usize, 65_000..66_000_usize];
    let frame = prop_oneof![
        6 => (length, any::<bool>()).prop_map(|(length, last)| Sent::Data(length, last)),
        2 => vec(any::<u8>(), 0..=125).prop_map(Sent::Ping),
        1 => Just(Sent::Pong),
    ];
    vec(frame, 0..12)
}

/// The frames' bytes, and their whole payload.
fn encoded(sent: &[Sent]) -> (Vec<u8>, Vec<u8>) {
    let (mut bytes, mut whole, mut is_open) = (Vec::new(), Vec::new(), false);
    for frame in sent {
        match frame {
            Sent::Data(length, last) => {
                let places = whole.len()..whole.len() + length;
                let payload: Vec<u8> = places.map(|at| (at % 251) as u8).collect();
                let opcode = if is_open { CONTINUATION } else { BINARY };
                bytes.extend(masked(opcode, *last, &payload));
                whole.extend(payload);
                is_open = !last;
            }
            Sent::Ping(payload) => bytes.extend(masked(PING, true, payload)),
            Sent::Pong => bytes.extend(masked(PONG, true, b"unasked")),
        }
    }
    (bytes, whole)
}

/// The bytes in pieces of these lengths, in turn; an empty piece is a read that finds nothing yet.
fn cut(mut bytes: &[u8], lengths: &[usize]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    for length in lengths.iter().cycle() {
        if bytes.is_empty() {
            break;
        }
        let (piece, rest) = bytes.split_at((*length).min(bytes.len()));
        pieces.push(piece.to_vec());
        bytes = rest;
    }
    pieces
}

/// Lengths, at least one of which is not 0.
fn lengths() -> impl Strategy<Value = Vec<usize>> {
    let length = prop_oneof![Just(0), 1..10_usize, 100..5000_usize];
    (vec(length, 0..6), 1..5000_usize).prop_map(|(mut lengths, last)| {
        lengths.push(last);
        lengths
    })
}

/// Reads all and writes these parts, each in one write as far as it is taken. Returns what was read and what was taken.
fn relay(
    browser: &mut WebSocket<Connection>,
    buffers: &[usize],
    writes: &[Vec<usize>],
) -> (Vec<u8>, Vec<u8>) {
    let (mut received, mut written) = (Vec::new(), Vec::new());
    let (mut writes, mut buffers) = (writes.iter(), buffers.iter().cycle());
    let mut waiting: Option<Vec<Vec<u8>>> = None;
    loop {
        let found = read(browser, *buffers.next().unwrap());
        let is_idle = found.is_none() && browser.stream.input.is_empty();
        received.extend(found.into_iter().flat_map(Result::unwrap));
        if waiting.is_none() {
            let part = |length: &usize| (0..*length).map(|at| (at % 249) as u8).collect();
            waiting = writes.next().map(|parts| parts.iter().map(part).collect());
        }
        let Some(parts) = &waiting else {
            if is_idle && flush(browser) {
                return (received, written);
            }
            continue;
        };
        let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        if let Some(count) = write(browser, &slices) {
            let whole = parts.concat();
            written.extend_from_slice(&whole[..count]);
            waiting = (count < whole.len()).then(|| vec![whole[count..].to_vec()]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_directions_are_whole_and_in_order(
        sent in sent(),
        cuts in lengths(),
        early in 0..300_usize,
        buffers in vec(1..3000_usize, 1..5),
        writes in vec(vec(0..40_000_usize, 1..4), 0..8),
        accepts in vec(prop_oneof![Just(0), 1..20_usize, 1000..9000_usize], 0..200),
    ) {
        let (bytes, expected) = encoded(&sent);
        let (early, rest) = bytes.split_at(early.min(bytes.len()));
        let mut connection = Connection::with_input(cut(rest, &cuts));
        connection.accepts = accepts.into();
        let mut browser = WebSocket::new(connection, Bytes::copy_from_slice(early));
        let (received, written) = relay(&mut browser, &buffers, &writes);
        prop_assert!(received == expected, "what was read");
        let (mut data, mut pongs) = (Vec::new(), Vec::new());
        for (opcode, payload) in frames(&browser.stream.sent) {
            match opcode {
                BINARY => data.extend(payload),
                PONG => pongs.push(payload),
                other => prop_assert!(false, "opcode {other}"),
            }
        }
        prop_assert!(data == written, "what was written");
        let pings: Vec<&Vec<u8>> = sent.iter().filter_map(|frame| match frame {
            Sent::Ping(payload) => Some(payload),
            _ => None,
        }).collect();
        // Pongs are in order, and the last ping always has one.
        let mut asked = pings.iter();
        let each_was_asked = pongs.iter().all(|pong| asked.any(|ping| *ping == pong));
        prop_assert!(each_was_asked, "a pong that nobody asked for");
        prop_assert_eq!(pongs.last(), pings.last().copied());
    }

    #[test]
    fn no_input_panics_or_yields_more_than_it_has(
        bytes in vec(any::<u8>(), 0..400),
        cuts in lengths(),
        buffer in 1..50_usize,
    ) {
        let mut connection = Connection::with_input(cut(&bytes, &cuts));
        connection.end = Some(std::io::ErrorKind::UnexpectedEof);
        let mut browser = WebSocket::new(connection, Bytes::new());
        let mut received = 0;
        loop {
            match read(&mut browser, buffer) {
                None => {}
                Some(Ok(found)) if found.is_empty() => break,
                Some(Ok(found)) => received += found.len(),
                Some(Err(_)) => break,
            }
        }
        prop_assert!(received <= bytes.len());
        prop_assert!(browser.stream.sent.len() <= bytes.len() + 4);
    }
}
