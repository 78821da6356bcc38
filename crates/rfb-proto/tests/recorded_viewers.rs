//! What real viewers said to a real Xvnc and a real QEMU, followed to its last byte at every cut, and said again.
//! `recorded/record_viewers.py` makes the recordings.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::HashSet;

use rfb_proto::input::{Input, Kind, Message};

/// Each message, what it says in words, with as much of its body as there was.
type Heard = Vec<(String, Vec<u8>)>;

/// What is heard of bytes that come in these pieces, and which kinds of messages there are.
fn follow<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Heard, HashSet<Kind>) {
    let mut input = Input::new();
    let (mut heard, mut kinds) = (Heard::new(), HashSet::new());
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
                heard.last_mut().unwrap().1.extend_from_slice(piece.bytes);
                continue;
            }
            let mut again = Vec::new();
            piece.message.write(&mut again);
            // Byte by byte it may differ: TightVNC leaves in the padding what was there.
            let reread = reader.scan(&again).unwrap().unwrap();
            assert_eq!(reread.message, piece.message);
            assert_eq!(again.len(), piece.bytes.len(), "{:?}", piece.message);
            kinds.insert(piece.message.kind());
            heard.push((format!("{:?}", piece.message), Vec::new()));
        }
        waiting.drain(..at);
    }
    assert!(waiting.is_empty(), "a whole number of messages");
    (heard, kinds)
}

#[test]
fn every_viewer_is_followed_to_its_end_at_every_cut() {
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
        let said = std::fs::read(&path).unwrap();
        let (whole, kinds) = follow([&said[..]]);
        assert!(whole.len() > 30, "{name}: somebody used it");
        for size in [1, 2, 3, 7, 64] {
            let (cut, _) = follow(said.chunks(size));
            assert_eq!(cut, whole, "{name} in pieces of {size}");
        }
        for at in 0..said.len() {
            let (cut, _) = follow([&said[..at], &said[at..]]);
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
