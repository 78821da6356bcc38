//! Rectangles that are relayed only when they are whole, so that a host may be lost inside one.
//!
//! Pixels in Raw, CopyRect, RRE, CoRRE and Hextile are relayed as they arrive, as they can be completed. Of all others
//! the bytes are kept here, before they are parsed for the viewer, unless the rest has arrived with them.

use rfb_proto::Encoding;
use rfb_proto::server_messages::{Message, ScanError, ServerScanner};

use super::Host;
use super::in_place::InPlace;
use crate::shared::Shared;
use crate::streams::{ADAPTED, Streams};
use crate::to_viewer::{Bytes, ToViewer};

/// The most bytes that are kept. Longer rectangles are relayed as they arrive, and end the session if the host is lost
/// inside one. A rectangle in Tight is never longer: the largest length that it can announce, and a palette.
pub(crate) const MOST_KEPT: usize = (4 << 20) + 2048;

/// The length of a rectangle's header.
const HEAD: usize = 12;

/// How many bytes are taken where it is not known how many belong to the rectangle. Those after its end are given back.
const STEP: usize = 64;

/// For how many bytes memory is reserved before they arrive.
const AT_ONCE: usize = 512 << 10;

/// The first bytes of a rectangle.
pub(super) struct Incomplete {
    /// Room for what is sent before them, and the bytes.
    bytes: Vec<u8>,
    room: usize,
    /// How many of `bytes`, with the room, have been parsed.
    parsed: usize,
    /// The parser after those.
    ahead: ServerScanner,
    encoding: Encoding,
}

/// What is known about a rectangle.
enum Found {
    /// It is whole.
    Whole,
    /// It is not to be kept.
    NotKept,
    /// More bytes are needed.
    Incomplete,
}

/// What [`Incomplete::add`] returns.
pub(super) struct Added {
    /// How many bytes were taken.
    pub(super) taken: usize,
    /// Whether the rectangle, or its first bytes, are to be relayed.
    pub(super) is_ready: bool,
}

impl Host {
    /// Adds bytes of `run` to a rectangle that is incomplete, and returns their number.
    pub(super) fn continue_rectangle(
        &mut self,
        mut incomplete: Incomplete,
        run: &[u8],
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) -> Result<usize, ScanError> {
        let added = incomplete.add(run);
        if !added.is_ready {
            self.incomplete = Some(incomplete);
            return Ok(added.taken);
        }
        if let Some(current) = &mut self.current {
            // Its range is in `run`.
            current.header = None;
        }
        if let Some(streams) = shared.viewer.encodings.streams() {
            incomplete.adapt(streams)?;
        }
        let Incomplete { bytes, room, .. } = incomplete;
        let mut output = InPlace::new(&bytes);
        self.relay_kept(&bytes, room, shared, &mut output)?;
        output.end().send(bytes, viewer);
        Ok(added.taken)
    }

    /// Relays the bytes of `kept` from `at` on.
    fn relay_kept(
        &mut self,
        kept: &[u8],
        mut at: usize,
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) -> Result<(), ScanError> {
        while !self.unparsed && at < kept.len() {
            let rest = kept.get(at..).unwrap_or_default();
            match self.update.scan(rest) {
                Ok(Some(piece)) => {
                    let end = at + piece.bytes.len();
                    let bytes = Bytes::Received(piece.bytes, at..end);
                    self.piece(piece.message, &bytes, shared, viewer);
                    at = end;
                }
                Ok(None) => {
                    self.cut.extend_from_slice(rest);
                    return Ok(());
                }
                Err(lost) => self.stop_parsing(lost, shared, viewer)?,
            }
        }
        viewer.pass(at..kept.len());
        Ok(())
    }
}

impl Incomplete {
    /// The rectangle at the front of `input`, if it has to wait for more bytes, or has to be adapted. None of its bytes
    /// are taken. In its buffer there is `room` for what will be sent before it.
    #[inline]
    pub(super) fn begin(
        update: &ServerScanner,
        input: &[u8],
        streams: &Streams,
        room: usize,
    ) -> Option<Self> {
        let encoding = input.get(8..).and_then(<[u8]>::first_chunk);
        let encoding = encoding.map(|&number| Encoding(i32::from_be_bytes(number)));
        if encoding.is_some_and(|encoding| !is_kept(encoding)) {
            return None;
        }
        let mut ahead = update.clone();
        let keeps = match ahead.scan(input) {
            // The header is incomplete.
            Ok(None) => true,
            Ok(Some(piece)) => match piece.message {
                Message::Rectangle { encoding, .. } => {
                    let content = input.get(piece.bytes.len()..).unwrap_or_default();
                    streams.adapts(encoding) || !is_whole(&mut ahead, content)
                }
                _ => false,
            },
            // Reported where it is relayed.
            Err(_) => false,
        };
        keeps.then(|| Self {
            bytes: vec![0; room],
            room,
            parsed: room,
            ahead: update.clone(),
            encoding: Encoding::RAW,
        })
    }

    /// Takes bytes of the rectangle from the front of `input`.
    pub(super) fn add(&mut self, input: &[u8]) -> Added {
        let mut taken = 0;
        loop {
            let rest = input.get(taken..).unwrap_or_default();
            let next = rest.get(..self.wanted()).unwrap_or(rest);
            if next.is_empty() {
                let is_ready = false;
                return Added { taken, is_ready };
            }
            self.make_room(next.len());
            self.bytes.extend_from_slice(next);
            taken += next.len();
            match self.parse() {
                Found::Incomplete => {}
                Found::NotKept => break,
                Found::Whole => {
                    taken = taken.saturating_sub(self.bytes.len() - self.parsed);
                    self.bytes.truncate(self.parsed);
                    break;
                }
            }
        }
        let is_ready = true;
        Added { taken, is_ready }
    }

    /// Changes the bytes so that they follow what the viewer has received.
    fn adapt(&mut self, streams: &Streams) -> Result<(), ScanError> {
        if !streams.adapts(self.encoding) {
            return Ok(());
        }
        self.bytes.drain(..self.room);
        self.room = 0;
        streams.adapt(self.encoding, &mut self.bytes)
    }

    /// How many bytes were taken.
    const fn have(&self) -> usize {
        self.bytes.len() - self.room
    }

    /// The bytes of memory that it takes.
    pub(super) const fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// How many bytes are taken next, at most: at least one.
    fn wanted(&self) -> usize {
        match self.ahead.certain_length() {
            0 if self.have() < HEAD => HEAD - self.have(),
            0 => STEP,
            length => usize::try_from(length).unwrap_or(MOST_KEPT).min(MOST_KEPT),
        }
    }

    fn parse(&mut self) -> Found {
        loop {
            let rest = self.bytes.get(self.parsed..).unwrap_or_default();
            match self.ahead.scan(rest) {
                Ok(Some(piece)) => {
                    self.parsed += piece.bytes.len();
                    if let Message::Rectangle { encoding, .. } = piece.message {
                        self.encoding = encoding;
                        if !is_kept(encoding) {
                            return Found::NotKept;
                        }
                    }
                    if self.ahead.is_between_rectangles() {
                        return Found::Whole;
                    }
                }
                Ok(None) if self.is_too_long() => return Found::NotKept,
                Ok(None) => return Found::Incomplete,
                // Reported where it is relayed.
                Err(_) => return Found::NotKept,
            }
        }
    }

    fn is_too_long(&self) -> bool {
        let have = self.have();
        let whole = (have as u64).saturating_add(self.ahead.certain_length());
        have >= ADAPTED && whole > MOST_KEPT as u64
    }

    /// Reserves room for `length` bytes: for all that are certain to come, if they are not many; else at least doubles the
    /// capacity.
    fn make_room(&mut self, length: usize) {
        let have = self.bytes.len();
        if self.bytes.capacity() - have < length {
            let certain = usize::try_from(self.ahead.certain_length()).unwrap_or(MOST_KEPT);
            self.bytes
                .reserve_exact(have.max(AT_ONCE).min(certain).max(length));
        }
    }
}

/// Whether rectangles of this encoding are relayed only when they are whole.
const fn is_kept(encoding: Encoding) -> bool {
    !matches!(
        encoding,
        Encoding::RAW | Encoding::COPY_RECT | Encoding::RRE | Encoding::CORRE | Encoding::HEXTILE
    )
}

/// Whether the rectangle whose header was parsed ends within `content`, or cannot be parsed, which is reported where it
/// is relayed.
fn is_whole(ahead: &mut ServerScanner, content: &[u8]) -> bool {
    ahead.is_between_rectangles() || ahead.scan(content).is_err() || ahead.is_between_rectangles()
}
