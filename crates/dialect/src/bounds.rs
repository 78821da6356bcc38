//! The two limits that hold for every input: bytes to the viewer, and memory of a session.

use std::ops::Range;

use bytes::BytesMut;

use super::dialogue::Dialogue;
use super::settings::{HostKind, InputSettings};
use super::to_viewer::ToViewer;

/// The most bytes that the gateway adds to a message of the host: a colour map of 1,542 bytes, announcements of
/// extensions, ExtendedDesktopSize in place of DesktopSize, LastRect.
const BESIDE_A_MESSAGE: usize = 2 * 1024;

/// The largest factor by which converted pixels grow: from 8 to 32 bits.
const WIDEST: usize = 4;

/// The most bytes of memory beside an update that is held back: requests to the host, incomplete pieces, missing areas.
const BESIDE_AN_UPDATE: usize = 64 * 1024;

/// The figures of one session, each with its limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measured {
    /// Bytes to the viewer, and their limit.
    pub to_viewer: (usize, usize),
    /// The most bytes of memory that the session took, and their limit.
    pub memory: (usize, usize),
}

impl Measured {
    /// Whether both limits were kept.
    pub const fn is_bounded(&self) -> bool {
        self.to_viewer.0 <= self.to_viewer.1 && self.memory.0 <= self.memory.1
    }
}

/// Runs a session in which a viewer sends `viewer` and a host `host`, in turns of `piece` bytes. Public only for the
/// fuzz target.
pub fn measure(viewer: &[u8], host: &[u8], piece: usize) -> Measured {
    let mut dialogue = Dialogue::new(InputSettings::default(), false, HostKind::Vmware);
    dialogue.stop_holding_keys();
    let (mut measured, mut got) = (Measured::default(), Count::default());
    let (mut viewer_chunks, mut host_chunks) =
        (viewer.chunks(piece.max(1)), host.chunks(piece.max(1)));
    let mut waiting = Vec::new();
    loop {
        let (viewer_bytes, host_bytes) = (viewer_chunks.next(), host_chunks.next());
        if viewer_bytes.is_none() && host_bytes.is_none() {
            break;
        }
        waiting.extend_from_slice(viewer_bytes.unwrap_or_default());
        match dialogue.receive_from_viewer(&waiting, &mut BytesMut::new()) {
            Ok(length) => drop(waiting.drain(..length)),
            Err(_) => break,
        }
        let lost = dialogue.receive_from_host(host_bytes.unwrap_or_default(), &mut got);
        measured.note(&dialogue, host.len(), &mut got);
        if lost.is_err() {
            break;
        }
    }
    // The first requests the rest, the second ends the update without it.
    dialogue.stop_waiting(&mut got);
    dialogue.stop_waiting(&mut got);
    measured.note(&dialogue, host.len(), &mut got);
    measured
}

impl Measured {
    fn note(&mut self, dialogue: &Dialogue, sent: usize, got: &mut Count) {
        let Dialogue { host, shared, .. } = dialogue;
        got.take_own();
        let wider = match shared.host.converter.is_some() || host.converts() {
            true => WIDEST,
            false => 1,
        };
        let messages = 2 + host.updates();
        let to_viewer = sent * wider + messages * BESIDE_A_MESSAGE;
        self.to_viewer = (got.bytes, self.to_viewer.1.max(to_viewer));
        // The largest limit so far: the screen may have been larger before.
        let memory = shared.most_held() + BESIDE_AN_UPDATE;
        let takes = host.memory() + shared.memory();
        self.memory = (self.memory.0.max(takes), self.memory.1.max(memory));
    }
}

/// Counts what goes to the viewer.
#[derive(Default)]
struct Count {
    bytes: usize,
    own: Vec<u8>,
}

impl Count {
    fn take_own(&mut self) {
        self.bytes += self.own.len();
        self.own.clear();
    }
}

impl ToViewer for Count {
    fn pass(&mut self, range: Range<usize>) {
        self.take_own();
        self.bytes += range.len();
    }

    fn own(&mut self) -> &mut Vec<u8> {
        &mut self.own
    }
}
