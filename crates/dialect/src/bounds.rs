//! The two limits that hold for every input: bytes to the viewer, and memory of a session.

use std::ops::Range;
use std::slice::Chunks;

use bytes::BytesMut;
use rfb_proto::PixelFormat;

use super::cannot_continue::CannotContinue;
use super::dialogue::Dialogue;
use super::host::{MOST_COMPLETED, MOST_KEPT};
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

/// The most bytes that end what a lost host has begun: a completed rectangle, and 65,535 of one pixel.
const COMPLETION: usize = WIDEST * MOST_COMPLETED + 65_535 * 16;

/// Runs a session in which a viewer sends `viewer` in turns with each host, in pieces of `piece` bytes. Each host but
/// the last is lost after its last byte, and each but the first continues without ServerInit. Public only for the fuzz
/// target.
pub fn measure(viewer: &[u8], hosts: &[&[u8]], piece: usize) -> Measured {
    let mut dialogue = Dialogue::new(InputSettings::default(), false, HostKind::Vmware);
    if hosts.len() > 1 {
        dialogue.hold_rectangles();
    }
    dialogue.stop_holding_keys();
    let mut session = Measuring {
        dialogue,
        viewer: viewer.chunks(piece.max(1)),
        waiting: Vec::new(),
        got: Count::default(),
        sent: 0,
        beside: 2 * BESIDE_A_MESSAGE,
        measured: Measured::default(),
    };
    for (number, host) in hosts.iter().enumerate() {
        let goes_on = (number == 0 || session.change_host().is_ok()) && session.relay(host, piece);
        if !goes_on {
            break;
        }
    }
    // The first requests the rest, the second ends the update without it.
    session.dialogue.stop_waiting(&mut session.got);
    session.dialogue.stop_waiting(&mut session.got);
    session.note();
    session.measured
}

/// A session that is measured.
struct Measuring<'a> {
    dialogue: Dialogue,
    viewer: Chunks<'a, u8>,
    /// What the viewer has sent and the dialogue has not consumed.
    waiting: Vec<u8>,
    got: Count,
    /// The number of bytes from all hosts, multiplied where their pixels are converted.
    sent: usize,
    /// The bytes that may be added for the hosts before the current one.
    beside: usize,
    measured: Measured,
}

impl Measuring<'_> {
    /// Relays what the host sends; returns whether all was relayed.
    fn relay(&mut self, host: &[u8], piece: usize) -> bool {
        let before = self.sent;
        let mut host_chunks = host.chunks(piece.max(1));
        loop {
            let (viewer_bytes, host_bytes) = (self.viewer.next(), host_chunks.next());
            if viewer_bytes.is_none() && host_bytes.is_none() {
                return true;
            }
            self.waiting
                .extend_from_slice(viewer_bytes.unwrap_or_default());
            let received = self
                .dialogue
                .receive_from_viewer(&self.waiting, &mut BytesMut::new());
            match received {
                Ok(length) => drop(self.waiting.drain(..length)),
                Err(_) => return false,
            }
            let host_bytes = host_bytes.unwrap_or_default();
            let relayed = self.dialogue.receive_from_host(host_bytes, &mut self.got);
            let Dialogue {
                host: state,
                shared,
                ..
            } = &self.dialogue;
            let converts = shared.host.converter.is_some() || state.converts();
            let sent = before + host.len() * if converts { WIDEST } else { 1 };
            self.sent = self.sent.max(sent);
            self.note();
            if relayed.is_err() {
                return false;
            }
        }
    }

    /// The host is lost, a banner is shown, and another host continues.
    fn change_host(&mut self) -> Result<(), CannotContinue> {
        let Self { dialogue, got, .. } = self;
        self.beside += dialogue.host.updates() * BESIDE_A_MESSAGE + COMPLETION;
        dialogue.host_lost(got)?;
        let banner = dialogue.banner("lost").unwrap_or_default();
        got.own().extend_from_slice(&banner);
        self.beside += banner.len();
        let size = dialogue.shared.host.size;
        dialogue.host_back(size, PixelFormat::VMWARE)?;
        self.note();
        Ok(())
    }

    fn note(&mut self) {
        let Dialogue { host, shared, .. } = &self.dialogue;
        self.got.take_own();
        let to_viewer = self.sent + self.beside + host.updates() * BESIDE_A_MESSAGE;
        let measured = &mut self.measured;
        measured.to_viewer = (self.got.bytes, measured.to_viewer.1.max(to_viewer));
        // The largest limit so far: the screen may have been larger before.
        let kept = match shared.viewer.encodings.streams() {
            Some(_) => MOST_KEPT,
            None => 0,
        };
        let memory = shared.most_held() + kept + BESIDE_AN_UPDATE;
        let takes = host.memory() + shared.memory();
        measured.memory = (measured.memory.0.max(takes), measured.memory.1.max(memory));
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
