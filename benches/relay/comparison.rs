//! Both ends of a comparison of every byte.
//!
//! The host sends updates of random sizes in frames of random sizes, cut into records at random; the viewer sends random
//! pointer events as fast as it can, in pieces of random sizes. Both ends generate the same numbers, so each knows what
//! the other sends.

use std::io::{self, ErrorKind};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use ws_proto::{Decoder, Event, Header, MAX_HEADER, Opcode};

/// Pointer events to the host for each MiB to the viewer.
pub(crate) const EVENTS: u64 = 1024;

/// Seeds of the two directions.
const DOWN: u64 = 0x1234_5678_9abc_def1;
const UP: u64 = 0x0fed_cba9_8765_4321;

/// The host's end. `input` and `payload` were already read from the viewer.
pub(crate) async fn host(
    stream: TlsStream<TcpStream>,
    mut decoder: Decoder,
    mut input: BytesMut,
    mut payload: BytesMut,
    mib: u16,
) -> io::Result<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a TLS stream has no owned halves"
    )]
    let (mut read, mut write) = tokio::io::split(stream);
    let sending = async {
        let mut updates = Updates::new(mib);
        let mut cuts = Numbers(DOWN ^ UP);
        let mut frames = Vec::new();
        while let Some(update) = updates.next() {
            let mut rest = &update[..];
            let mut fin = false;
            let mut opcode = Opcode::Binary;
            while !fin {
                let (fragment, behind) = rest.split_at(rest.len().min(1 + cuts.below(60_000)));
                fin = behind.is_empty();
                frame(fin, opcode, fragment, &mut frames);
                (rest, opcode) = (behind, Opcode::Continuation);
            }
            if frames.len() > cuts.below(400_000) {
                write.write_all(&frames).await?;
                write.flush().await?;
                frames.clear();
            }
        }
        write.write_all(&frames).await?;
        write.flush().await
    };
    let receiving = async {
        let mut events = PointerEvents::new(mib);
        loop {
            if !events.compare(&mut payload)? {
                return Ok(());
            }
            match decoder.decode(&mut input).map_err(io::Error::other)? {
                Some(Event::Data { payload: run, .. }) => payload.extend_from_slice(&run),
                Some(other) => return Err(io::Error::other(format!("{other:?}"))),
                None if read.read_buf(&mut input).await? == 0 => {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                None => {}
            }
        }
    };
    tokio::try_join!(sending, receiving)?;
    // The viewer closes when it has received everything.
    read.read_buf(&mut input).await.map(drop)
}

fn frame(fin: bool, opcode: Opcode, payload: &[u8], into: &mut Vec<u8>) {
    let header = Header {
        fin,
        opcode,
        mask: None,
        len: payload.len() as u64,
    };
    let mut room = [0; MAX_HEADER];
    let start = header.write_before(&mut room);
    into.extend_from_slice(&room[start..]);
    into.extend_from_slice(payload);
}

/// The viewer's end.
pub(crate) async fn viewer(stream: TcpStream, mib: u16) -> io::Result<()> {
    let (mut read, mut write) = stream.into_split();
    let sending = async {
        let mut events = PointerEvents::new(mib);
        let mut cuts = Numbers(7);
        let mut bytes = Vec::new();
        while let Some(event) = events.next() {
            bytes.extend(event);
            if bytes.len() > cuts.below(5000) {
                let cut = bytes.len().min(1 + cuts.below(bytes.len()));
                write.write_all(&bytes[..cut]).await?;
                bytes.drain(..cut);
            }
        }
        write.write_all(&bytes).await
    };
    let receiving = async {
        let mut updates = Updates::new(mib);
        let (mut expected, mut at) = (Vec::new(), 0);
        let mut received = vec![0; 1 << 20];
        loop {
            let count = read.read(&mut received).await?;
            let mut received = &received[..count];
            if count == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            while !received.is_empty() {
                if at == expected.len() {
                    (expected, at) = (updates.next().expect("more than was sent"), 0);
                }
                let count = received.len().min(expected.len() - at);
                assert!(
                    received[..count] == expected[at..at + count],
                    "another byte than was sent"
                );
                (received, at) = (&received[count..], at + count);
            }
            if updates.left == 0 && at == expected.len() {
                return Ok(());
            }
        }
    };
    tokio::try_join!(sending, receiving).map(drop)
}

/// The updates of the host.
struct Updates {
    numbers: Numbers,
    left: u64,
}

impl Updates {
    fn new(mib: u16) -> Self {
        Self {
            numbers: Numbers(DOWN),
            left: u64::from(mib) << 20,
        }
    }

    /// An update of raw pixels, or of a compressed rectangle.
    fn next(&mut self) -> Option<Vec<u8>> {
        if self.left == 0 {
            return None;
        }
        let size = match self.numbers.below(100) {
            0..80 => self.numbers.below(3000),
            80..98 => self.numbers.below(60_000),
            _ => self.numbers.below(800_000),
        };
        let mut update = vec![0, 0, 0, 1, 0, 0, 0, 0];
        if self.numbers.below(2) == 0 {
            let width = 1 + (size / 4) as u16 % 2000;
            update.extend(width.to_be_bytes());
            update.extend([0, 1, 0, 0, 0, 0]);
            self.numbers.fill(usize::from(width) * 4, &mut update);
        } else {
            update.extend([0, 64, 0, 64, 0, 0, 0, 16]);
            update.extend((size as u32).to_be_bytes());
            self.numbers.fill(size, &mut update);
        }
        self.left = self.left.saturating_sub(update.len() as u64);
        Some(update)
    }
}

/// The pointer events of the viewer.
struct PointerEvents {
    numbers: Numbers,
    left: u64,
}

impl PointerEvents {
    fn new(mib: u16) -> Self {
        Self {
            numbers: Numbers(UP),
            left: u64::from(mib) * EVENTS,
        }
    }

    fn next(&mut self) -> Option<[u8; 6]> {
        self.left = self.left.checked_sub(1)?;
        let [_, _, a, b, c, d, ..] = self.numbers.next().to_be_bytes();
        Some([5, 0, a, b, c, d])
    }

    /// Compares received events; returns whether more are expected.
    fn compare(&mut self, payload: &mut BytesMut) -> io::Result<bool> {
        while payload.len() >= 6 {
            // The gateway's own SetEncodings.
            if payload[0] == 2 {
                let length = 4 + 4 * usize::from(u16::from_be_bytes([payload[2], payload[3]]));
                if payload.len() < length {
                    break;
                }
                payload.advance(length);
                continue;
            }
            let event = self.next().ok_or(ErrorKind::InvalidData)?;
            assert!(payload[..6] == event, "another event than was sent");
            payload.advance(6);
        }
        Ok(self.left > 0)
    }
}

/// Repeatable pseudo-random numbers (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 11) as usize % bound
    }

    fn fill(&mut self, count: usize, into: &mut Vec<u8>) {
        let end = into.len() + count;
        while into.len() < end {
            into.extend(self.next().to_be_bytes());
        }
        into.truncate(end);
    }
}
