//! Records as rustls opens and makes them: its unbuffered interface, driven.
//!
//! What is owned here is the one buffer in which records arrive and are decrypted, many at a time, and only
//! while there is something in it.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::unbuffered::{
    ConnectionState, EncodeError, EncodeTlsData, EncryptError, InsufficientSizeError,
    UnbufferedStatus, WriteTraffic,
};
use rustls::{ClientConfig, ProtocolVersion};
use tokio::io::AsyncRead;

use super::{Input, READ, Standing, fill, invalid};
use crate::buffer_pool::{Pooled, poolable};

/// By how much a record is longer than what is in it (RFC 8446 section 5.2: header, content type, tag; RFC 5288
/// section 3: 8 bytes of nonce). Where rustls asks for more it gets more.
const OVERHEAD: usize = 40;

/// A connection that is rustls' own, from ClientHello to close_notify.
pub(super) struct Unbuffered {
    connection: UnbufferedClientConnection,
    incoming: Option<Pooled<Records>>,
    /// How much of `incoming` there is.
    filled: usize,
    failed: bool,
}

impl Unbuffered {
    pub(super) fn new(config: ClientConfig, name: ServerName<'static>) -> io::Result<Self> {
        let connection =
            UnbufferedClientConnection::new(Arc::new(config), name).map_err(invalid)?;
        Ok(Self {
            connection,
            incoming: None,
            filled: 0,
            failed: false,
        })
    }

    /// The connection by itself; or this again, where a record is half read, which nobody else could go on with.
    pub(super) fn into_connection(
        self: Box<Self>,
    ) -> Result<UnbufferedClientConnection, Box<Self>> {
        match self.filled {
            0 => Ok(self.connection),
            _ => Err(self),
        }
    }

    /// The certificate that the other side has shown, and the version that is spoken, once they are known.
    pub(super) fn identity(&self) -> Option<(CertificateDer<'static>, ProtocolVersion)> {
        let shown = self.connection.peer_certificates()?.first()?;
        Some((
            shown.clone().into_owned(),
            self.connection.protocol_version()?,
        ))
    }

    /// Reads once, holding no buffer while there is nothing to read.
    pub(super) fn poll_fill<R: AsyncRead + Unpin>(
        &mut self,
        stream: &mut R,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let incoming = self.incoming.get_or_insert_with(Pooled::take);
        let room = incoming.0.get_mut(self.filled..).unwrap_or_default();
        // Only a handshake message in countless fragments fills it.
        let polled = fill(stream, context, room);
        if let Poll::Ready(Ok(count)) = polled {
            self.filled += count;
        }
        if self.filled == 0 {
            self.incoming = None;
        }
        polled
    }

    /// Lets rustls work through what was read. What it has to send is added to `outgoing`, also on failure.
    pub(super) fn open(
        &mut self,
        input: &mut Input,
        outgoing: &mut Vec<u8>,
    ) -> io::Result<Standing<()>> {
        self.turn(&mut |bytes| input.append(bytes), outgoing, |_, _| ())
    }

    /// Adds `bytes` as records.
    pub(super) fn seal(&mut self, bytes: &[u8], outgoing: &mut Vec<u8>) -> io::Result<()> {
        self.send(outgoing, |mut traffic, sealed| {
            append(sealed, bytes.len() + OVERHEAD, |room| {
                traffic.encrypt(bytes, room)
            })
        })
    }

    /// Adds close_notify.
    pub(super) fn close(&mut self, outgoing: &mut Vec<u8>) -> io::Result<()> {
        self.send(outgoing, |mut traffic, words| {
            append(words, OVERHEAD, |room| traffic.queue_close_notify(room))
        })
    }

    /// Whether it has no buffer.
    pub(super) fn holds_nothing(&self) -> bool {
        self.incoming.is_none()
    }

    fn send(
        &mut self,
        outgoing: &mut Vec<u8>,
        send: impl FnOnce(
            WriteTraffic<'_, ClientConnectionData>,
            &mut Vec<u8>,
        ) -> Result<(), EncryptError>,
    ) -> io::Result<()> {
        // Whoever reads has given all whole records away: none can turn up here.
        let mut unread = 0;
        let standing = self.turn(&mut |bytes| unread += bytes.len(), outgoing, send)?;
        debug_assert_eq!(unread, 0);
        match standing {
            Standing::Ready(sent) => sent.map_err(io::Error::other),
            Standing::Blocked | Standing::Closed => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn turn<T>(
        &mut self,
        take: &mut dyn FnMut(&[u8]),
        outgoing: &mut Vec<u8>,
        send: impl FnOnce(WriteTraffic<'_, ClientConnectionData>, &mut Vec<u8>) -> T,
    ) -> io::Result<Standing<T>> {
        let mut done = 0;
        let standing = self.work(&mut done, take, outgoing, send);
        if standing.is_err() {
            self.fail(done, outgoing);
        }
        self.discard(done, matches!(standing, Ok(Standing::Closed)));
        standing.map_err(invalid)
    }

    fn work<T>(
        &mut self,
        done: &mut usize,
        take: &mut dyn FnMut(&[u8]),
        outgoing: &mut Vec<u8>,
        send: impl FnOnce(WriteTraffic<'_, ClientConnectionData>, &mut Vec<u8>) -> T,
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
                    encode(data, outgoing)?;
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
                    return Ok(Standing::Ready(send(traffic, outgoing)));
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

    /// Notes what rustls has to say to a failure: an alert.
    fn fail(&mut self, done: usize, outgoing: &mut Vec<u8>) {
        if std::mem::replace(&mut self.failed, true) {
            return;
        }
        // Asked once more than it has something to say, it would fail once more.
        while self.connection.wants_write() {
            let records = records(&mut self.incoming, done, self.filled);
            let state = self.connection.process_tls_records(records).state;
            let Ok(ConnectionState::EncodeTlsData(data)) = state else {
                return;
            };
            // Ignored on purpose: the failure itself is the news.
            let _ = encode(data, outgoing);
        }
    }

    fn discard(&mut self, count: usize, closed: bool) {
        let filled = self.filled;
        self.filled = filled.saturating_sub(count);
        if self.filled == 0 || self.failed || closed {
            self.filled = 0;
            self.incoming = None;
        } else if let (1.., Some(incoming)) = (count, &mut self.incoming) {
            incoming.0.copy_within(count..filled, 0);
        }
    }
}

fn records(incoming: &mut Option<Pooled<Records>>, from: usize, to: usize) -> &mut [u8] {
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

/// Where records arrive, and are decrypted.
struct Records(Box<[u8]>);

poolable!(Records, Self(vec![0; READ].into()));
