//! One TLS connection to an ESXi host: records in, bytes out, and back.
//!
//! The handshake is rustls' own. Behind it the records are rustls' too, see `unbuffered`, or, where that was
//! asked for, opened and sealed where they lie, see `in_place`. Both directions of a relay use a connection at once,
//! from one task: the lock is never waited for, and never held while something else is.

mod in_place;
mod input;
mod unbuffered;

use std::borrow::Cow;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ProtocolVersion};
use tls_records::Records;
use tokio::io::{AsyncRead, ReadBuf};

use in_place::InPlace;
pub use input::Input;
pub use tls_records::{AFTER, BEFORE};
use unbuffered::Unbuffered;

/// The most that is read, and decrypted, at a time: some fifteen full records. Beyond it nothing is gained, and
/// a session that has that much to do holds up the others.
pub const READ: usize = 256 * 1024;

/// What is no longer read from.
#[derive(Debug)]
pub enum Over {
    /// ESXi has ended TLS in order.
    Closed,
    /// ESXi has ended TCP without ending TLS.
    CutOff,
    /// TCP or TLS broke. ESXi is told by [`TlsSession::last_words`] where TLS has words for it.
    Broke(io::Error),
}

/// A connection, from ClientHello to close_notify.
pub struct TlsSession(Mutex<State>);

struct State {
    records: Layer,
    /// What is to be sent before anything else.
    outgoing: Vec<u8>,
    /// After a failure nothing but an alert may be sent, and nothing is read.
    failed: bool,
    /// ESXi has ended TLS. We may still send.
    closed: bool,
}

/// Who opens and makes the records.
enum Layer {
    Rustls(Box<Unbuffered>),
    InPlace(InPlace),
}

/// How far the records have come.
enum Standing<T> {
    /// The handshake needs more from the other side.
    Blocked,
    /// There is no more to be read, ever.
    Closed,
    /// What there is has been read; and the answer of who had something to send.
    Ready(T),
}

impl TlsSession {
    /// A session with the server of that name, which has sent nothing yet.
    ///
    /// # Errors
    /// The configuration does not allow one.
    pub fn new(config: ClientConfig, name: ServerName<'static>) -> io::Result<Self> {
        Ok(Self(Mutex::new(State {
            records: Layer::Rustls(Box::new(Unbuffered::new(config, name)?)),
            outgoing: Vec::new(),
            failed: false,
            closed: false,
        })))
    }

    /// As far as the handshake goes with what was read: whether it is over. There may be
    /// [something to send](Self::outgoing) either way, and also after a failure.
    pub fn shake_hands(&self, input: &mut Input) -> io::Result<bool> {
        match self.state().open(input)? {
            Standing::Blocked => Ok(false),
            Standing::Ready(()) => Ok(true),
            Standing::Closed => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// The certificate that the other side has shown, and the version of TLS that is spoken. It is known while the
    /// records are rustls'.
    pub fn identity(&self) -> Option<(CertificateDer<'static>, ProtocolVersion)> {
        match &self.state().records {
            Layer::Rustls(records) => records.identity(),
            Layer::InPlace(_) => None,
        }
    }

    /// Takes the records over from rustls, once the handshake is over and all was sent. Where a record is half
    /// read they stay with rustls.
    ///
    /// # Errors
    /// The keys were not to be handed out.
    pub fn in_place(self) -> io::Result<Self> {
        let mut state = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.records = match state.records {
            Layer::Rustls(records) => match records.into_connection() {
                Ok(connection) => {
                    let (secrets, kernel) = connection
                        .dangerous_into_kernel_connection()
                        .map_err(invalid)?;
                    let records = Records::new(secrets, kernel).map_err(io::Error::other)?;
                    Layer::InPlace(InPlace::new(records))
                }
                Err(records) => Layer::Rustls(records),
            },
            in_place => in_place,
        };
        Ok(Self(Mutex::new(state)))
    }

    /// What is to be sent now.
    pub fn outgoing(&self) -> Vec<u8> {
        std::mem::take(&mut self.state().outgoing)
    }

    /// Reads once, holding no buffer while there is nothing to read. Ready with the number of bytes.
    pub fn poll_fill<R: AsyncRead + Unpin>(
        &self,
        stream: &mut R,
        context: &mut Context<'_>,
        input: &mut Input,
    ) -> Poll<io::Result<usize>> {
        self.state().poll_fill(stream, context, input)
    }

    /// Reads once and adds what is in all whole records to `input`, at most [`READ`] bytes. Nothing is lost where
    /// it ends: what came before the end is in `input`. An end is told again to who asks again.
    pub fn poll_read<R: AsyncRead + Unpin>(
        &self,
        stream: &mut R,
        context: &mut Context<'_>,
        input: &mut Input,
    ) -> Poll<Result<(), Over>> {
        let mut state = self.state();
        if state.closed {
            return Poll::Ready(Err(Over::Closed));
        }
        if state.failed {
            return Poll::Ready(Err(Over::Broke(io::ErrorKind::InvalidData.into())));
        }
        match ready!(state.poll_fill(stream, context, input)) {
            Ok(0) => return Poll::Ready(Err(Over::CutOff)),
            Ok(_) => {}
            Err(error) => return Poll::Ready(Err(Over::Broke(error))),
        }
        Poll::Ready(match state.open(input) {
            Ok(Standing::Closed) => Err(Over::Closed),
            Ok(_) => Ok(()),
            Err(error) => Err(Over::Broke(error)),
        })
    }

    /// `bytes` as records, behind what TLS itself has to send.
    ///
    /// # Errors
    /// The connection has failed, or has used up its keys.
    pub fn seal(&self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut state = self.state();
        let State {
            records, outgoing, ..
        } = state.sound()?;
        match records {
            Layer::Rustls(records) => records.seal(bytes, outgoing)?,
            Layer::InPlace(records) => records.seal(bytes, outgoing)?,
        }
        Ok(std::mem::take(outgoing))
    }

    /// `plain` of `buffer` as records, behind what TLS itself has to send; where it lies, if that can be done. The
    /// buffer has [`tls_records::BEFORE`] bytes to spare in front of it and [`tls_records::AFTER`] behind it.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn seal_within<'a>(
        &self,
        buffer: &'a mut [u8],
        plain: Range<usize>,
    ) -> io::Result<Cow<'a, [u8]>> {
        if let State {
            records: Layer::InPlace(records),
            outgoing,
            ..
        } = self.state().sound()?
        {
            return records.seal_within(buffer, plain, outgoing);
        }
        self.seal(buffer.get(plain).unwrap_or_default())
            .map(Cow::Owned)
    }

    /// What TLS has to say at the end: the alert where it failed, close_notify where it did not.
    pub fn last_words(&self) -> Vec<u8> {
        let mut state = self.state();
        let mut words = std::mem::take(&mut state.outgoing);
        if let Ok(State { records, .. }) = state.sound() {
            match records {
                // Ignored on purpose: a connection that cannot even say this ends without.
                Layer::Rustls(records) => drop(records.close(&mut words)),
                Layer::InPlace(records) => records.close(&mut words),
            }
        }
        words
    }

    /// Whether it has no buffer.
    pub fn holds_nothing(&self) -> bool {
        let state = self.state();
        let records = match &state.records {
            Layer::Rustls(records) => records.holds_nothing(),
            Layer::InPlace(_) => true,
        };
        records && state.outgoing.capacity() == 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// As long as there was no failure.
    fn sound(&mut self) -> io::Result<&mut Self> {
        match self.failed {
            // What is left to be sent is for the end.
            true => Err(io::ErrorKind::BrokenPipe.into()),
            false => Ok(self),
        }
    }

    fn poll_fill<R: AsyncRead + Unpin>(
        &mut self,
        stream: &mut R,
        context: &mut Context<'_>,
        input: &mut Input,
    ) -> Poll<io::Result<usize>> {
        match &mut self.records {
            Layer::Rustls(records) => records.poll_fill(stream, context),
            Layer::InPlace(_) => input.poll_fill(stream, context),
        }
    }

    fn open(&mut self, input: &mut Input) -> io::Result<Standing<()>> {
        let standing = match &mut self.records {
            Layer::Rustls(records) => records.open(input, &mut self.outgoing),
            Layer::InPlace(records) => records.open(input, &mut self.outgoing),
        };
        match standing {
            Err(_) => self.failed = true,
            Ok(Standing::Closed) => self.closed = true,
            Ok(_) => {}
        }
        standing
    }
}

/// Reads once into `room`.
fn fill<R: AsyncRead + Unpin>(
    stream: &mut R,
    context: &mut Context<'_>,
    room: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut room = ReadBuf::new(room);
    if room.remaining() == 0 {
        return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
    }
    let polled = Pin::new(stream).poll_read(context, &mut room);
    polled.map_ok(|()| room.filled().len())
}

fn invalid(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
