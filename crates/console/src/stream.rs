//! The byte stream to a console's host: the TLS handshake, and reads and writes before the relay begins.

use std::future::poll_fn;
use std::io;

use bytes::BytesMut;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::tls_session::{ReadEnd, ReceiveBuffer, TlsSession};
use crate::transport::Transport;

/// A connection. The relay uses its parts directly.
pub struct Stream {
    /// The TCP connection.
    pub socket: TcpStream,
    /// TLS, or plain TCP.
    pub transport: Transport,
    /// Bytes that were received and not read yet.
    pub input: ReceiveBuffer,
}

impl Stream {
    /// A stream without TLS, for `ws://`.
    pub fn plain(socket: TcpStream) -> Self {
        Self {
            socket,
            transport: Transport::Plain,
            input: ReceiveBuffer::default(),
        }
    }

    /// Does the TLS handshake. Application data that arrives with its last flight is added to `early`.
    ///
    /// # Errors
    /// TCP failed, or TLS did, with a [`rustls::Error`] inside; the alert has been sent.
    pub async fn encrypted(
        mut config: ClientConfig,
        name: ServerName<'static>,
        mut socket: TcpStream,
        early: &mut BytesMut,
    ) -> io::Result<Self> {
        // Each connection needs a new console ticket and is verified anew: TLS session tickets would never be used.
        config.resumption = Resumption::disabled();
        // Set by `Upstream::target` for the in-place record layer, which needs the traffic keys.
        let in_place = config.enable_secret_extraction;
        let session = TlsSession::new(config, name)?;
        let mut input = ReceiveBuffer::default();
        loop {
            let done = session.handshake(&mut input);
            let sent = socket.write_all(&session.outgoing()).await;
            if done? {
                sent?;
                drain(&mut input, early);
                let session = match in_place {
                    true => session.in_place()?,
                    false => session,
                };
                return Ok(Self {
                    socket,
                    transport: Transport::Tls(session),
                    input,
                });
            }
            sent?;
            if poll_fn(|context| session.poll_fill(&mut socket, context, &mut input)).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Adds the next bytes to `into` and returns their number; 0 at the end of the stream.
    ///
    /// # Errors
    /// TCP or TLS failed, or TCP ended without close_notify.
    pub async fn read(&mut self, into: &mut BytesMut) -> io::Result<usize> {
        loop {
            let Self {
                socket,
                transport,
                input,
            } = self;
            let read = poll_fn(|context| transport.poll_read(socket, context, input)).await;
            match (drain(input, into), read) {
                (0, Ok(())) => {}
                (0, Err(ReadEnd::Closed)) => return Ok(0),
                (0, Err(ReadEnd::Truncated)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                (0, Err(ReadEnd::Failed(error))) => return Err(error),
                (count, _) => return Ok(count),
            }
        }
    }

    /// Sends `bytes`.
    ///
    /// # Errors
    /// TCP or TLS failed.
    pub async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let sealed = self.transport.seal(bytes)?;
        self.socket.write_all(&sealed).await
    }
}

/// Moves the decrypted bytes of `input` to `into` and returns how many they are.
fn drain(input: &mut ReceiveBuffer, into: &mut BytesMut) -> usize {
    let count = input.opened().len();
    into.extend_from_slice(input.opened());
    input.forget(count);
    count
}
