//! The connection to a console's host: TCP, TLS, WebSocket and RFB handshakes, and single messages.

use std::io;

use bytes::BytesMut;
use rfb_proto::{Client, ClientStep, Refusal, VncPassword};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use vsphere::{Watch, happy_eyeballs};
use ws_proto::{
    Close, CloseCode, Decoder, Event, FrameBuffer, Kind, Opcode, Role, Upgrade, UpgradeError,
    control,
};

use crate::address::Address;
use crate::error::Error;
use crate::mask_keys::MaskKeys;
use crate::printable::printable;
use crate::progress::{Observer, Progress};
use crate::secret::Secret;
use crate::slots::Slot;
use crate::socket;
use crate::socket::CLOSE_TIMEOUT;
use crate::stream::Stream;
use crate::target::{Request, Route, Target, TargetKind};
use crate::transport::Transport;
use crate::{certificate, proxy};

/// A console after the RFB security handshake: the client's next message is ClientInit.
pub struct OpenConsole {
    /// The connection to the host.
    pub link: HostLink,
    /// The console slot on its host; `None` at a URL.
    pub slot: Option<Slot>,
    /// The VM's state as vSphere reports it; `None` at a URL.
    pub watch: Option<Watch>,
}

/// One connection to a console's host: socket, TLS session and WebSocket state.
pub struct HostLink {
    /// Host and port, for errors and the log.
    pub address: Address,
    /// The byte stream below the WebSocket.
    pub stream: Stream,
    /// The state of the incoming frames.
    pub decoder: Decoder,
    /// Bytes that were read and not decoded yet.
    pub input: BytesMut,
    /// Payload that was decoded and not consumed yet.
    pub payload: BytesMut,
    /// The mask keys of outgoing frames.
    pub keys: MaskKeys,
    /// How many WebSocket pongs [`HostLink::receive`] has decoded.
    pub pongs: u32,
}

impl OpenConsole {
    /// Opens a console. The one-time ticket is used up whether or not this succeeds. `observer` is called at each step.
    pub(crate) async fn dial(target: Target, observer: &Observer) -> Result<Self, Error> {
        // Boxed: keeps the session's future small.
        let link = Box::pin(async {
            let mut link = HostLink::connect(&target, observer).await?;
            let password = target.password.as_ref();
            link.rfb_handshake(target.request.kind, password, observer)
                .await?;
            Ok::<_, Error>(link)
        })
        .await?;
        Ok(Self {
            link,
            slot: target.slot,
            watch: target.watch,
        })
    }
}

impl HostLink {
    /// Opens the WebSocket and sends nothing in it.
    pub(crate) async fn open(target: &Target) -> Result<Self, Error> {
        // Boxed: keeps the caller's future small.
        Box::pin(Self::connect(target, &|_| {})).await
    }

    /// TCP and TLS alone.
    pub(crate) async fn reach(target: &Target) -> Result<(), Error> {
        let socket = connect_tcp(&target.address, &target.route).await?;
        if let Some(tls) = &target.tls {
            start_tls(target, socket, tls.clone(), &mut BytesMut::new()).await?;
        }
        Ok(())
    }

    /// TCP, TLS for `wss`, and the WebSocket's opening handshake.
    async fn connect(target: &Target, observer: &Observer) -> Result<Self, Error> {
        let Target {
            address,
            route,
            tls,
            request,
            ..
        } = target;
        let socket = connect_tcp(address, route).await?;
        observer(Progress::Connected {
            host: address,
            peer: socket.peer_addr().ok(),
        });
        let mut input = BytesMut::new();
        let stream = match tls {
            Some(tls) => start_tls(target, socket, tls.clone(), &mut input).await?,
            None => Stream::plain(socket),
        };
        if let Transport::Tls(session) = &stream.transport {
            observer(Progress::Secured(session));
        }
        let mut link = Self {
            address: address.clone(),
            stream,
            decoder: Decoder::new(Role::Client),
            input,
            payload: BytesMut::new(),
            keys: MaskKeys::new(),
            pongs: 0,
        };
        link.upgrade(request).await?;
        observer(Progress::Upgraded {
            subprotocol: request.subprotocol.as_deref(),
        });
        Ok(link)
    }

    /// The WebSocket's opening handshake. Frames that arrive together with the host's answer stay in `input`.
    async fn upgrade(&mut self, request: &Request) -> Result<(), Error> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce)
            .map_err(|error| Error::Setup(format!("no randomness: {error}")))?;
        let headers: Vec<(&str, &str)> = request
            .headers
            .iter()
            .map(|(name, value)| (name, value.expose_secret()))
            .collect();
        let upgrade = Upgrade::new(
            &request.authority,
            request.target.expose_secret(),
            request.subprotocol.as_deref(),
            nonce,
            &headers,
        )
        .map_err(|error| {
            Error::Setup(format!(
                "cannot build the upgrade request for {}: {error}",
                self.address
            ))
        })?;
        self.stream
            .write_all(upgrade.request())
            .await
            .map_err(|error| self.io_error(&error))?;
        loop {
            match upgrade.read_answer(&mut self.input) {
                Ok(true) => return Ok(()),
                Ok(false) => self.read().await?,
                Err(source) => return Err(self.upgrade_refused(request, source)),
            }
        }
    }

    /// The RFB version and security handshakes, up to SecurityResult (RFC 6143 section 7.1).
    async fn rfb_handshake(
        &mut self,
        kind: TargetKind,
        password: Option<&Secret<VncPassword>>,
        observer: &Observer,
    ) -> Result<(), Error> {
        let mut client = Client::new(password.map(|password| password.expose().clone()));
        let mut output = BytesMut::new();
        loop {
            let step = client.advance(&mut self.payload, &mut output);
            if !output.is_empty() {
                self.send(&output.split()).await?;
            }
            match step {
                Ok(ClientStep::Ready(ready)) => {
                    observer(Progress::Entered {
                        ready,
                        offered: client.offered(),
                    });
                    return Ok(());
                }
                Ok(ClientStep::More) => self.receive().await?,
                Ok(ClientStep::StartTls) => {
                    return Err(Error::Setup(
                        "the host requires TLS inside TLS, which is not supported".into(),
                    ));
                }
                Err(source) => return Err(self.rfb_refused(kind, source)),
            }
        }
    }

    /// Adds the payload of the next data frame to `payload`; answers pings on the way.
    ///
    /// # Errors
    /// The connection ends or fails, or the host breaks the WebSocket protocol or sends text.
    pub async fn receive(&mut self) -> Result<(), Error> {
        loop {
            match self.decoder.decode(&mut self.input)? {
                Some(Event::Data {
                    kind: Kind::Text, ..
                }) => return Err(Error::Text),
                Some(Event::Data { payload, .. }) => {
                    self.payload.extend_from_slice(&payload);
                    return Ok(());
                }
                Some(Event::Ping(payload)) => {
                    let pong = control(Opcode::Pong, &payload, Some(self.key()?));
                    self.stream
                        .write_all(&pong)
                        .await
                        .map_err(|error| self.io_error(&error))?;
                }
                Some(Event::Pong(_)) => self.pongs = self.pongs.saturating_add(1),
                Some(Event::Close(close)) => {
                    let how = close.map_or_else(
                        || "a Close without a code".into(),
                        |close| close_text(&close),
                    );
                    return Err(self.closed(how));
                }
                None => self.read().await?,
            }
        }
    }

    /// Sends `bytes` as one binary message.
    ///
    /// # Errors
    /// The connection fails, or there is no randomness for the mask key.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut buffer = FrameBuffer::new(bytes.len());
        buffer.payload_mut().copy_from_slice(bytes);
        let key = self.key()?;
        let frame = buffer.frame(bytes.len(), Opcode::Binary, Some(key));
        self.stream
            .write_all(frame)
            .await
            .map_err(|error| self.io_error(&error))
    }

    /// Sends a WebSocket ping.
    ///
    /// # Errors
    /// As [`HostLink::send`].
    pub async fn ping(&mut self) -> Result<(), Error> {
        let ping = control(Opcode::Ping, b"mksgate", Some(self.key()?));
        let sent = self.stream.write_all(&ping).await;
        sent.map_err(|error| self.io_error(&error))
    }

    /// The closing handshake (RFC 6455 section 7.1.2), close_notify and FIN, within [`CLOSE_TIMEOUT`].
    pub async fn close(mut self) {
        // The host may already be gone.
        let _ = timeout(CLOSE_TIMEOUT, self.closing_handshake()).await;
    }

    async fn closing_handshake(&mut self) -> Result<(), Error> {
        let payload = Close::new(CloseCode::NORMAL).payload();
        let close = control(Opcode::Close, &payload, Some(self.key()?));
        let sent = self.stream.write_all(&close).await;
        sent.map_err(|error| self.io_error(&error))?;
        // The host's Close frame, like any error, ends this loop.
        while self.receive().await.is_ok() {
            self.payload.clear();
        }
        let closing_records = self.stream.transport.closing_records();
        let socket = &mut self.stream.socket;
        let ended = async {
            socket.write_all(&closing_records).await?;
            socket.shutdown().await
        };
        ended.await.map_err(|error| self.io_error(&error))
    }

    async fn read(&mut self) -> Result<(), Error> {
        match self.stream.read(&mut self.input).await {
            Ok(0) => Err(self.closed("it closed the connection".into())),
            Ok(_) => Ok(()),
            Err(error) => Err(self.io_error(&error)),
        }
    }

    fn key(&mut self) -> Result<ws_proto::MaskKey, Error> {
        self.keys
            .draw()
            .map_err(|error| Error::Setup(format!("no randomness: {error}")))
    }

    fn upgrade_refused(&self, request: &Request, source: UpgradeError) -> Error {
        let address = self.address.to_string();
        let target = request.target.expose_secret();
        match request.kind {
            TargetKind::Ticket => Error::Upgrade { address, source },
            TargetKind::Url => Error::UrlRefused {
                address,
                has_ticket: target.starts_with("/ticket/"),
                source,
            },
        }
    }

    fn rfb_refused(&self, kind: TargetKind, source: Refusal) -> Error {
        let address = self.address.to_string();
        match (kind, &source) {
            (TargetKind::Ticket, Refusal::PasswordNeeded) => Error::VmPasswordNeeded { address },
            _ => Error::RfbRefused { address, source },
        }
    }

    fn io_error(&self, error: &io::Error) -> Error {
        self.closed(vsphere::io_in_words(error))
    }

    fn closed(&self, how: String) -> Error {
        Error::HostClosed {
            address: self.address.to_string(),
            how,
        }
    }
}

/// A Close frame as text, for the log.
pub fn close_text(close: &Close) -> String {
    let reason = printable(&close.reason);
    match reason.is_empty() {
        true => format!("close code {}", close.code.get()),
        false => format!("close code {}, {reason}", close.code.get()),
    }
}

/// A TCP connection to the console's host, or a tunnel to it through the proxy.
async fn connect_tcp(address: &Address, route: &Route) -> Result<TcpStream, Error> {
    let unreachable = |source| Error::Unreachable {
        address: address.to_string(),
        source,
    };
    let socket = match route {
        Route::Direct(resolved) => happy_eyeballs::connect(resolved).await,
        Route::Proxy(url) => proxy::connect(url.expose(), address).await,
    };
    let socket = socket.map_err(unreachable)?;
    socket::prepare_console(&socket).map_err(unreachable)?;
    Ok(socket)
}

/// The TLS handshake. Application data that arrives with it is added to `early`.
async fn start_tls(
    Target {
        address, request, ..
    }: &Target,
    socket: TcpStream,
    tls: ClientConfig,
    early: &mut BytesMut,
) -> Result<Stream, Error> {
    let name = ServerName::try_from(address.without_zone().to_owned()).map_err(|_| {
        Error::Setup(format!(
            "{} is not a valid TLS server name: use another, or console_address",
            address.host
        ))
    })?;
    let connected = Stream::encrypted(tls, name, socket, early).await;
    connected.map_err(|source| {
        let address = address.to_string();
        let tls = source.get_ref().and_then(|inner| inner.downcast_ref());
        let remedy = tls.and_then(certificate::remedy_for);
        match tls.and_then(certificate::refusal_of) {
            Some(reason) => Error::Certificate {
                address,
                reason,
                remedy,
                key: match request.kind {
                    TargetKind::Ticket => "console_trust",
                    TargetKind::Url => "trust",
                },
            },
            None => Error::Tls { address, source },
        }
    })
}
