//! The record layer of rustls, driven through its unbuffered API.
//!
//! One buffer holds the received records, many at a time, and only while it contains data; rustls decrypts in it.

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

use super::receive_buffer::ReceiveBuffer;
use super::record_layer::{LayerState, READ, fill, invalid};
use crate::buffer_pool::{Pooled, poolable};

/// The space reserved for a record beyond its content (RFC 8446 section 5.2: header, content type, tag; RFC 5288
/// section 3: 8 bytes of nonce). Where rustls needs more, [`append`] enlarges it.
const OVERHEAD: usize = 40;

/// A connection with rustls' record layer, from ClientHello to close_notify.
pub(super) struct Unbuffered {
    connection: UnbufferedClientConnection,
    incoming: Option<Pooled<Records>>,
    /// How many bytes of `incoming` are used.
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

    /// The rustls connection; `self` again where an incomplete record is buffered, which would be lost.
    pub(super) fn into_connection(
        self: Box<Self>,
    ) -> Result<UnbufferedClientConnection, Box<Self>> {
        match self.filled {
            0 => Ok(self.connection),
            _ => Err(self),
        }
    }

    /// The peer's certificate and the TLS version, once they are known.
    pub(super) fn identity(&self) -> Option<(CertificateDer<'static>, ProtocolVersion)> {
        let certificate = self.connection.peer_certificates()?.first()?;
        Some((
            certificate.clone().into_owned(),
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
        let space = incoming.0.get_mut(self.filled..).unwrap_or_default();
        // `space` is empty only when one handshake message fills the whole buffer, which `fill` refuses.
        let polled = fill(stream, context, space);
        if let Poll::Ready(Ok(count)) = polled {
            self.filled += count;
        }
        if self.filled == 0 {
            self.incoming = None;
        }
        polled
    }

    /// Processes the received records. What rustls has to send is added to `outgoing`, also on failure.
    pub(super) fn open(
        &mut self,
        input: &mut ReceiveBuffer,
        outgoing: &mut Vec<u8>,
    ) -> io::Result<LayerState<()>> {
        self.process(&mut |bytes| input.append(bytes), outgoing, |_, _| ())
    }

    /// Adds `bytes` as records.
    pub(super) fn seal(&mut self, bytes: &[u8], outgoing: &mut Vec<u8>) -> io::Result<()> {
        self.send(outgoing, |mut traffic, sealed| {
            append(sealed, bytes.len() + OVERHEAD, |space| {
                traffic.encrypt(bytes, space)
            })
        })
    }

    /// Adds close_notify.
    pub(super) fn close(&mut self, outgoing: &mut Vec<u8>) -> io::Result<()> {
        self.send(outgoing, |mut traffic, sealed| {
            append(sealed, OVERHEAD, |space| traffic.queue_close_notify(space))
        })
    }

    /// Whether no buffer is held.
    pub(super) fn holds_no_buffer(&self) -> bool {
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
        // `open` has processed all complete records before, so no application data is lost here.
        let mut unread = 0;
        let state = self.process(&mut |bytes| unread += bytes.len(), outgoing, send)?;
        debug_assert_eq!(unread, 0);
        match state {
            LayerState::Ready(sent) => sent.map_err(io::Error::other),
            LayerState::Blocked | LayerState::Closed => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Processes the received records, passes application data to `take`, and calls `send` once sending is possible.
    fn process<T>(
        &mut self,
        take: &mut dyn FnMut(&[u8]),
        outgoing: &mut Vec<u8>,
        send: impl FnOnce(WriteTraffic<'_, ClientConnectionData>, &mut Vec<u8>) -> T,
    ) -> io::Result<LayerState<T>> {
        let mut done = 0;
        let state = self.process_records(&mut done, take, outgoing, send);
        if state.is_err() {
            self.encode_alert(done, outgoing);
        }
        self.discard(done, matches!(state, Ok(LayerState::Closed)));
        state.map_err(invalid)
    }

    /// As [`process`](Self::process), without the failure's alert; `done` counts the bytes to discard.
    fn process_records<T>(
        &mut self,
        done: &mut usize,
        take: &mut dyn FnMut(&[u8]),
        outgoing: &mut Vec<u8>,
        send: impl FnOnce(WriteTraffic<'_, ClientConnectionData>, &mut Vec<u8>) -> T,
    ) -> Result<LayerState<T>, rustls::Error> {
        let mut closed = false;
        loop {
            let records = records(&mut self.incoming, *done, self.filled);
            let UnbufferedStatus { discard, state, .. } =
                self.connection.process_tls_records(records);
            let mut discard = discard;
            let state = match state {
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
                // `outgoing` is sent in order before anything else.
                Ok(ConnectionState::TransmitTlsData(data)) => {
                    data.done();
                    None
                }
                Ok(ConnectionState::PeerClosed) => {
                    closed = true;
                    None
                }
                Ok(ConnectionState::BlockedHandshake) => Some(LayerState::Blocked),
                Ok(ConnectionState::WriteTraffic(_)) if closed => Some(LayerState::Closed),
                Ok(ConnectionState::WriteTraffic(traffic)) => {
                    *done += discard;
                    return Ok(LayerState::Ready(send(traffic, outgoing)));
                }
                Ok(ConnectionState::Closed) => Some(LayerState::Closed),
                Ok(_) => return Err(rustls::Error::General("a client has no early data".into())),
                Err(error) => {
                    *done += discard;
                    return Err(error);
                }
            };
            *done += discard;
            if let Some(state) = state {
                return Ok(state);
            }
        }
    }

    /// Adds the alert for a failure to `outgoing`.
    fn encode_alert(&mut self, done: usize, outgoing: &mut Vec<u8>) {
        if std::mem::replace(&mut self.failed, true) {
            return;
        }
        // One call beyond this would only return the error again.
        while self.connection.wants_write() {
            let records = records(&mut self.incoming, done, self.filled);
            let state = self.connection.process_tls_records(records).state;
            let Ok(ConnectionState::EncodeTlsData(data)) = state else {
                return;
            };
            // The failure itself is returned to the caller.
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
    let encoded = append(outgoing, OVERHEAD, |space| {
        data.encode(space).map_err(|error| match error {
            EncodeError::InsufficientSize(size) => EncryptError::InsufficientSize(size),
            EncodeError::AlreadyEncoded => EncryptError::EncryptExhausted,
        })
    });
    encoded.map_err(|error| rustls::Error::General(error.to_string()))
}

/// Lets `write` append to `bytes`, with `space` bytes of space or as many as it requires.
fn append(
    bytes: &mut Vec<u8>,
    space: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, EncryptError>,
) -> Result<(), EncryptError> {
    let start = bytes.len();
    let mut attempt = |bytes: &mut Vec<u8>, space: usize| {
        bytes.resize(start + space, 0);
        let written = write(bytes.get_mut(start..).unwrap_or_default());
        bytes.truncate(start + *written.as_ref().unwrap_or(&0));
        written.map(drop)
    };
    match attempt(bytes, space) {
        Err(EncryptError::InsufficientSize(InsufficientSizeError { required_size })) => {
            attempt(bytes, required_size)
        }
        written => written,
    }
}

/// The pooled receive buffer.
struct Records(Box<[u8]>);

poolable!(Records, Self(vec![0; READ].into()));
