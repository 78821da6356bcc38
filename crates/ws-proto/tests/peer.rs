//! The same bytes, written by one implementation and read by another: tungstenite at the other end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::io::{self, Cursor, Read, Write};

use bytes::BytesMut;
use proptest::prelude::*;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};
use tokio_tungstenite::tungstenite::protocol::{self, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, WebSocket};
use ws_proto::{Decoder, Event, FrameBuffer, Opcode, Role, control};

/// What a peer reads, and what it has written.
struct Wire {
    incoming: Cursor<Vec<u8>>,
    outgoing: Vec<u8>,
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.incoming.read(buffer)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.outgoing.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn tungstenite(role: protocol::Role, incoming: Vec<u8>) -> WebSocket<Wire> {
    let wire = Wire {
        incoming: Cursor::new(incoming),
        outgoing: Vec::new(),
    };
    WebSocket::from_raw_socket(wire, role, Some(WebSocketConfig::default()))
}

fn roles(client: bool) -> (Role, protocol::Role) {
    if client {
        (Role::Client, protocol::Role::Server)
    } else {
        (Role::Server, protocol::Role::Client)
    }
}

/// A message of `size` bytes whose every byte tells its place.
fn body(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i ^ (i >> 8)) as u8).collect()
}

/// Sizes from 0 to 128 KiB, the edges of the length field among them.
fn sizes() -> impl Strategy<Value = usize> {
    prop_oneof![
        Just(0_usize),
        Just(125),
        Just(126),
        Just(127),
        Just(65535),
        Just(65536),
        0..2000_usize,
        0..=128 * 1024_usize,
    ]
}

#[derive(Debug, PartialEq)]
enum Said {
    Message(Vec<u8>),
    Ping(Vec<u8>),
}

/// Decodes `wire`, cut into reads of `read` bytes.
fn hear(role: Role, wire: &[u8], read: usize) -> Vec<Said> {
    let mut decoder = Decoder::new(role);
    let mut input = BytesMut::new();
    let (mut said, mut message) = (Vec::new(), Vec::new());
    for piece in wire.chunks(read) {
        input.extend_from_slice(piece);
        while let Some(event) = decoder.decode(&mut input).unwrap() {
            match event {
                Event::Data { payload, last, .. } => {
                    message.extend_from_slice(&payload);
                    if last {
                        said.push(Said::Message(std::mem::take(&mut message)));
                    }
                }
                Event::Ping(payload) => said.push(Said::Ping(payload.to_vec())),
                other => panic!("{other:?} was never sent"),
            }
        }
    }
    assert!(input.is_empty() && message.is_empty());
    said
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_tungstenite_writes_is_read_whole(
        messages in proptest::collection::vec((sizes(), 1..20_000_usize, 0..126_usize), 1..6),
        read in 1..70_000_usize,
        client in any::<bool>(),
    ) {
        let (ours, theirs) = roles(client);
        let mut peer = tungstenite(theirs, Vec::new());
        let mut expected = Vec::new();
        for (size, fragment, ping) in messages {
            // Fragments with a ping between each two: section 5.4 allows it.
            let body = body(size);
            let mut fragments: Vec<&[u8]> = body.chunks(fragment).collect();
            if fragments.is_empty() {
                fragments.push(&[]);
            }
            let count = fragments.len();
            for (i, fragment) in fragments.into_iter().enumerate() {
                let kind = if i == 0 { Data::Binary } else { Data::Continue };
                let frame = Frame::message(fragment.to_vec(), OpCode::Data(kind), i + 1 == count);
                peer.send(Message::Frame(frame)).unwrap();
                if i + 1 < count {
                    peer.send(Message::Ping(vec![9; ping].into())).unwrap();
                    expected.push(Said::Ping(vec![9; ping]));
                }
            }
            expected.push(Said::Message(body));
        }
        prop_assert_eq!(hear(ours, &peer.get_ref().outgoing, read), expected);
    }

    #[test]
    fn what_is_written_here_tungstenite_reads_whole(
        messages in proptest::collection::vec((sizes(), any::<[u8; 4]>(), 0..126_usize), 1..6),
        client in any::<bool>(),
    ) {
        let (_, theirs) = roles(client);
        let mut wire = Vec::new();
        let mut buffer = FrameBuffer::new(128 * 1024);
        let mut expected = Vec::new();
        for (size, key, ping) in messages {
            let key = client.then_some(key);
            let body = body(size);
            buffer.payload_mut()[..size].copy_from_slice(&body);
            wire.extend_from_slice(&control(Opcode::Ping, &vec![7; ping], key));
            wire.extend_from_slice(buffer.frame(size, Opcode::Binary, key));
            expected.push(Message::Ping(vec![7; ping].into()));
            expected.push(Message::Binary(body.into()));
        }
        let mut peer = tungstenite(theirs, wire);
        for message in expected {
            prop_assert_eq!(peer.read().unwrap(), message);
        }
    }

    #[test]
    fn headers_are_the_same_bits(len in any::<u32>(), key in any::<Option<[u8; 4]>>(), fin in any::<bool>()) {
        let header = ws_proto::Header { fin, opcode: Opcode::Binary, mask: key, len: u64::from(len) };
        let mut room = [0; ws_proto::MAX_HEADER];
        let start = header.write_before(&mut room);
        let mut theirs = Vec::new();
        let peer = FrameHeader { is_final: fin, mask: key, opcode: OpCode::Data(Data::Binary), ..FrameHeader::default() };
        peer.format(u64::from(len), &mut theirs).unwrap();
        prop_assert_eq!(&room[start..], &theirs[..]);

        let reader = if key.is_some() { Role::Server } else { Role::Client };
        prop_assert_eq!(ws_proto::Header::parse(reader, &theirs), Ok(Some((header, theirs.len()))));
        for cut in 0..theirs.len() {
            prop_assert_eq!(ws_proto::Header::parse(reader, &theirs[..cut]), Ok(None));
        }
    }
}
