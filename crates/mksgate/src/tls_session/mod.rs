//! One TLS connection to an ESXi host, as rustls leaves it to be driven: records in, bytes out, and back.
//!
//! Handshake, key updates, alerts and close_notify are rustls' own (its unbuffered interface). What is owned
//! here is the one buffer in which records arrive and are decrypted, many at a time, and only while there is
//! something in it. Both directions of a relay use a connection at once, from one task: the lock is never
//! waited for, and never held while something else is.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::thread::LocalKey;

use rustls::ClientConfig;
use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::pki_types::ServerName;
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, InsufficientSizeError,
    UnbufferedStatus, WriteTraffic,
};
use tokio::io::{AsyncRead, ReadBuf};

use crate::blocks::{Lent, Spare};

/// The most that is read, and decrypted, at a time: some fifteen full records. Beyond it nothing is gained, and
/// a session that has that much to do holds up the others.
pub(crate) const READ: usize = 256 * 1024;

/// By how much a record is longer than what is in it (RFC 8446 section 5.2: header, content type, tag; RFC 5288
/// section 3: 8 bytes of nonce). Where rustls asks for more it gets more.
const OVERHEAD: usize = 40;

/// What is no longer read from.
#[derive(Debug)]
pub(crate) enum Over {
    /// ESXi has ended TLS in order.
    Closed,
    /// ESXi has ended TCP without ending TLS.
    CutOff,
    /// TCP or TLS broke. ESXi is told by [`TlsSession::last_words`] where TLS has words for it.
    Broke(io::Error),
}

/// A connection, from ClientHello to close_notify.
pub(crate) struct TlsSession(Mutex<State>);

struct State {
    connection: UnbufferedClientConnection,
    incoming: Option<Lent<Records>>,
    /// How much of `incoming` there is.
    filled: usize,
    /// What is to be sent before anything else.
    outgoing: Vec<u8>,
    /// After a failure nothing but an alert may be sent, and nothing is read.
    failed: bool,
    /// ESXi has ended TLS. We may still send.
    closed: bool,
}

/// How far rustls came.
enum Standing<T> {
    /// The handshake needs more from the other side.
    Blocked,
    /// There is no more to be read, ever.
    Closed,
    /// What there is has been read; and the answer of who had something to send.
    Ready(T),
}

impl TlsSession {
    pub(crate) fn new(config: ClientConfig, name: ServerName<'static>) -> io::Result<Self> {
        let connection =
            UnbufferedClientConnection::new(Arc::new(config), name).map_err(invalid)?;
        Ok(Self(Mutex::new(State {
            connection,
            incoming: None,
            filled: 0,
            outgoing: Vec::new(),
            failed: false,
            closed: false,
        })))
    }

    /// As far as the handshake goes with what was read: whether it is over. There may be
    /// [something to send](Self::outgoing) either way, and also after a failure.
    pub(crate) fn shake_hands(&self, take: &mut dyn FnMut(&[u8])) -> io::Result<bool> {
        match self.state().turn(take, |_| ())? {
            Standing::Blocked => Ok(false),
            Standing::Ready(()) => Ok(true),
            Standing::Closed => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// What is to be sent now.
    pub(crate) fn outgoing(&self) -> Vec<u8> {
        std::mem::take(&mut self.state().outgoing)
    }

    /// Reads once, holding no buffer while there is nothing to read. Ready with the number of bytes.
    pub(crate) fn poll_fill<R: AsyncRead + Unpin>(
        &self,
        stream: &mut R,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.state().poll_fill(stream, context)
    }

    /// Reads once and gives all whole records in it to `take`, at most [`READ`] bytes. Nothing is lost where
    /// it ends: what came before the end has been given to `take`. An end is told again to who asks again.
    pub(crate) fn poll_read<R: AsyncRead + Unpin>(
        &self,
        stream: &mut R,
        context: &mut Context<'_>,
        take: &mut dyn FnMut(&[u8]),
    ) -> Poll<Result<(), Over>> {
        let mut state = self.state();
        if state.closed {
            return Poll::Ready(Err(Over::Closed));
        }
        if state.failed {
            return Poll::Ready(Err(Over::Broke(io::ErrorKind::InvalidData.into())));
        }
        match ready!(state.poll_fill(stream, context)) {
            Ok(0) => return Poll::Ready(Err(Over::CutOff)),
            Ok(_) => {}
            Err(error) => return Poll::Ready(Err(Over::Broke(error))),
        }
        Poll::Ready(match state.turn(take, |_| ()) {
            Ok(Standing::Closed) => Err(Over::Closed),
            Ok(_) => Ok(()),
            Err(error) => Err(Over::Broke(error)),
        })
    }

    /// `bytes` as records, behind what rustls itself has to send.
    ///
    /// # Errors
    /// The connection has failed, or has used up its keys.
    pub(crate) fn seal(&self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut state = self.state();
        if state.failed {
            // What is left to be sent is for the end.
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let mut sealed = std::mem::take(&mut state.outgoing);
        state.send(|mut traffic| {
            append(&mut sealed, bytes.len() + OVERHEAD, |room| {
                traffic.encrypt(bytes, room)
            })
        })?;
        Ok(sealed)
    }

    /// What TLS has to say at the end: the alert where it failed, close_notify where it did not.
    pub(crate) fn last_words(&self) -> Vec<u8> {
        let mut state = self.state();
        let mut words = std::mem::take(&mut state.outgoing);
        if state.failed {
            return words;
        }
        // Ignored on purpose: a connection that cannot even say this ends without.
        let _ = state.send(|mut traffic| {
            append(&mut words, OVERHEAD, |room| {
                traffic.queue_close_notify(room)
            })
        });
        words
    }

    /// Whether it has no buffer.
    #[cfg(test)]
    pub(crate) fn holds_nothing(&self) -> bool {
        let state = self.state();
        state.incoming.is_none() && state.outgoing.capacity() == 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn poll_fill<R: AsyncRead + Unpin>(
        &mut self,
        stream: &mut R,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let incoming = self.incoming.get_or_insert_with(Lent::take);
        let mut room = ReadBuf::new(incoming.0.get_mut(self.filled..).unwrap_or_default());
        if room.remaining() == 0 {
            // Only a handshake message in countless fragments comes here.
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        let polled = Pin::new(stream).poll_read(context, &mut room);
        let count = room.filled().len();
        self.filled += count;
        if self.filled == 0 {
            self.incoming = None;
        }
        polled.map_ok(|()| count)
    }

    fn send(
        &mut self,
        send: impl FnOnce(WriteTraffic<'_, ClientConnectionData>) -> Result<(), EncryptError>,
    ) -> io::Result<()> {
        // Whoever reads has given all whole records away: none can turn up here.
        let mut unread = 0;
        let standing = self.turn(&mut |bytes| unread += bytes.len(), send)?;
        debug_assert_eq!(unread, 0);
        match standing {
            Standing::Ready(sent) => sent.map_err(io::Error::other),
            Standing::Blocked | Standing::Closed => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Lets rustls work through what was read, until it is ready to send.
    fn turn<T>(
        &mut self,
        take: &mut dyn FnMut(&[u8]),
        send: impl FnOnce(WriteTraffic<'_, ClientConnectionData>) -> T,
    ) -> io::Result<Standing<T>> {
        let mut done = 0;
        let standing = self.work(&mut done, take, send);
        match standing {
            Err(_) => self.fail(done),
            Ok(Standing::Closed) => self.closed = true,
            Ok(_) => {}
        }
        self.discard(done);
        standing.map_err(invalid)
    }

    fn work<T>(
        &mut self,
        done: &mut usize,
        take: &mut dyn FnMut(&[u8]),
        send: impl FnOnce(WriteTraffic<'_, ClientConnectionData>) -> T,
    ) -> Result<Standing<T>, rustls::Error> {
        let mut closed = false;
        loop {
            let records = records(&mut self.incoming, *done, self.filled);
            let UnbufferedStatus { discard, state, .. } =
                self.connection.process_tls_records(records);
            let mut discard = discard;
            let standing = match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        discard += record.discard;
                        take(record.payload);
                    }
                    None
                }
                Ok(ConnectionState::EncodeTlsData(data)) => {
                    encode(data, &mut self.outgoing)?;
                    None
                }
                // Whatever is encoded leaves in order.
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    None
                }
                Ok(ConnectionState::PeerClosed) => {
                    closed = true;
                    None
                }
                Ok(ConnectionState::BlockedHandshake) => Some(Standing::Blocked),
                Ok(ConnectionState::WriteTraffic(_)) if closed => Some(Standing::Closed),
                Ok(ConnectionState::WriteTraffic(traffic)) => {
                    *done += discard;
                    return Ok(Standing::Ready(send(traffic)));
                }
                Ok(ConnectionState::Closed) => Some(Standing::Closed),
                Ok(_) => return Err(rustls::Error::General("a client has no early data".into())),
                Err(error) => {
                    *done += discard;
                    return Err(error);
                }
            };
            *done += discard;
            if let Some(standing) = standing {
                return Ok(standing);
            }
        }
    }

    /// Notes the alert that rustls has for a failure.
    fn fail(&mut self, done: usize) {
        if std::mem::replace(&mut self.failed, true) {
            return;
        }
        let records = records(&mut self.incoming, done, self.filled);
        if let Ok(ConnectionState::EncodeTlsData(data)) =
            self.connection.process_tls_records(records).state
        {
            // Ignored on purpose: the failure itself is the news.
            let _ = encode(data, &mut self.outgoing);
        }
    }

    fn discard(&mut self, count: usize) {
        let filled = self.filled;
        self.filled = filled.saturating_sub(count);
        if self.filled == 0 || self.failed || self.closed {
            self.filled = 0;
            self.incoming = None;
        } else if let (1.., Some(incoming)) = (count, &mut self.incoming) {
            incoming.0.copy_within(count..filled, 0);
        }
    }
}

fn records(incoming: &mut Option<Lent<Records>>, from: usize, to: usize) -> &mut [u8] {
    incoming
        .as_mut()
        .and_then(|incoming| incoming.0.get_mut(from..to))
        .unwrap_or_default()
}

fn encode(
    mut data: EncodeTlsData<'_, ClientConnectionData>,
    outgoing: &mut Vec<u8>,
) -> Result<(), rustls::Error> {
    let encoded = append(outgoing, OVERHEAD, |room| {
        data.encode(room).map_err(|error| match error {
            EncodeError::InsufficientSize(size) => EncryptError::InsufficientSize(size),
            EncodeError::AlreadyEncoded => EncryptError::EncryptExhausted,
        })
    });
    encoded.map_err(|error| rustls::Error::General(error.to_string()))
}

/// Lets `write` write behind what is in `bytes`, into `room` bytes or as many as it asks for.
fn append(
    bytes: &mut Vec<u8>,
    room: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, EncryptError>,
) -> Result<(), EncryptError> {
    let start = bytes.len();
    let mut attempt = |bytes: &mut Vec<u8>, room: usize| {
        bytes.resize(start + room, 0);
        let written = write(bytes.get_mut(start..).unwrap_or_default());
        bytes.truncate(start + *written.as_ref().unwrap_or(&0));
        written.map(drop)
    };
    match attempt(bytes, room) {
        Err(EncryptError::InsufficientSize(InsufficientSizeError { required_size })) => {
            attempt(bytes, required_size)
        }
        written => written,
    }
}

fn invalid(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// Where records arrive, and are decrypted.
struct Records(Box<[u8]>);

thread_local! {
    static RECORDS: RefCell<Vec<Records>> = const { RefCell::new(Vec::new()) };
}

impl Spare for Records {
    const KEPT: &'static LocalKey<RefCell<Vec<Self>>> = &RECORDS;

    fn new() -> Self {
        Self(vec![0; READ].into())
    }
}
