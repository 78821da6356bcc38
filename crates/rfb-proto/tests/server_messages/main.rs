//! The server's messages, byte by byte as RFC 6143 sections 7.6 to 7.8, rfbproto and `docs/webmks.md` 1.4 and 1.5
//! write them, at every cut.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod following;
mod messages;
mod rectangles;

use proptest::prelude::*;
use rfb_proto::server_messages::{Kind, MAX_PIECE, Message, QemuSound, ScanError, ServerScanner};
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

/// A scanner after a ServerInit with this format.
fn update(format: PixelFormat) -> ServerScanner {
    let mut update = ServerScanner::new();
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

/// Parses pieces: heads as text, and the lengths of bodies; and the number of bytes left, or the error.
fn follow(
    mut update: ServerScanner,
    pieces: &[&[u8]],
) -> (Vec<String>, Result<usize, ScanError>, ServerScanner) {
    let mut waiting = Vec::new();
    let mut received = Vec::new();
    let mut run = 0;
    for piece in pieces {
        waiting.extend_from_slice(piece);
        loop {
            let piece = match update.scan(&waiting) {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(lost) => return (received, Err(lost), update),
            };
            let length = piece.bytes.len();
            assert!(length > 0);
            assert_eq!(piece.bytes, &waiting[..length]);
            match piece.message {
                Message::Body { of, last } => {
                    run += length;
                    if last {
                        received.push(format!("{of:?} {run}"));
                        run = 0;
                    }
                }
                message => {
                    assert_eq!(run, 0, "what follows a head ends before the next");
                    received.push(format!("{message:?}"));
                }
            }
            waiting.drain(..length);
        }
        assert!(waiting.len() < MAX_PIECE, "that much is always enough");
    }
    (received, Ok(waiting.len() + run), update)
}
