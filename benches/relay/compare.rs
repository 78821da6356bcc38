//! Every byte, both ways at once, through the real gateway: TLS 1.2 and 1.3, rustls' records and records in place.
//!
//! The host sends updates of random sizes in frames of random sizes, cut into records at random; the viewer moves its pointer to
//! random places, as fast as it can, in pieces of random sizes. Both know what the other is to say, for both have
//! the same source of numbers, and compare every byte. Nothing is timed.

use std::io::{self, ErrorKind};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;
use ws_proto::{Decoder, Event, Header, MAX_HEADER, Opcode};

use crate::machine;
use crate::relays::{IN_PLACE, OURS, Relays};
use crate::table::{head, row, say};
use crate::viewer::Viewer;

/// How many places of the pointer go one way while a MiB goes the other.
const EVENTS: u64 = 1024;

/// Seeds of the two directions.
const DOWN: u64 = 0x1234_5678_9abc_def1;
const UP: u64 = 0x0fed_cba9_8765_4321;

pub(crate) async fn measure(relays: &Relays, mib: u16) {
    say("Compared byte for byte, both ways at once\n");
    say(&head(&[
        "relay",
        "TLS",
        "MiB to the viewer",
        "events to the host",
        "seconds",
    ]));
    for name in [OURS, IN_PLACE] {
        for tls12 in [false, true] {
            let relay = relays.start_with(name, &machine::all_cores(), tls12).await;
            let viewer = Viewer::enter(relay.listen, true).await.unwrap();
            let begun = Instant::now();
            let stream = viewer.compare(mib).await.unwrap();
            self::viewer(stream, mib).await.unwrap();
            say(&row(&[
                name.into(),
                if tls12 { "1.2" } else { "1.3" }.into(),
                mib.to_string(),
                (u64::from(mib) * EVENTS).to_string(),
                format!("{:.0}", begun.elapsed().as_secs_f64()),
            ]));
        }
    }
    say("");
}

/// The host's side. `input` and `payload` are what has been read of the viewer already.
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
    let speaking = async {
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
    let listening = async {
        let mut places = Places::new(mib);
        loop {
            if !places.heard(&mut payload)? {
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
    tokio::try_join!(speaking, listening)?;
    // All has been heard: the viewer may leave when it has too.
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

async fn viewer(stream: TcpStream, mib: u16) -> io::Result<()> {
    let (mut read, mut write) = stream.into_split();
    let speaking = async {
        let mut places = Places::new(mib);
        let mut cuts = Numbers(7);
        let mut bytes = Vec::new();
        while let Some(place) = places.next() {
            bytes.extend(place);
            if bytes.len() > cuts.below(5000) {
                let cut = bytes.len().min(1 + cuts.below(bytes.len()));
                write.write_all(&bytes[..cut]).await?;
                bytes.drain(..cut);
            }
        }
        write.write_all(&bytes).await
    };
    let listening = async {
        let mut updates = Updates::new(mib);
        let (mut expected, mut at) = (Vec::new(), 0);
        let mut heard = vec![0; 1 << 20];
        loop {
            let count = read.read(&mut heard).await?;
            let mut heard = &heard[..count];
            if count == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            while !heard.is_empty() {
                if at == expected.len() {
                    (expected, at) = (updates.next().expect("more than was sent"), 0);
                }
                let count = heard.len().min(expected.len() - at);
                assert!(
                    heard[..count] == expected[at..at + count],
                    "another byte than was sent"
                );
                (heard, at) = (&heard[count..], at + count);
            }
            if updates.left == 0 && at == expected.len() {
                return Ok(());
            }
        }
    };
    tokio::try_join!(speaking, listening).map(drop)
}

/// What the host says.
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

/// What the viewer says.
struct Places {
    numbers: Numbers,
    left: u64,
}

impl Places {
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

    /// Compares what has been heard: whether there is more to come.
    fn heard(&mut self, payload: &mut BytesMut) -> io::Result<bool> {
        while payload.len() >= 6 {
            // What the gateway says by itself: which encodings it takes.
            if payload[0] == 2 {
                let length = 4 + 4 * usize::from(u16::from_be_bytes([payload[2], payload[3]]));
                if payload.len() < length {
                    break;
                }
                payload.advance(length);
                continue;
            }
            let place = self.next().ok_or(ErrorKind::InvalidData)?;
            assert!(payload[..6] == place, "another event than was sent");
            payload.advance(6);
        }
        Ok(self.left > 0)
    }
}

/// Numbers that look random and are the same each time (Marsaglia's xorshift).
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
