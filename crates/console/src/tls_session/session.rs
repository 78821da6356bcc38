//! A TLS session over either record layer.
//!
//! The relay reads and writes a session from one task, so the mutex is never contended, and it is not held across a
//! poll of anything else.

use std::borrow::Cow;
use std::io;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ProtocolVersion};
use tokio::io::AsyncRead;

use super::in_place::InPlace;
use super::receive_buffer::ReceiveBuffer;
use super::record_layer::{LayerState, ReadEnd, invalid};
use super::unbuffered::Unbuffered;

/// A TLS client session, from ClientHello to close_notify.
pub struct TlsSession(Mutex<State>);

struct State {
    records: RecordLayer,
    /// Records to send before any others.
    outgoing: Vec<u8>,
    /// Set by a failure: from then on only the pending alert is sent, and nothing is read.
    failed: bool,
    /// The peer has sent close_notify; sending is still allowed.
    closed: bool,
}

/// The record layer in use.
enum RecordLayer {
    Rustls(Box<Unbuffered>),
    InPlace(InPlace),
}

impl TlsSession {
    /// A session with the server `name`, before its ClientHello.
    ///
    /// # Errors
    /// The configuration is not usable.
    pub fn new(config: ClientConfig, name: ServerName<'static>) -> io::Result<Self> {
        Ok(Self(Mutex::new(State {
            records: RecordLayer::Rustls(Box::new(Unbuffered::new(config, name)?)),
            outgoing: Vec::new(),
            failed: false,
            closed: false,
        })))
    }

    /// Continues the handshake with what was read and returns whether it is complete. Send [`outgoing`](Self::outgoing)
    /// afterwards in every case, also after a failure.
    ///
    /// # Errors
    /// The handshake failed, or the peer sent close_notify.
    pub fn handshake(&self, input: &mut ReceiveBuffer) -> io::Result<bool> {
        match self.state().open(input)? {
            LayerState::Blocked => Ok(false),
            LayerState::Ready(()) => Ok(true),
            LayerState::Closed => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// The peer's certificate and the TLS version; `None` before they are known, and with the in-place record layer.
    pub fn identity(&self) -> Option<(CertificateDer<'static>, ProtocolVersion)> {
        match &self.state().records {
            RecordLayer::Rustls(records) => records.identity(),
            RecordLayer::InPlace(_) => None,
        }
    }

    /// Switches to the in-place record layer, once the handshake is complete and everything was sent. Where rustls holds an
    /// incomplete record, its own record layer stays in use.
    ///
    /// # Errors
    /// The configuration does not allow secret extraction, or the cipher suite is not supported.
    pub fn in_place(self) -> io::Result<Self> {
        let mut state = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.records = match state.records {
            RecordLayer::Rustls(records) => match records.into_connection() {
                Ok(connection) => {
                    let (secrets, kernel) = connection
                        .dangerous_into_kernel_connection()
                        .map_err(invalid)?;
                    let records = tls_kernel::records(secrets, kernel).map_err(io::Error::other)?;
                    RecordLayer::InPlace(InPlace::new(records))
                }
                Err(records) => RecordLayer::Rustls(records),
            },
            in_place => in_place,
        };
        Ok(Self(Mutex::new(state)))
    }

    /// Takes the records that are to be sent.
    pub fn outgoing(&self) -> Vec<u8> {
        std::mem::take(&mut self.state().outgoing)
    }

    /// Reads encrypted bytes once and returns their number. Holds no buffer while there is nothing to read.
    pub fn poll_fill<R: AsyncRead + Unpin>(
        &self,
        stream: &mut R,
        context: &mut Context<'_>,
        input: &mut ReceiveBuffer,
    ) -> Poll<io::Result<usize>> {
        self.state().poll_fill(stream, context, input)
    }

    /// Reads once and adds the contents of all complete records, at most [`super::READ`] bytes, to `input`, also those that
    /// precede an end of the stream. Further calls return the same end.
    pub fn poll_read<R: AsyncRead + Unpin>(
        &self,
        stream: &mut R,
        context: &mut Context<'_>,
        input: &mut ReceiveBuffer,
    ) -> Poll<Result<(), ReadEnd>> {
        let mut state = self.state();
        if state.closed {
            return Poll::Ready(Err(ReadEnd::Closed));
        }
        if state.failed {
            return Poll::Ready(Err(ReadEnd::Failed(io::ErrorKind::InvalidData.into())));
        }
        match ready!(state.poll_fill(stream, context, input)) {
            Ok(0) => return Poll::Ready(Err(ReadEnd::Truncated)),
            Ok(_) => {}
            Err(error) => return Poll::Ready(Err(ReadEnd::Failed(error))),
        }
        Poll::Ready(match state.open(input) {
            Ok(LayerState::Closed) => Err(ReadEnd::Closed),
            Ok(_) => Ok(()),
            Err(error) => Err(ReadEnd::Failed(error)),
        })
    }

    /// `bytes` as records, behind pending records of TLS itself.
    ///
    /// # Errors
    /// The session has failed, or its keys have reached their limit.
    pub fn seal(&self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut state = self.state();
        let State {
            records, outgoing, ..
        } = state.usable()?;
        match records {
            RecordLayer::Rustls(records) => records.seal(bytes, outgoing)?,
            RecordLayer::InPlace(records) => records.seal(bytes, outgoing)?,
        }
        Ok(std::mem::take(outgoing))
    }

    /// The range `plain` of `buffer` as records, behind pending records of TLS itself; encrypted in place where the record
    /// layer can. The buffer needs [`tls_records::BEFORE`] bytes in front of the range and [`tls_records::AFTER`] behind it.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn seal_within<'a>(
        &self,
        buffer: &'a mut [u8],
        plain: Range<usize>,
    ) -> io::Result<Cow<'a, [u8]>> {
        if let State {
            records: RecordLayer::InPlace(records),
            outgoing,
            ..
        } = self.state().usable()?
        {
            return records.seal_within(buffer, plain, outgoing);
        }
        self.seal(buffer.get(plain).unwrap_or_default())
            .map(Cow::Owned)
    }

    /// The last records to send: the alert after a failure, else close_notify.
    pub fn closing_records(&self) -> Vec<u8> {
        let mut state = self.state();
        let mut closing = std::mem::take(&mut state.outgoing);
        if let Ok(State { records, .. }) = state.usable() {
            match records {
                // Without close_notify the connection is closed all the same.
                RecordLayer::Rustls(records) => drop(records.close(&mut closing)),
                RecordLayer::InPlace(records) => records.close(&mut closing),
            }
        }
        closing
    }

    /// Whether no buffer is held.
    pub fn holds_no_buffer(&self) -> bool {
        let state = self.state();
        let records = match &state.records {
            RecordLayer::Rustls(records) => records.holds_no_buffer(),
            RecordLayer::InPlace(_) => true,
        };
        records && state.outgoing.capacity() == 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The state, unless the session has failed.
    fn usable(&mut self) -> io::Result<&mut Self> {
        match self.failed {
            // The pending alert is for `closing_records`.
            true => Err(io::ErrorKind::BrokenPipe.into()),
            false => Ok(self),
        }
    }

    fn poll_fill<R: AsyncRead + Unpin>(
        &mut self,
        stream: &mut R,
        context: &mut Context<'_>,
        input: &mut ReceiveBuffer,
    ) -> Poll<io::Result<usize>> {
        match &mut self.records {
            RecordLayer::Rustls(records) => records.poll_fill(stream, context),
            RecordLayer::InPlace(_) => input.poll_fill(stream, context),
        }
    }

    fn open(&mut self, input: &mut ReceiveBuffer) -> io::Result<LayerState<()>> {
        let state = match &mut self.records {
            RecordLayer::Rustls(records) => records.open(input, &mut self.outgoing),
            RecordLayer::InPlace(records) => records.open(input, &mut self.outgoing),
        };
        match state {
            Err(_) => self.failed = true,
            Ok(LayerState::Closed) => self.closed = true,
            Ok(_) => {}
        }
        state
    }
}
