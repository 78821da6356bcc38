//! The viewer's side of a session, up to its welcome: the I/O around [`rfb_proto::Server`].

use std::io;

use bytes::{BufMut, BytesMut};
use rfb_proto::{Accepted, Challenge, Claim, Pending, SecurityType, Server, Step};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::error::Failure;
use crate::socket;

/// The most that is held of what a viewer sends before it is let in. Its whole handshake is 29 bytes.
const MAX_INPUT: usize = 512;

/// A connected viewer that has not been let in yet.
pub(crate) struct Viewer {
    socket: TcpStream,
    input: BytesMut,
}

impl Viewer {
    /// Takes a fresh connection.
    pub(crate) fn new(socket: TcpStream) -> Self {
        Self {
            socket,
            input: BytesMut::new(),
        }
    }

    /// Version, security type, credentials: until the viewer has said who it is. Where it breaks the
    /// protocol it is told so, as far as its version has words for that.
    pub(crate) async fn negotiate(
        &mut self,
        offer: &[SecurityType],
    ) -> Result<(Claim, Pending), Failure> {
        let mut challenge = Challenge::default();
        getrandom::fill(&mut challenge)
            .map_err(|error| Failure::Setup(format!("no randomness: {error}")))?;
        let mut output = BytesMut::new();
        let mut server = Server::new(offer, challenge, &mut output);
        loop {
            let step = server.advance(&mut self.input, &mut output);
            self.write(&mut output).await?;
            match step {
                Ok(Step::Claim(claim, pending)) => return Ok((claim, pending)),
                Ok(Step::More) => self.read().await?,
                // No way in that would lead here can be configured.
                Ok(Step::StartTls | Step::Refused) => {
                    return Err(Failure::Setup("no way in".into()));
                }
                Err(violation) => {
                    let failure = Failure::NotAViewer(violation);
                    server.refuse(&failure.to_string(), &mut output);
                    self.write(&mut output).await?;
                    return Err(failure);
                }
            }
        }
    }

    /// Lets the viewer in, and reads what it may still owe.
    pub(crate) async fn welcome(&mut self, pending: Pending) -> Result<Accepted, Failure> {
        let mut output = BytesMut::new();
        let mut welcome = pending.accept(&mut output);
        self.write(&mut output).await?;
        loop {
            match welcome
                .advance(&mut self.input)
                .map_err(Failure::NotAViewer)?
            {
                Some(accepted) => return Ok(accepted),
                None => self.read().await?,
            }
        }
    }

    /// Tells the viewer why it is not let in.
    pub(crate) async fn turn_away(&mut self, pending: Pending, failure: &Failure) {
        let mut output = BytesMut::new();
        pending.refuse(&failure.to_string(), &mut output);
        // Ignored on purpose: a viewer that is gone need not be told.
        let _ = self.write(&mut output).await;
    }

    /// Ready when the viewer ends the connection. What it may send meanwhile stays unread.
    pub(crate) async fn gone(&self) {
        let mut byte = [0];
        match self.socket.peek(&mut byte).await {
            Ok(0) | Err(_) => {}
            // It talks ahead of its turn: it is there, and more cannot be seen before that is read.
            Ok(_) => std::future::pending().await,
        }
    }

    /// Ends a connection that will not be relayed.
    pub(crate) async fn close(mut self) {
        let (mut read, mut write) = self.socket.split();
        socket::finish(&mut read, &mut write).await;
    }

    /// The socket, and what the viewer has sent beyond its handshake, for the relay.
    pub(crate) fn into_parts(self) -> (TcpStream, BytesMut) {
        (self.socket, self.input)
    }

    async fn read(&mut self) -> Result<(), Failure> {
        let room = MAX_INPUT - self.input.len().min(MAX_INPUT);
        match self
            .socket
            .read_buf(&mut (&mut self.input).limit(room))
            .await
        {
            Ok(0) => Err(Failure::ViewerLeft),
            Ok(_) => Ok(()),
            Err(error) => Err(broke(error)),
        }
    }

    async fn write(&mut self, output: &mut BytesMut) -> Result<(), Failure> {
        self.socket.write_all_buf(output).await.map_err(broke)
    }
}

fn broke(error: io::Error) -> Failure {
    Failure::ViewerBroke(error)
}
