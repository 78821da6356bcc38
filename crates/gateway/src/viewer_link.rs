//! The viewer's connection, which outlives the login and any relay: both borrow it.
//!
//! Up to the welcome this is the I/O around [`rfb_proto::Server`].

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use rfb_proto::{Accepted, Challenge, Claim, Pending, SecurityType, Server, Step};
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsAcceptor;
use tokio_util::either::Either;
use ws_proto::Close;

use crate::connection::{self, Connection};
use crate::error::Failure;
use console::socket;

/// The most input that is buffered before the login. The longest message until then has a name and a password: 518 bytes.
const MAX_INPUT: usize = 1024;

/// Polling interval for the end of a connection with unread input.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The viewer's connection, its unparsed input, and its clocks.
pub(crate) struct ViewerLink {
    /// `None` during the TLS handshake, and after a failed one.
    connection: Option<Connection>,
    input: BytesMut,
    clocks: Clocks,
    /// Whether it has sent a byte, apart from the PROXY header.
    has_sent: bool,
    /// The session's number, with which every reason ends.
    session: u64,
}

/// The times that limits refer to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clocks {
    /// When its login succeeded.
    pub(crate) welcomed: Instant,
    /// When it last sent anything.
    pub(crate) received: Instant,
    /// When it last sent an input event.
    pub(crate) acted: Instant,
}

impl Clocks {
    /// All set to now.
    pub(crate) fn start() -> Self {
        let now = Instant::now();
        Self {
            welcomed: now,
            received: now,
            acted: now,
        }
    }
}

impl ViewerLink {
    /// The connection of session number `session` before its RFB handshake; `input` was read from it already.
    pub(crate) fn new(connection: Connection, input: BytesMut, session: u64) -> Self {
        Self {
            connection: Some(connection),
            has_sent: !input.is_empty(),
            input,
            clocks: Clocks::start(),
            session,
        }
    }

    /// RFB version, security type, TLS and credentials, up to the viewer's claim. Where the viewer breaks the protocol or
    /// `interrupted` is ready first, it is sent the reason, if its version has a message for that.
    pub(crate) async fn negotiate(
        &mut self,
        methods: &[SecurityType],
        tls: Option<&Arc<ServerConfig>>,
        interrupted: impl Future<Output = Failure>,
    ) -> Result<(Claim, Pending), Failure> {
        let mut interrupted = pin!(interrupted);
        let mut challenge = Challenge::default();
        getrandom::fill(&mut challenge)
            .map_err(|error| Failure::Setup(format!("no randomness: {error}")))?;
        let mut output = BytesMut::new();
        let mut server = Server::new(methods, challenge, &mut output);
        loop {
            let step = server.advance(&mut self.input, &mut output);
            self.write(&mut output).await?;
            let failure = match step {
                Ok(Step::Claim(claim, pending)) => return Ok((claim, pending)),
                Ok(Step::Refused) => {
                    return Err(Failure::Setup(
                        "no authentication method is configured".into(),
                    ));
                }
                Err(violation) => Failure::NotAViewer(violation),
                Ok(Step::More) => tokio::select! {
                    read = self.read() => {
                        read?;
                        continue;
                    }
                    failure = &mut interrupted => failure,
                },
                Ok(Step::StartTls) => tokio::select! {
                    started = self.start_tls(tls) => {
                        started?;
                        continue;
                    }
                    // RFB cannot send a reason during the TLS handshake.
                    failure = &mut interrupted => return Err(failure),
                },
            };
            server.refuse(&failure.for_viewer(self.session), &mut output);
            self.write(&mut output).await?;
            return Err(failure);
        }
    }

    /// Refuses a viewer before authentication, with the reason.
    pub(crate) async fn refuse(&mut self, failure: &Failure) -> Result<(), Failure> {
        let mut output = BytesMut::new();
        let mut server = Server::refusing(&failure.for_viewer(self.session), &mut output);
        loop {
            let step = server.advance(&mut self.input, &mut output);
            self.write(&mut output).await?;
            match step.map_err(Failure::NotAViewer)? {
                Step::More => self.read().await?,
                Step::StartTls | Step::Claim(..) | Step::Refused => return Ok(()),
            }
        }
    }

    /// Sends SecurityResult OK and reads the rest of the viewer's handshake.
    pub(crate) async fn welcome(&mut self, pending: Pending) -> Result<Accepted, Failure> {
        let mut output = BytesMut::new();
        let mut welcome = pending.accept(&mut output);
        self.write(&mut output).await?;
        loop {
            match welcome
                .advance(&mut self.input)
                .map_err(Failure::NotAViewer)?
            {
                Some(accepted) => {
                    self.clocks = Clocks::start();
                    return Ok(accepted);
                }
                None => self.read().await?,
            }
        }
    }

    /// The shared-flag of ClientInit (RFC 6143 section 7.3.1). The byte is not consumed.
    pub(crate) async fn shared_flag(&mut self) -> Result<bool, Failure> {
        loop {
            match self.input.first() {
                Some(&shared) => return Ok(shared != 0),
                None => self.read().await?,
            }
        }
    }

    /// Sends a failed SecurityResult with the reason.
    pub(crate) async fn turn_away(&mut self, pending: Pending, failure: &Failure) {
        let mut output = BytesMut::new();
        pending.refuse(&failure.for_viewer(self.session), &mut output);
        // The viewer may already be gone.
        let _ = self.write(&mut output).await;
    }

    /// Ready when the viewer ends the connection. Nothing is read but a browser's control frames.
    pub(crate) async fn gone(&mut self) -> Failure {
        if let Some(Either::Right(browser)) = &mut self.connection
            && poll_fn(|context| browser.poll_gone(context)).await
        {
            return Failure::ViewerLeft;
        }
        let Some(connection) = &self.connection else {
            return Failure::ViewerLeft;
        };
        let socket = connection::socket(connection);
        if matches!(socket.peek(&mut [0]).await, Ok(0) | Err(_)) {
            return self.ended(Failure::ViewerLeft);
        }
        // There is unread input: only a closed read half can be seen before that is read.
        loop {
            match socket.ready(Interest::READABLE).await {
                Ok(ready) if !ready.is_read_closed() => sleep(POLL_INTERVAL).await,
                _ => return Failure::ViewerLeft,
            }
        }
    }

    /// Sets the Close that a browser is sent when the connection is closed. A native viewer has no message for it.
    pub(crate) fn close_with(&mut self, close: Close) {
        if let Some(Either::Right(browser)) = &mut self.connection {
            browser.close_with(close);
        }
    }

    /// Closes the connection so that the last bytes written still arrive.
    pub(crate) async fn close(&mut self) {
        match self.connection.take() {
            Some(Either::Left(Either::Left(mut socket))) => {
                let (mut read, mut write) = socket.split();
                socket::finish(&mut read, &mut write).await;
            }
            Some(connection) => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "TLS streams and WebSockets have no owned halves"
                )]
                let (mut read, mut write) = tokio::io::split(connection);
                socket::finish(&mut read, &mut write).await;
            }
            None => {}
        }
    }

    /// The connection, if there is one, the unparsed input, and the clocks.
    pub(crate) fn parts(&mut self) -> (Option<&mut Connection>, &mut BytesMut, &mut Clocks) {
        (self.connection.as_mut(), &mut self.input, &mut self.clocks)
    }

    /// Input received before the TLS handshake is refused: it would be plaintext taken for decrypted data.
    async fn start_tls(&mut self, tls: Option<&Arc<ServerConfig>>) -> Result<(), Failure> {
        let (Some(config), Some(Either::Left(Either::Left(socket)))) =
            (tls, self.connection.take())
        else {
            return Err(Failure::ViewerTls("no certificate is configured".into()));
        };
        if !self.input.is_empty() {
            return Err(Failure::ViewerTls(
                "it sent data before the TLS handshake".into(),
            ));
        }
        let accepted = TlsAcceptor::from(Arc::clone(config)).accept(socket).await;
        let tls = accepted.map_err(|error| Failure::ViewerTls(vsphere::io_in_words(&error)))?;
        self.connection = Some(Either::Left(Either::Right(Box::new(tls))));
        Ok(())
    }

    async fn read(&mut self) -> Result<(), Failure> {
        let connection = self.connection.as_mut().ok_or(Failure::ViewerLeft)?;
        let space = MAX_INPUT - self.input.len().min(MAX_INPUT);
        match connection
            .read_buf(&mut (&mut self.input).limit(space))
            .await
        {
            Ok(0) => Err(self.ended(Failure::ViewerLeft)),
            Ok(_) => {
                self.has_sent = true;
                Ok(())
            }
            Err(error) => Err(self.ended(Failure::ViewerBroke(error))),
        }
    }

    /// The failure, or `ViewerSilent` where the viewer has sent nothing.
    fn ended(&self, how: Failure) -> Failure {
        match self.has_sent {
            true => how,
            false => Failure::ViewerSilent,
        }
    }

    async fn write(&mut self, output: &mut BytesMut) -> Result<(), Failure> {
        if output.is_empty() {
            return Ok(());
        }
        let connection = self.connection.as_mut().ok_or(Failure::ViewerLeft)?;
        let written: io::Result<()> = async {
            connection.write_all_buf(output).await?;
            connection.flush().await
        }
        .await;
        written.map_err(|error| self.ended(Failure::ViewerBroke(error)))
    }
}
