//! A client with the records of rustls, and one with those of this crate.

use rustls::client::UnbufferedClientConnection;
use rustls::unbuffered::{ConnectionState, UnbufferedStatus};
use tls_kernel::Records;
use tls_records::{AFTER, BEFORE};

/// The result of a connection.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) data: Vec<u8>,
    pub(crate) sent: Vec<u8>,
    pub(crate) closed: bool,
    pub(crate) failed: bool,
}

impl Outcome {
    pub(super) const fn is_over(&self) -> bool {
        self.failed || self.closed
    }
}

/// A client that receives records.
pub(crate) trait Client {
    fn receive(&mut self, wire: &[u8]);
    fn send(&mut self, data: &[u8]);
    fn outcome(&mut self) -> &mut Outcome;
}

/// The record layer of rustls, which copies.
pub(crate) struct Theirs {
    connection: UnbufferedClientConnection,
    incoming: Vec<u8>,
    pub(super) outcome: Outcome,
}

impl Theirs {
    pub(crate) fn new(connection: UnbufferedClientConnection) -> Self {
        Self {
            connection,
            incoming: Vec::new(),
            outcome: Outcome::default(),
        }
    }

    /// Runs rustls until it needs more input or has failed. Sends `data` once that is possible.
    fn turn(&mut self, data: &[u8]) {
        let mut data = Some(data).filter(|data| !data.is_empty());
        loop {
            let UnbufferedStatus { discard, state, .. } =
                self.connection.process_tls_records(&mut self.incoming);
            let sent = &mut self.outcome.sent;
            let more = match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        self.outcome.data.extend_from_slice(record.unwrap().payload);
                    }
                    true
                }
                Ok(ConnectionState::EncodeTlsData(mut encode)) => {
                    with_space(sent, |space| encode.encode(space).unwrap());
                    true
                }
                Ok(ConnectionState::TransmitTlsData(transmit)) => {
                    transmit.done();
                    true
                }
                Ok(ConnectionState::WriteTraffic(mut traffic)) => match data.take() {
                    Some(data) => {
                        with_space(sent, |space| traffic.encrypt(data, space).unwrap());
                        true
                    }
                    None => false,
                },
                Ok(ConnectionState::PeerClosed) => {
                    self.outcome.closed = true;
                    true
                }
                Err(_) => {
                    self.outcome.failed = true;
                    true
                }
                Ok(_) => false,
            };
            self.incoming.drain(..discard);
            // Where it has nothing to send, a further call would return the error again.
            if !more || (self.outcome.failed && !self.connection.wants_write()) {
                return;
            }
        }
    }
}

fn with_space(sent: &mut Vec<u8>, write: impl FnOnce(&mut [u8]) -> usize) {
    let start = sent.len();
    sent.resize(start + 40_000, 0);
    let count = write(&mut sent[start..]);
    sent.truncate(start + count);
}

impl Client for Theirs {
    fn receive(&mut self, wire: &[u8]) {
        if !self.outcome.failed {
            self.incoming.extend_from_slice(wire);
            self.turn(&[]);
        }
    }

    fn send(&mut self, data: &[u8]) {
        self.turn(data);
    }

    fn outcome(&mut self) -> &mut Outcome {
        &mut self.outcome
    }
}

/// Our record layer, as the relay uses it: decrypted bytes are at the front of the buffer, encrypted ones after them.
pub(crate) struct Ours {
    pub(crate) records: Records,
    buffer: Vec<u8>,
    pub(super) outcome: Outcome,
}

impl Ours {
    pub(crate) fn new(records: Records) -> Self {
        Self {
            records,
            buffer: Vec::new(),
            outcome: Outcome::default(),
        }
    }
}

impl Client for Ours {
    fn receive(&mut self, wire: &[u8]) {
        self.buffer.extend_from_slice(wire);
        let Outcome {
            sent,
            closed,
            failed,
            data,
        } = &mut self.outcome;
        let (mut opened, mut sealed) = (0, 0);
        while !*closed && !*failed {
            let space = &mut self.buffer[opened..];
            match self.records.open(space, sealed - opened, sent) {
                Ok(None) => break,
                Ok(Some(record)) => {
                    *closed = record.closed;
                    sealed = opened + record.next;
                    opened += record.data;
                }
                Err(_) => *failed = true,
            }
        }
        data.extend_from_slice(&self.buffer[..opened]);
        self.buffer.drain(..sealed);
    }

    fn send(&mut self, data: &[u8]) {
        let mut buffer = vec![0xee; BEFORE + data.len() + AFTER];
        let plain = BEFORE..BEFORE + data.len();
        buffer[plain.clone()].copy_from_slice(data);
        let sent = &mut self.outcome.sent;
        let record = self.records.seal(&mut buffer, plain, sent).unwrap();
        sent.extend_from_slice(&buffer[record]);
    }

    fn outcome(&mut self) -> &mut Outcome {
        &mut self.outcome
    }
}
