//! What a real Xvnc (TigerVNC) and a real QEMU sent, parsed to the last byte at every cut. `recorded/record.py` and
//! `recorded/record_qemu.py` make the recordings. Each is 20 kB or less, so that every cut of it can be tried.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use rfb_proto::server_messages::{Kind, Message, ServerScanner};
use rfb_proto::{Encoding, PixelFormat};

/// The pieces: each head with its bytes, and of each body only the length.
#[derive(Debug, PartialEq, Eq)]
enum Received {
    Head(Kind, Vec<u8>),
    Body(Kind, usize),
}

struct Receiver {
    update: ServerScanner,
    format: PixelFormat,
    waiting: Vec<u8>,
    received: Vec<Received>,
    encodings: Vec<Encoding>,
    ended: bool,
}

impl Receiver {
    fn new(format: PixelFormat) -> Self {
        Self {
            update: ServerScanner::new(),
            format,
            waiting: Vec::new(),
            received: Vec::new(),
            encodings: Vec::new(),
            ended: true,
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(piece) = self.update.scan(&self.waiting[at..]).unwrap() {
            assert!(!piece.bytes.is_empty());
            at += piece.bytes.len();
            match piece.message {
                Message::Body { of, last } => {
                    match self.received.last_mut() {
                        Some(Received::Body(_, length)) if !self.ended => {
                            *length += piece.bytes.len()
                        }
                        _ => self.received.push(Received::Body(of, piece.bytes.len())),
                    }
                    self.ended = last;
                    continue;
                }
                Message::ServerInit { .. } => self.update.set_pixel_format(self.format),
                Message::Rectangle { encoding, .. } => self.encodings.push(encoding),
                _ => {}
            }
            assert!(self.ended, "what follows a head ends before the next");
            let head = Received::Head(piece.message.kind(), piece.bytes.to_vec());
            self.received.push(head);
        }
        self.waiting.drain(..at);
    }
}

fn follow<'a>(format: PixelFormat, pieces: impl IntoIterator<Item = &'a [u8]>) -> Receiver {
    let mut receiver = Receiver::new(format);
    for piece in pieces {
        receiver.receive(piece);
    }
    receiver
}

#[test]
fn recorded_servers_are_parsed_to_the_end_at_every_cut() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recorded");
    let mut seen = 0;
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rfb") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap();
        let recorded = std::fs::read(&path).unwrap();
        let (format, bytes) = recorded.split_first_chunk().unwrap();
        let format = PixelFormat::parse(format);
        let whole = follow(format, [bytes]);
        assert!(whole.waiting.is_empty() && whole.ended, "{name}");
        assert!(whole.update.is_between_messages(), "{name}");
        assert_eq!(whole.update.size(), (144, 96), "{name}");
        let is_update = |received: &&Received| matches!(received, Received::Head(Kind::Update, _));
        let updates = whole.received.iter().filter(is_update);
        assert!(updates.count() > 3, "{name}: a screen that changes");
        for size in [1, 2, 3, 7, 64, 1000] {
            let cut = follow(format, bytes.chunks(size));
            assert_eq!(cut.received, whole.received, "{name} in pieces of {size}");
        }
        for at in 0..bytes.len() {
            let cut = follow(format, [&bytes[..at], &bytes[at..]]);
            assert_eq!(cut.received, whole.received, "{name} cut at {at}");
        }
        all.extend(whole.encodings);
        seen += 1;
    }
    assert_eq!(seen, 22);
    for encoding in [
        Encoding::RAW,
        Encoding::COPY_RECT,
        Encoding::RRE,
        Encoding::HEXTILE,
        Encoding::ZLIB,
        Encoding::TIGHT,
        Encoding::TIGHT_PNG,
        Encoding::ZRLE,
        Encoding::ZYWRLE,
        Encoding::LAST_RECT,
        Encoding::CURSOR_WITH_ALPHA,
        Encoding::EXTENDED_DESKTOP_SIZE,
        Encoding::QEMU_POINTER_MOTION,
        Encoding::QEMU_EXTENDED_KEY,
        Encoding::QEMU_LED_STATE,
    ] {
        assert!(all.contains(&encoding), "{encoding:?}");
    }
}
