//! Passes the same records to rustls and to our record layer, and compares the results.
//!
//! A script of arbitrary bytes determines what the peer sends, in which pieces it arrives, what is changed on
//! the way, and when the client sends. Everything must be the same: the data, the end, whether it is refused,
//! and every byte that is sent, but for the alerts that [`may_differ`] lists.

use std::sync::OnceLock;

use rustls::AlertDescription;

use super::clients::{Client, Ours, Theirs};
use super::forge::Peer;
use super::{Recording, SUITES};

/// Runs a script. Panics where the two differ.
pub(crate) fn run(script: &[u8]) {
    let mut script = Script(script);
    let suite = usize::from(script.byte()) % SUITES.len();
    let recording = recording(suite);
    let piece = [1 << 20, 1, 100, 5000][usize::from(script.byte()) % 4];
    let mut comparison = Comparison {
        theirs: Theirs::new(recording.theirs()),
        ours: Ours::new(recording.ours()),
        peer: recording.peer(),
        wire: Vec::new(),
        piece,
    };
    for _ in 0..100 {
        if script.0.is_empty()
            || comparison.theirs.outcome.is_over()
            || comparison.ours.outcome.is_over()
        {
            break;
        }
        comparison.act(&mut script);
    }
    comparison.end();
}

fn recording(suite: usize) -> &'static Recording {
    static RECORDINGS: [OnceLock<Recording>; SUITES.len()] =
        [const { OnceLock::new() }; SUITES.len()];
    RECORDINGS[suite].get_or_init(|| Recording::of(SUITES[suite]))
}

struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    fn number(&mut self) -> usize {
        usize::from(u16::from_be_bytes([self.byte(), self.byte()]))
    }

    fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        bytes
    }
}

struct Comparison {
    theirs: Theirs,
    ours: Ours,
    peer: Peer,
    /// Records that are not delivered yet.
    wire: Vec<Vec<u8>>,
    piece: usize,
}

impl Comparison {
    fn act(&mut self, script: &mut Script<'_>) {
        match script.byte() % 20 {
            0..=3 => {
                let data = pattern(script.number() % 16_385);
                self.wire.push(self.peer.data(&data));
            }
            4 => self.wire.push(self.peer.data(&[])),
            5 | 6 => self
                .wire
                .extend(self.peer.key_update(script.byte() % 2 == 1)),
            7 => {
                let kind = [20, 21, 22, 23, 24, 0, 99][usize::from(script.byte()) % 7];
                let count = script.number() % 20;
                let padding = script.number() % 300;
                self.content(kind, script.bytes(count), padding);
            }
            8 => {
                let alert = [script.byte() % 4, script.byte()];
                self.wire.push(self.peer.seal(21, &alert, 0));
            }
            9 => self.message(script),
            10 => {
                // Around the most that a record may hold.
                let content = pattern(16_370 + script.number() % 40);
                let padding = script.number() % 20;
                self.wire.push(self.peer.seal(23, &content, padding));
            }
            11 => self.change(script),
            12 => self.lose(script),
            13 => {
                let last = self.wire.len();
                if last > 1 {
                    self.wire.swap(last - 1, last - 2);
                }
            }
            14 => {
                if let Some(last) = self.wire.last().cloned() {
                    self.wire.push(last);
                }
            }
            15 => drop(self.wire.pop()),
            16 => self.peer.renew(),
            17 => self.deliver(),
            _ => {
                self.deliver();
                let length = 1 + script.number() % 16_384;
                self.send(length);
            }
        }
    }

    /// A handshake message in one record or two: a valid session ticket, or arbitrary bytes.
    fn message(&mut self, script: &mut Script<'_>) {
        const TICKET: &[u8] = &[
            4, 0, 0, 17, 0, 0, 1, 0, 0, 0, 0, 5, 2, 1, 1, 0, 2, 7, 7, 0, 0,
        ];
        let count = script.number() % 40;
        let message = match script.byte() % 3 {
            0 => TICKET.to_vec(),
            1 => [TICKET, script.bytes(count)].concat(),
            _ => script.bytes(count).to_vec(),
        };
        let (first, rest) = message.split_at(script.number() % (message.len() + 1));
        self.content(22, first, 0);
        if script.byte().is_multiple_of(4) {
            self.wire.push(self.peer.data(b"between"));
        }
        self.content(22, rest, 0);
    }

    fn content(&mut self, kind: u8, content: &[u8], padding: usize) {
        // rustls accepts an empty handshake record; `records.rs` tests that it is refused here.
        if (kind, content) != (22, &[]) {
            self.wire.push(self.peer.seal(kind, content, padding));
        }
    }

    /// Flips a bit of the last record.
    fn change(&mut self, script: &mut Script<'_>) {
        let (at, bit) = (script.number(), script.byte() % 8);
        let Some(record) = self.wire.last_mut() else {
            return;
        };
        // rustls does not check type and version in TLS 1.3 (`records.rs`), so these stay unchanged.
        let first = if self.peer.tls13 { 3 } else { 0 };
        let at = first + at % record.len().saturating_sub(first).max(1);
        if let Some(byte) = record.get_mut(at) {
            *byte ^= 1 << bit;
        }
    }

    /// Cuts bytes off the end of the last record.
    fn lose(&mut self, script: &mut Script<'_>) {
        let Some(record) = self.wire.last_mut() else {
            return;
        };
        let lost = 1 + script.number() % 100;
        record.truncate(record.len().saturating_sub(lost));
    }

    fn deliver(&mut self) {
        let wire = std::mem::take(&mut self.wire).concat();
        for piece in wire.chunks(self.piece) {
            self.receive(piece);
        }
    }

    fn receive(&mut self, piece: &[u8]) {
        self.theirs.receive(piece);
        self.ours.receive(piece);
    }

    fn send(&mut self, length: usize) {
        if self.theirs.outcome.is_over() || self.ours.outcome.is_over() {
            return;
        }
        let data = pattern(length);
        self.theirs.send(&data);
        self.ours.send(&data);
        assert!(
            self.theirs.outcome.sent == self.ours.outcome.sent,
            "what is sent"
        );
    }

    /// Completes an incomplete record with zeros, so that both refuse it, and compares the results.
    fn end(mut self) {
        self.deliver();
        self.send(10);
        self.receive(&[0; 40_000]);
        let (theirs, ours) = (&self.theirs.outcome, &self.ours.outcome);
        assert!(theirs.data == ours.data, "what is received");
        assert_eq!(theirs.closed, ours.closed, "the end");
        assert_eq!(theirs.failed, ours.failed, "what is refused");
        let (theirs, ours) = (
            self.peer.clone().open(&theirs.sent),
            self.peer.open(&ours.sent),
        );
        let (their_alert, theirs) = last_alert(theirs);
        let (our_alert, mut ours) = last_alert(ours);
        // rustls keeps the answer to a KeyUpdate until it has something else to send.
        if their_alert.is_none() && ours.len() == theirs.len() + 1 {
            assert_eq!(ours.pop(), Some((22, vec![24, 0, 0, 1, 0])));
        }
        assert_eq!(theirs, ours, "what was sent before an alert");
        assert!(
            their_alert == our_alert || may_differ(their_alert, our_alert),
            "rustls sends {their_alert:?}, and we {our_alert:?}"
        );
    }
}

type Sent = Vec<(u8, Vec<u8>)>;

fn last_alert(mut sent: Sent) -> (Option<AlertDescription>, Sent) {
    match sent.last().map(|(kind, content)| (kind, &content[..])) {
        Some((21, &[2, description])) => {
            sent.pop();
            (Some(description.into()), sent)
        }
        _ => (None, sent),
    }
}

/// Whether both alerts are known to differ: that of rustls, and the one that the RFCs require.
fn may_differ(theirs: Option<AlertDescription>, ours: Option<AlertDescription>) -> bool {
    use AlertDescription::{BadRecordMac, DecodeError, RecordOverflow, UnexpectedMessage};
    matches!(
        (theirs, ours),
        // rustls sends no alert for records that come too often, interrupt a message, or lack a type.
        (None, Some(UnexpectedMessage | DecodeError))
            // An unknown type, or one not allowed at this point, is unexpected (RFC 8446 section 5), whatever
            // its content.
            | (Some(DecodeError | BadRecordMac), Some(UnexpectedMessage))
            // The header announces too long a record (RFC 8446 section 5.2).
            | (Some(DecodeError | BadRecordMac), Some(RecordOverflow))
            // A version is authenticated, and a record too short to be authentic is not.
            | (Some(DecodeError), Some(BadRecordMac))
    )
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}
