//! A viewer's messages that arrive in pieces.

use proptest::prelude::*;
use rfb_proto::client_messages::{ClientScanner, MAX_ENCODINGS, MAX_PIECE, Message, set_encodings};
use rfb_proto::{Encoding, PixelFormat, Violation};

use crate::{input, written};

/// The result: each message as text, and each body as one piece.
fn follow(extended: bool, pieces: &[&[u8]]) -> (Vec<String>, Result<usize, Violation>) {
    let mut input = ClientScanner::new();
    input.allow_extended_buttons(extended);
    let mut waiting = Vec::new();
    let mut messages: Vec<String> = Vec::new();
    let mut in_body = false;
    for piece in pieces {
        waiting.extend_from_slice(piece);
        loop {
            let piece = match input.scan(&waiting) {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(violation) => return (messages, Err(violation)),
            };
            assert!(!piece.bytes.is_empty());
            assert_eq!(piece.bytes, &waiting[..piece.bytes.len()]);
            match piece.message {
                Message::Body { of, last } => {
                    if !in_body {
                        messages.push(format!("{of:?}:"));
                    }
                    let run = format!("{:?}", piece.bytes);
                    let run = run.trim_matches(['[', ']']);
                    let text = messages.last_mut().unwrap();
                    text.push_str(run);
                    text.push_str(if last { "." } else { ", " });
                    in_body = !last;
                }
                message => {
                    assert!(!in_body, "a body ends before the next message");
                    messages.push(format!("{message:?}"));
                }
            }
            let length = piece.bytes.len();
            waiting.drain(..length);
        }
        assert!(waiting.len() < MAX_PIECE, "that much is always enough");
    }
    (messages, Ok(waiting.len()))
}

/// Mostly one whole message.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let padded = |head: Vec<u8>, body: Vec<u8>| [head, body].concat();
    let bytes = |range| prop::collection::vec(any::<u8>(), range);
    prop_oneof![
        bytes(19..20).prop_map(move |body| padded(vec![0], body)),
        bytes(18..19).prop_map(move |body| padded(vec![1, 0, 0, 0, 0, 3], body)),
        bytes(20..21).prop_map(move |body| padded(vec![2, 0, 0, 5], body)),
        bytes(9..10).prop_map(move |body| padded(vec![3], body)),
        bytes(7..8).prop_map(move |body| padded(vec![4], body)),
        bytes(5..6).prop_map(move |body| padded(vec![5], body)),
        bytes(0..9).prop_map(move |body| padded(vec![6, 0, 0, 0, 0, 0, 0, body.len() as u8], body)),
        bytes(4..9).prop_map(move |body| padded(
            vec![6, 0, 0, 0, 255, 255, 255, (body.len() as u8).wrapping_neg()],
            body
        )),
        bytes(0..9).prop_map(move |body| padded(vec![127, 1, 0, 4 + body.len() as u8], body)),
        bytes(9..10).prop_map(move |body| padded(vec![150], body)),
        bytes(0..64)
            .prop_map(move |body| padded(vec![248, 0, 0, 0, 0, 0, 0, 1, body.len() as u8], body)),
        bytes(3..4).prop_map(move |body| padded(vec![250], body)),
        bytes(32..33).prop_map(move |body| padded(vec![251, 0, 1, 1, 1, 1, 2, 0], body)),
        bytes(0..9).prop_map(move |body| padded(vec![253, 0x80, 0, body.len() as u8], body)),
        bytes(10..11).prop_map(move |body| padded(vec![255, 0], body)),
        bytes(6..7).prop_map(move |body| padded(vec![255, 1, 0, 2], body)),
        bytes(0..3),
    ]
}

proptest! {
    #[test]
    fn any_viewer_is_parsed_equally_at_every_cut(
        messages in prop::collection::vec(message(), 0..8),
        cuts in prop::array::uniform2(any::<prop::sample::Index>()),
        extended in any::<bool>(),
    ) {
        let bytes = [vec![1], messages.concat()].concat();
        let mut cuts = cuts.map(|cut| cut.index(bytes.len() + 1));
        cuts.sort_unstable();
        let whole = follow(extended, &[&bytes]);
        let [a, b] = cuts;
        prop_assert_eq!(&follow(extended, &[&bytes[..a], &bytes[a..b], &bytes[b..]]), &whole);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&follow(extended, &single), &whole);
    }

    #[test]
    fn parsing_a_written_message_gives_the_same_message(bytes in message()) {
        let mut scanner = input();
        if let Ok(Some(piece)) = scanner.scan(&bytes) {
            let again = written(&piece.message);
            prop_assert_eq!(input().scan(&again).unwrap().unwrap().message, piece.message);
        }
    }
}

#[test]
fn a_whole_session_is_parsed_to_its_last_byte() {
    let mut bytes = vec![1];
    Message::SetPixelFormat(PixelFormat::VMWARE).write(&mut bytes);
    set_encodings(vec![Encoding::RAW; MAX_ENCODINGS], &mut bytes);
    bytes.extend([6, 0, 0, 0, 0, 0, 0, 2, b'h', b'i']);
    bytes.extend([4, 1, 0, 0, 0, 0, 0, b'a']);
    let (messages, left) = follow(false, &[&bytes]);
    assert_eq!((messages.len(), left), (6, Ok(0)));
    assert_eq!(messages[4], "CutText:104, 105.");
}
