//! The console's side of a session: TCP, TLS, WebSocket and RFB handshake with its host.

use std::io;

use bytes::BytesMut;
use rfb_proto::{Client, ClientStep, Refusal, VncPassword};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use vsphere::Watch;
use ws_proto::{
    Close, CloseCode, Decoder, Event, FrameBuffer, Kind, Opcode, Role, Upgrade, UpgradeError,
    control,
};

use super::address::Address;
use super::mask_keys::MaskKeys;
use super::slots::Slot;
use super::stream::Stream;
use super::target::{By, Request, Route, Target};
use super::transport::Transport;
use crate::error::Error;
use crate::printable::printable;
use crate::progress::{Observer, Progress};
use crate::secret::Secret;
use crate::socket;
use crate::socket::PARTING;
use crate::{happy_eyeballs, proxy, tls};

/// A console whose ServerInit comes next, once it is sent a ClientInit.
pub struct OpenConsole {
    /// The connection to its host.
    pub link: HostLink,
    /// Its place on its host, where those are counted.
    pub slot: Option<Slot>,
    /// What becomes of the VM, where somebody watches.
    pub watch: Option<Watch>,
}

/// One connection to a console's host: the socket, TLS, and the state of the WebSocket in it.
pub struct HostLink {
    /// Host and port, as errors and the log name them.
    pub address: Address,
    /// The connection.
    pub stream: Stream,
    /// Where its frames stand.
    pub decoder: Decoder,
    /// What was read and is not decoded yet.
    pub input: BytesMut,
    /// What was decoded and is not consumed yet.
    pub payload: BytesMut,
    /// For the frames to come.
    pub keys: MaskKeys,
    /// How many WebSocket pongs have come, outside of a relay.
    pub pongs: u32,
}

impl OpenConsole {
    /// Spends a ticket: after this the console is open, or the ticket of no use any more. `observer` is told of each
    /// step.
    pub(crate) async fn dial(target: Target, observer: &Observer) -> Result<Self, Error> {
        // Boxed: keeps this future out of the session's.
        let link = Box::pin(async {
            let mut link = HostLink::begin(&target, observer).await?;
            let password = target.password.as_ref();
            link.enter(target.request.by, password, observer).await?;
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
    /// Opens the WebSocket and says nothing in it.
    pub(crate) async fn open(target: &Target) -> Result<Self, Error> {
        // Boxed, as above.
        Box::pin(Self::begin(target, &|_| {})).await
    }

    /// TCP, TLS where that is due, and the WebSocket's opening handshake.
    async fn begin(target: &Target, observer: &Observer) -> Result<Self, Error> {
        let Target {
            address,
            route,
            tls,
            request,
            ..
        } = target;
        let socket = connect(address, route).await?;
        observer(Progress::Connected {
            host: address,
            peer: socket.peer_addr().ok(),
        });
        let mut input = BytesMut::new();
        let stream = match tls {
            Some(tls) => encrypt(target, socket, tls.clone(), &mut input).await?,
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

    /// The WebSocket's opening handshake. The host's first frame may share a segment with its answer: it
    /// stays in `input`.
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
        .map_err(|error| Error::Setup(format!("{} cannot be asked: {error}", self.address)))?;
        self.stream
            .write_all(upgrade.request())
            .await
            .map_err(|error| self.broke(&error))?;
        loop {
            match upgrade.read_answer(&mut self.input) {
                Ok(true) => return Ok(()),
                Ok(false) => self.read().await?,
                Err(source) => return Err(self.refused(request.by, source)),
            }
        }
    }

    /// RFB version and security with the host, up to its SecurityResult.
    async fn enter(
        &mut self,
        by: By,
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
                    return Err(Error::Setup("TLS inside TLS is not spoken".into()));
                }
                Err(source) => return Err(self.not_let_in(by, source)),
            }
        }
    }

    /// Adds what comes next to `payload`.
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
                        .map_err(|error| self.broke(&error))?;
                }
                Some(Event::Pong(_)) => self.pongs = self.pongs.saturating_add(1),
                Some(Event::Close(said)) => {
                    let how = said
                        .map_or_else(|| "a Close without a code".into(), |close| in_words(&close));
                    return Err(self.left(how));
                }
                None => self.read().await?,
            }
        }
    }

    /// Sends `bytes` as one message.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut buffer = FrameBuffer::new(bytes.len());
        buffer.payload_mut().copy_from_slice(bytes);
        let key = self.key()?;
        let frame = buffer.frame(bytes.len(), Opcode::Binary, Some(key));
        self.stream
            .write_all(frame)
            .await
            .map_err(|error| self.broke(&error))
    }

    /// Sends a ping.
    pub async fn ping(&mut self) -> Result<(), Error> {
        let ping = control(Opcode::Ping, b"mksgate", Some(self.key()?));
        let sent = self.stream.write_all(&ping).await;
        sent.map_err(|error| self.broke(&error))
    }

    /// Ends the conversation in order (RFC 6455 section 7.1.1), as far as the host takes part in that.
    pub async fn close(mut self) {
        // The host may already be gone.
        let _ = timeout(PARTING, self.part()).await;
    }

    async fn part(&mut self) -> Result<(), Error> {
        let goodbye = Close::new(CloseCode::NORMAL).payload();
        let goodbye = control(Opcode::Close, &goodbye, Some(self.key()?));
        let sent = self.stream.write_all(&goodbye).await;
        sent.map_err(|error| self.broke(&error))?;
        // Its Close is among what ends this.
        while self.receive().await.is_ok() {
            self.payload.clear();
        }
        let last_words = self.stream.transport.last_words();
        let socket = &mut self.stream.socket;
        let ended = async {
            socket.write_all(&last_words).await?;
            socket.shutdown().await
        };
        ended.await.map_err(|error| self.broke(&error))
    }

    async fn read(&mut self) -> Result<(), Error> {
        match self.stream.read(&mut self.input).await {
            Ok(0) => Err(self.left("it closed the connection".into())),
            Ok(_) => Ok(()),
            Err(error) => Err(self.broke(&error)),
        }
    }

    fn key(&mut self) -> Result<ws_proto::MaskKey, Error> {
        self.keys
            .draw()
            .map_err(|error| Error::Setup(format!("no randomness: {error}")))
    }

    fn refused(&self, by: By, source: UpgradeError) -> Error {
        let address = self.address.to_string();
        match by {
            By::Ticket => Error::Upgrade { address, source },
            By::Url => Error::UrlRefused { address, source },
        }
    }

    fn not_let_in(&self, by: By, source: Refusal) -> Error {
        let address = self.address.to_string();
        match (by, &source) {
            (By::Ticket, Refusal::PasswordNeeded) => Error::VmPasswordNeeded { address },
            _ => Error::EsxiRefused { address, source },
        }
    }

    fn broke(&self, error: &io::Error) -> Error {
        self.left(error.to_string())
    }

    fn left(&self, how: String) -> Error {
        Error::EsxiLeft {
            address: self.address.to_string(),
            how,
        }
    }
}

/// A close frame in words, for the log.
pub fn in_words(close: &Close) -> String {
    let reason = printable(&close.reason);
    match reason.is_empty() {
        true => format!("close code {}", close.code.get()),
        false => format!("close code {}, {reason}", close.code.get()),
    }
}

/// TCP to the console's host, or to the proxy on the way to it.
async fn connect(address: &Address, route: &Route) -> Result<TcpStream, Error> {
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

async fn encrypt(
    Target {
        address, request, ..
    }: &Target,
    socket: TcpStream,
    tls: ClientConfig,
    early: &mut BytesMut,
) -> Result<Stream, Error> {
    let name = ServerName::try_from(address.without_zone().to_owned()).map_err(|_| {
        Error::Setup(format!(
            "{} is no name that TLS could verify: use another, or console_address",
            address.host
        ))
    })?;
    let connected = Stream::encrypted(tls, name, socket, early).await;
    connected.map_err(|source| {
        let address = address.to_string();
        let trouble = source
            .get_ref()
            .and_then(|inner| inner.downcast_ref())
            .and_then(tls::certificate_trouble);
        match trouble {
            Some(trouble) => Error::Certificate {
                address,
                trouble,
                key: match request.by {
                    By::Ticket => "console_trust",
                    By::Url => "trust",
                },
            },
            None => Error::Tls { address, source },
        }
    })
}
