//! A TLS record layer that encrypts and decrypts in place.
//!
//! A TLS library does the handshake; then this crate is the client's record layer, with its traffic keys: TLS 1.2
//! (RFC 5246, with RFC 5288 and RFC 7905) and TLS 1.3 (RFC 8446). The ciphers, the keys that follow and the store of
//! session tickets are the caller's: [`Aead`] and [`KeySchedule`]. No I/O, no randomness, no clock. No input makes it
//! panic, and nothing is allocated for application data.
//!
//! `docs/in-place-records.md` explains why this is safe, and what it is tested against.

mod alert;
mod alert_description;
mod allowance;
#[cfg(test)]
mod error_texts;
mod handshake;
mod header;
mod key;
mod keys;
mod opening;
mod refused;
mod sealing;
mod version;

use std::ops::Range;

use alert::AlertKind;
use allowance::Allowance;
use handshake::{Handshake, Message};
pub use header::{AFTER, BEFORE, MAX_PLAIN};
use header::{Header, Kind};
pub use keys::{Aead, KeySchedule, NONCE, TAG, TrafficKey};
use opening::Opening;
pub use refused::Refused;
use sealing::Sealing;
pub use version::Version;

/// The client's record layer of one connection, after the handshake.
pub struct Records<S: KeySchedule> {
    opening: Opening<S::Aead>,
    sealing: Sealing<S::Aead>,
    schedule: S,
    version: Version,
    handshake: Handshake,
    allowance: Allowance,
    /// Our KeyUpdate is pending: it answers every request until application data follows it (RFC 8446 section 4.6.3).
    key_update_pending: bool,
    failed: bool,
    closed: bool,
}

/// The result of decrypting a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// The length of the application data, which is at the start of the buffer.
    pub data: usize,
    /// The offset of the next record in the buffer.
    pub next: usize,
    /// The peer has sent close_notify: bytes behind it must not be decrypted.
    pub closed: bool,
}

impl<S: KeySchedule> Records<S> {
    /// Continues a connection after its handshake with the traffic keys of both directions. `limit` is the most records
    /// that may be encrypted with a key (RFC 8446 section 5.5).
    pub fn new(
        version: Version,
        receive: TrafficKey<S::Aead>,
        send: TrafficKey<S::Aead>,
        limit: u64,
        schedule: S,
    ) -> Self {
        Self {
            opening: Opening::new(version, receive),
            sealing: Sealing::new(version, send, limit),
            schedule,
            version,
            handshake: Handshake::default(),
            allowance: Allowance::default(),
            key_update_pending: false,
            failed: false,
            closed: false,
        }
    }

    /// Decrypts the record at offset `at` of `buffer`; `None` while it is incomplete. Decryption moves its application data
    /// to the start of the buffer; the record's other bytes are undefined afterwards.
    ///
    /// Records that must be sent first are added to `answers`: a requested KeyUpdate, or the alert for an error. Their size
    /// is bounded, even if nothing is sealed in between.
    ///
    /// # Errors
    /// The record is not valid. Afterwards nothing more is decrypted or encrypted.
    pub fn open(
        &mut self,
        buffer: &mut [u8],
        at: usize,
        answers: &mut Vec<u8>,
    ) -> Result<Option<Opened>, Refused> {
        if self.failed {
            return Err(Refused::Failed);
        }
        let opened = self.try_open(buffer, at, answers);
        if let Err(refused) = &opened {
            self.failed = true;
            if let Some(alert) = refused.alert() {
                self.sealing.add(Kind::Alert, &alert::fatal(alert), answers);
            }
        }
        opened
    }

    fn try_open(
        &mut self,
        buffer: &mut [u8],
        at: usize,
        answers: &mut Vec<u8>,
    ) -> Result<Option<Opened>, Refused> {
        let Some(header) = Header::parse(self.version, buffer.get(at..).unwrap_or_default())?
        else {
            return Ok(None);
        };
        let next = at + header::SIZE + header.len();
        let Some(buffer) = buffer.get_mut(..next) else {
            return Ok(None);
        };
        let (kind, content) = self.opening.open(&header, buffer, at + header::SIZE)?;
        if kind != Kind::Handshake && self.handshake.is_pending() {
            return Err(Refused::Unexpected("a record within a handshake message"));
        }
        self.allowance.record(content.len())?;
        let mut data = 0;
        match kind {
            Kind::ApplicationData => {
                self.allowance.reset_key_updates();
                data = content.len();
            }
            Kind::Alert => self.read_alert(content)?,
            Kind::Handshake => self.read_handshake(content, answers)?,
            Kind::ChangeCipherSpec => return Err(Refused::Unexpected("a ChangeCipherSpec")),
        }
        let closed = self.closed;
        Ok(Some(Opened { data, next, closed }))
    }

    fn read_alert(&mut self, content: &[u8]) -> Result<(), Refused> {
        match alert::read(self.version, content)? {
            AlertKind::CloseNotify => self.closed = true,
            AlertKind::Warning => self.allowance.warning()?,
        }
        Ok(())
    }

    fn read_handshake(&mut self, content: &[u8], answers: &mut Vec<u8>) -> Result<(), Refused> {
        let Self {
            handshake,
            version,
            allowance,
            ..
        } = self;
        let mut key_update = None;
        let schedule = &mut self.schedule;
        handshake.read(*version, content, |message| {
            match message {
                Message::Ticket(ticket) => schedule.session_ticket(ticket)?,
                Message::KeyUpdate { requested } => {
                    allowance.key_update()?;
                    key_update = Some(requested);
                }
                Message::HelloRequest => {
                    allowance.renegotiation()?;
                    self.sealing
                        .add(Kind::Alert, &alert::NO_RENEGOTIATION, answers);
                }
            }
            Ok(())
        })?;
        let Some(requested) = key_update else {
            return Ok(());
        };
        if requested && !self.key_update_pending {
            self.update_keys(handshake::KEY_UPDATE, answers)?;
            self.key_update_pending = true;
        }
        self.opening = Opening::new(self.version, self.schedule.next_receive_key()?);
        Ok(())
    }

    /// Adds a KeyUpdate to `answers`, and encrypts with the next keys from then on.
    fn update_keys(&mut self, message: [u8; 5], answers: &mut Vec<u8>) -> Result<(), Refused> {
        self.sealing.add(Kind::Handshake, &message, answers);
        let key = self.schedule.next_send_key()?;
        self.sealing = Sealing::new(self.version, key, self.sealing.limit());
        Ok(())
    }

    /// Encrypts the range `plain` of `buffer` in place as one record, and returns the record's range. `plain` is at most
    /// [`MAX_PLAIN`] long and has [`BEFORE`] bytes in front of it and [`AFTER`] behind.
    ///
    /// Where the keys have reached their limit, a KeyUpdate, to be sent first, is added to `answers`.
    ///
    /// # Errors
    /// [`Refused::NoSpace`] where the space is too small, in which case nothing is changed; [`Refused::Exhausted`] where the keys
    /// have reached their limit and cannot be updated (TLS 1.2); [`Refused::Failed`] after a failure.
    pub fn seal(
        &mut self,
        buffer: &mut [u8],
        plain: Range<usize>,
        answers: &mut Vec<u8>,
    ) -> Result<Range<usize>, Refused> {
        if self.failed {
            return Err(Refused::Failed);
        }
        if plain.len() > MAX_PLAIN
            || plain.start < BEFORE
            || buffer.len().saturating_sub(plain.end) < AFTER
        {
            return Err(Refused::NoSpace);
        }
        self.key_update_pending = false;
        match (self.sealing.is_exhausted(self.version), self.version) {
            (false, _) => {}
            (true, Version::Tls13) => self.update_keys(handshake::KEY_UPDATE_REQUESTED, answers)?,
            (true, Version::Tls12) => return Err(Refused::Exhausted),
        }
        self.sealing.seal(Kind::ApplicationData, buffer, plain)
    }

    /// Adds close_notify, the last record, to `records`; nothing after a failure.
    pub fn close(&mut self, records: &mut Vec<u8>) {
        if !self.failed {
            self.sealing.add(Kind::Alert, &alert::CLOSE_NOTIFY, records);
        }
    }
}
