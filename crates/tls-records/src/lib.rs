//! TLS records, opened and sealed where they lie.
//!
//! rustls does the handshake and hands its keys over ([`rustls::kernel`]); from there on this is the client's
//! record layer: TLS 1.2 (RFC 5246, with RFC 5288 and RFC 7905) and TLS 1.3 (RFC 8446), AES-128-GCM,
//! AES-256-GCM and ChaCha20-Poly1305. New keys are derived by rustls, which also gets the session tickets. No
//! I/O, no randomness, no clock but the one rustls reads when it keeps a ticket. No input makes it panic, and nothing is allocated for application data.
//!
//! Why that is safe, and what it is compared with: `docs/in-place-records.md`.

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
compile_error!("there is no crypto provider: choose the feature \"ring\" or \"aws-lc-rs\"");

#[cfg(all(feature = "ring", feature = "aws-lc-rs"))]
compile_error!("there are two crypto providers: choose one");

mod alert;
mod allowance;
mod handshake;
mod header;
mod key;
mod opening;
mod refused;
mod sealing;

use std::ops::Range;

use rustls::client::ClientConnectionData;
use rustls::kernel::KernelConnection;
use rustls::{ExtractedSecrets, ProtocolVersion, SupportedCipherSuite};

use alert::Said;
use allowance::Allowance;
use handshake::{Handshake, Message};
use header::{Header, Kind};
use key::Version;
use opening::Opening;
pub use refused::Refused;
use sealing::Sealing;

/// How many bytes [`Records::seal`] needs in front of what it seals: the header (RFC 8446 section 5.2), and 8 of
/// nonce (RFC 5288 section 3).
pub const BEFORE: usize = header::SIZE + key::EXPLICIT_NONCE;

/// How many it needs behind: the content type (RFC 8446 section 5.2) and the tag.
pub const AFTER: usize = 1 + key::TAG;

/// The most that one record holds (RFC 8446 section 5.1).
pub const MAX_PLAIN: usize = 1 << 14;

/// The client's end of a connection, the handshake behind it.
pub struct Records {
    opening: Opening,
    sealing: Sealing,
    kernel: KernelConnection<ClientConnectionData>,
    version: Version,
    handshake: Handshake,
    allowance: Allowance,
    /// A KeyUpdate of ours waits to be sent: that answers all that come until then (RFC 8446 section 4.6.3).
    answered: bool,
    failed: bool,
    closed: bool,
}

/// What was in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// So many bytes of application data are at the start of the buffer now.
    pub data: usize,
    /// Where in the buffer the next record begins.
    pub next: usize,
    /// The peer has said that it sends no more: what comes behind is not to be opened.
    pub closed: bool,
}

impl Records {
    /// Takes over from rustls.
    ///
    /// # Errors
    /// [`Refused::Unsupported`]: a version, a cipher or a key that this does not know.
    pub fn new(
        secrets: ExtractedSecrets,
        kernel: KernelConnection<ClientConnectionData>,
    ) -> Result<Self, Refused> {
        let (version, limit) = match (kernel.protocol_version(), kernel.negotiated_cipher_suite()) {
            (ProtocolVersion::TLSv1_2, SupportedCipherSuite::Tls12(suite)) => {
                (Version::Tls12, suite.common.confidentiality_limit)
            }
            (ProtocolVersion::TLSv1_3, SupportedCipherSuite::Tls13(suite)) => {
                (Version::Tls13, suite.common.confidentiality_limit)
            }
            _ => return Err(Refused::Unsupported),
        };
        let ((received, opening), (sent, sealing)) = (secrets.rx, secrets.tx);
        Ok(Self {
            opening: Opening::new(version, &opening, received)?,
            sealing: Sealing::new(version, &sealing, sent, limit)?,
            kernel,
            version,
            handshake: Handshake::default(),
            allowance: Allowance::default(),
            answered: false,
            failed: false,
            closed: false,
        })
    }

    /// Opens the record that begins at `at` of `buffer`, once it is whole; `None` before that. Its application data is
    /// moved to the start of the buffer by being decrypted. The rest of the record is spent.
    ///
    /// What has to be sent, before anything else, is added to `answers`: a KeyUpdate that was asked for, or
    /// the alert that goes with an error. It is never much, however long nothing is sealed.
    ///
    /// # Errors
    /// What is wrong with it. Nothing more is opened or sealed from then on.
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
                self.allowance.data();
                data = content.len();
            }
            Kind::Alert => self.hear(content)?,
            Kind::Handshake => self.shake_hands(content, answers)?,
            Kind::ChangeCipherSpec => return Err(Refused::Unexpected("a ChangeCipherSpec")),
        }
        let closed = self.closed;
        Ok(Some(Opened { data, next, closed }))
    }

    fn hear(&mut self, content: &[u8]) -> Result<(), Refused> {
        match alert::read(self.version, content)? {
            Said::Closed => self.closed = true,
            Said::Warned => self.allowance.warning()?,
        }
        Ok(())
    }

    fn shake_hands(&mut self, content: &[u8], answers: &mut Vec<u8>) -> Result<(), Refused> {
        let Self {
            handshake,
            version,
            allowance,
            ..
        } = self;
        let mut asked = None;
        let kernel = &mut self.kernel;
        handshake.read(*version, content, |message| {
            match message {
                Message::Ticket(ticket) => kernel.handle_new_session_ticket(ticket)?,
                Message::KeyUpdate { asks } => {
                    allowance.key_update()?;
                    asked = Some(asks);
                }
                Message::HelloRequest => {
                    allowance.renegotiation()?;
                    self.sealing
                        .add(Kind::Alert, &alert::NO_RENEGOTIATION, answers);
                }
            }
            Ok(())
        })?;
        let Some(asks) = asked else { return Ok(()) };
        if asks && !self.answered {
            self.renew(handshake::KEY_UPDATE, answers)?;
            self.answered = true;
        }
        let (received, secrets) = self.kernel.update_rx_secret()?;
        self.opening = Opening::new(self.version, &secrets, received)?;
        Ok(())
    }

    /// Says so, and seals with new keys from then on.
    fn renew(&mut self, message: [u8; 5], answers: &mut Vec<u8>) -> Result<(), Refused> {
        self.sealing.add(Kind::Handshake, &message, answers);
        let (sent, secrets) = self.kernel.update_tx_secret()?;
        self.sealing = Sealing::new(self.version, &secrets, sent, self.sealing.limit())?;
        Ok(())
    }

    /// Seals `plain` of `buffer` as one record, and says where that lies: around it. `plain` is at most [`MAX_PLAIN`]
    /// long and has [`BEFORE`] bytes in front of it and [`AFTER`] behind.
    ///
    /// What has to be sent before the record is added to `answers`: where keys are used up, a KeyUpdate.
    ///
    /// # Errors
    /// [`Refused::Room`] where there is not that much room, and nothing is changed; [`Refused::Exhausted`] where keys
    /// are used up and cannot be renewed (TLS 1.2); [`Refused::Failed`] after a failure.
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
            return Err(Refused::Room);
        }
        self.answered = false;
        match (self.sealing.is_spent(self.version), self.version) {
            (false, _) => {}
            (true, Version::Tls13) => self.renew(handshake::KEY_UPDATE_BOTH, answers)?,
            (true, Version::Tls12) => return Err(Refused::Exhausted),
        }
        self.sealing.seal(Kind::ApplicationData, buffer, plain)
    }

    /// Adds close_notify to `words`: the last that is sent. After a failure there is none.
    pub fn close(&mut self, words: &mut Vec<u8>) {
        if !self.failed {
            self.sealing.add(Kind::Alert, &alert::CLOSE_NOTIFY, words);
        }
    }
}
