//! The connection to a console's host: the TLS handshake where there is one, and what is said before the relay
//! begins.

use std::future::poll_fn;
use std::io;

use bytes::BytesMut;
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::transport::Transport;
use crate::tls_session::{Input, Over, TlsSession};

/// A connection. The relay takes it apart.
pub struct Stream {
    /// Where the bytes go.
    pub socket: TcpStream,
    /// In what they are wrapped.
    pub transport: Transport,
    /// What has come and is not read yet.
    pub input: Input,
}

impl Stream {
    /// As it is: for `ws://`.
    pub fn plain(socket: TcpStream) -> Self {
        Self {
            socket,
            transport: Transport::Plain,
            input: Input::default(),
        }
    }

    /// Encrypted. Whatever `name` says while the handshake goes on is kept for [`read`](Self::read).
    ///
    /// # Errors
    /// What TCP or, as [`rustls::Error`] inside, TLS has against it. The host has been told.
    pub async fn encrypted(
        mut config: ClientConfig,
        name: ServerName<'static>,
        mut socket: TcpStream,
        early: &mut BytesMut,
    ) -> io::Result<Self> {
        // A ticket is spent once, and so is its TLS session: what would be kept for another is never used.
        config.resumption = Resumption::disabled();
        // Whoever wants the records to be opened in place has allowed the keys to be handed over.
        let in_place = config.enable_secret_extraction;
        let session = TlsSession::new(config, name)?;
        let mut input = Input::default();
        loop {
            let over = session.shake_hands(&mut input);
            let sent = socket.write_all(&session.outgoing()).await;
            if over? {
                sent?;
                take(&mut input, early);
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

    /// Adds what comes next to `into`; 0 where the host has ended.
    pub async fn read(&mut self, into: &mut BytesMut) -> io::Result<usize> {
        loop {
            let Self {
                socket,
                transport,
                input,
            } = self;
            let read = poll_fn(|context| transport.poll_read(socket, context, input)).await;
            match (take(input, into), read) {
                (0, Ok(())) => {}
                (0, Err(Over::Closed)) => return Ok(0),
                (0, Err(Over::CutOff)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                (0, Err(Over::Broke(error))) => return Err(error),
                (count, _) => return Ok(count),
            }
        }
    }

    /// Sends `bytes`.
    pub async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let sealed = self.transport.seal(bytes)?;
        self.socket.write_all(&sealed).await
    }
}

fn take(input: &mut Input, into: &mut BytesMut) -> usize {
    let count = input.opened().len();
    into.extend_from_slice(input.opened());
    input.forget(count);
    count
}
