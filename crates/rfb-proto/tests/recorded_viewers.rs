//! What real viewers sent to a real Xvnc and a real QEMU: parsed to the last byte at every cut, and written again.
//! `recorded/record_viewers.py` makes the recordings.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::HashSet;

use rfb_proto::client_messages::{ClientScanner, Kind, Message};

/// Each message as text, with the bytes of its body.
type Messages = Vec<(String, Vec<u8>)>;

/// The messages in bytes that arrive in these pieces, and their types.
fn follow<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Messages, HashSet<Kind>) {
    let mut input = ClientScanner::new();
    let (mut messages, mut kinds) = (Messages::new(), HashSet::new());
    let mut waiting = Vec::new();
    for piece in pieces {
        waiting.extend_from_slice(piece);
        let mut at = 0;
        loop {
            let mut reader = input.clone();
            let Some(piece) = input.scan(&waiting[at..]).unwrap() else {
                break;
            };
            assert!(!piece.bytes.is_empty());
            at += piece.bytes.len();
            if let Message::Body { .. } = piece.message {
                messages
                    .last_mut()
                    .unwrap()
                    .1
                    .extend_from_slice(piece.bytes);
                continue;
            }
            let mut again = Vec::new();
            piece.message.write(&mut again);
            // The bytes may differ: TightVNC does not clear the padding.
            let reread = reader.scan(&again).unwrap().unwrap();
            assert_eq!(reread.message, piece.message);
            assert_eq!(again.len(), piece.bytes.len(), "{:?}", piece.message);
            kinds.insert(piece.message.kind());
            messages.push((format!("{:?}", piece.message), Vec::new()));
        }
        waiting.drain(..at);
    }
    assert!(waiting.is_empty(), "a whole number of messages");
    (messages, kinds)
}

#[test]
fn recorded_viewers_are_parsed_to_the_end_at_every_cut() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recorded");
    let mut seen = 0;
    let mut all = HashSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "viewer")
        {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap();
        let sent = std::fs::read(&path).unwrap();
        let (whole, kinds) = follow([&sent[..]]);
        assert!(whole.len() > 30, "{name}: somebody used it");
        for size in [1, 2, 3, 7, 64] {
            let (cut, _) = follow(sent.chunks(size));
            assert_eq!(cut, whole, "{name} in pieces of {size}");
        }
        for at in 0..sent.len() {
            let (cut, _) = follow([&sent[..at], &sent[at..]]);
            assert_eq!(cut, whole, "{name} cut at {at}");
        }
        all.extend(kinds);
        seen += 1;
    }
    assert_eq!(seen, 6);
    for kind in [
        Kind::ClientInit,
        Kind::SetPixelFormat,
        Kind::SetEncodings,
        Kind::UpdateRequest,
        Kind::Key,
        Kind::Pointer,
        Kind::CutText,
        Kind::ContinuousUpdates,
        Kind::Fence,
        Kind::QemuKey,
        Kind::QemuAudio,
    ] {
        assert!(all.contains(&kind), "{kind:?}");
    }
}
