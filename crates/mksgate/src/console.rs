//! The console's side of a session: TCP, TLS, WebSocket and RFB handshake with ESXi.

use std::io;
use std::net::SocketAddr;

use bytes::BytesMut;
use rfb_proto::{Client, ClientStep};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpStream;
use url::Url;
use vsphere::Watch;
use ws_proto::{Decoder, Event, FrameBuffer, Kind, Opcode, Role, Upgrade, control};

use crate::address::Address;
use crate::config::Secret;
use crate::error::Failure;
use crate::mask_keys::MaskKeys;
use crate::slots::Slot;
use crate::tls_wire::TlsWire;
use crate::{proxy, socket, tls};

/// ESXi drops the connection where this is not offered (`docs/webmks.md` 2.1).
const SUBPROTOCOL: &str = "binary";

/// What is known of a console before it is dialled. It is spent by the dial, as its ticket is.
pub(crate) struct Target {
    /// Host and port, as errors and TLS name them.
    pub(crate) address: Address,
    /// How to get there.
    pub(crate) route: Route,
    /// The one-time credential.
    pub(crate) ticket: SecretString,
    /// Whom to believe to be that host.
    pub(crate) tls: ClientConfig,
    /// The console's place on its host.
    pub(crate) slot: Slot,
    /// What becomes of the VM.
    pub(crate) watch: Watch,
}

/// The way to a console's host.
pub(crate) enum Route {
    /// To one of these addresses; there is one at least.
    Direct(Vec<SocketAddr>),
    /// Through a proxy, which looks the name up.
    Proxy(Secret<Url>),
}

/// A console whose ServerInit comes next, once it is sent a ClientInit.
pub(crate) struct Console {
    /// The connection.
    pub(crate) wire: Wire,
    /// Host and port, for the log.
    pub(crate) address: Address,
    /// Its place on its host.
    pub(crate) slot: Slot,
    /// What becomes of the VM.
    pub(crate) watch: Watch,
}

/// A WebSocket to ESXi, and where it stands.
pub(crate) struct Wire {
    /// The connection.
    pub(crate) stream: TlsWire,
    /// Where its frames stand.
    pub(crate) decoder: Decoder,
    /// What was read and is not decoded yet.
    pub(crate) input: BytesMut,
    /// What was decoded and is not consumed yet.
    pub(crate) payload: BytesMut,
    /// For the frames to come.
    pub(crate) keys: MaskKeys,
}

impl Console {
    /// Spends a ticket: after this the console is open, or the ticket of no use any more.
    pub(crate) async fn dial(target: Target) -> Result<Self, Failure> {
        // Apart, so that an open session does not go on holding the room that this takes.
        Box::pin(Self::open(target)).await
    }

    async fn open(target: Target) -> Result<Self, Failure> {
        let Target {
            address,
            route,
            ticket,
            tls,
            slot,
            watch,
        } = target;
        let socket = connect(&address, &route).await?;
        let mut input = BytesMut::new();
        let stream = secure(&address, socket, tls, &mut input).await?;
        let wire = Wire {
            stream,
            decoder: Decoder::new(Role::Client),
            input,
            payload: BytesMut::new(),
            keys: MaskKeys::new(),
        };
        let mut handshake = Handshake {
            wire,
            address: &address,
        };
        handshake.upgrade(&ticket).await?;
        handshake.enter().await?;
        let wire = handshake.wire;
        Ok(Self {
            wire,
            address,
            slot,
            watch,
        })
    }
}

/// What the dial does once there is a connection.
struct Handshake<'a> {
    wire: Wire,
    address: &'a Address,
}

impl Handshake<'_> {
    /// The WebSocket's opening handshake. ESXi's first frame may share a segment with its answer: it
    /// stays in `input`.
    async fn upgrade(&mut self, ticket: &SecretString) -> Result<(), Failure> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce)
            .map_err(|error| Failure::Setup(format!("no randomness: {error}")))?;
        let path = format!("/ticket/{}", ticket.expose_secret());
        let upgrade = Upgrade::new(
            &self.address.authority(),
            &path,
            Some(SUBPROTOCOL),
            nonce,
            &[],
        )
        .map_err(|error| Failure::Setup(format!("vSphere's answer cannot be dialled: {error}")))?;
        self.wire
            .stream
            .write_all(upgrade.request())
            .await
            .map_err(|error| self.broke(&error))?;
        loop {
            match upgrade.read_answer(&mut self.wire.input) {
                Ok(true) => return Ok(()),
                Ok(false) => self.read().await?,
                Err(source) => {
                    return Err(Failure::Upgrade {
                        address: self.address.to_string(),
                        source,
                    });
                }
            }
        }
    }

    /// RFB version and security with ESXi, up to its SecurityResult.
    async fn enter(&mut self) -> Result<(), Failure> {
        let mut client = Client::new(None);
        let mut output = BytesMut::new();
        loop {
            let step = client.advance(&mut self.wire.payload, &mut output);
            if !output.is_empty() {
                self.send(&output.split()).await?;
            }
            match step {
                Ok(ClientStep::Ready(_)) => return Ok(()),
                Ok(ClientStep::More) => self.receive().await?,
                Ok(ClientStep::StartTls) => {
                    return Err(Failure::Setup("TLS inside TLS is not spoken".into()));
                }
                Err(source) => {
                    return Err(Failure::EsxiRefused {
                        address: self.address.to_string(),
                        source,
                    });
                }
            }
        }
    }

    /// Adds what comes next to `payload`.
    async fn receive(&mut self) -> Result<(), Failure> {
        loop {
            match self.wire.decoder.decode(&mut self.wire.input)? {
                Some(Event::Data {
                    kind: Kind::Text, ..
                }) => return Err(Failure::Text),
                Some(Event::Data { payload, .. }) => {
                    self.wire.payload.extend_from_slice(&payload);
                    return Ok(());
                }
                Some(Event::Ping(payload)) => {
                    let pong = control(Opcode::Pong, &payload, Some(self.key()?));
                    self.wire
                        .stream
                        .write_all(&pong)
                        .await
                        .map_err(|error| self.broke(&error))?;
                }
                Some(Event::Pong(_)) => {}
                Some(Event::Close(said)) => {
                    let how = said
                        .map_or_else(|| "a Close without a code".into(), |close| in_words(&close));
                    return Err(self.left(how));
                }
                None => self.read().await?,
            }
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let mut buffer = FrameBuffer::new(bytes.len());
        buffer.payload_mut().copy_from_slice(bytes);
        let key = self.key()?;
        let frame = buffer.frame(bytes.len(), Opcode::Binary, Some(key));
        self.wire
            .stream
            .write_all(frame)
            .await
            .map_err(|error| self.broke(&error))
    }

    async fn read(&mut self) -> Result<(), Failure> {
        match self.wire.stream.read(&mut self.wire.input).await {
            Ok(0) => Err(self.left("it closed the connection".into())),
            Ok(_) => Ok(()),
            Err(error) => Err(self.broke(&error)),
        }
    }

    fn key(&mut self) -> Result<ws_proto::MaskKey, Failure> {
        self.wire
            .keys
            .draw()
            .map_err(|error| Failure::Setup(format!("no randomness: {error}")))
    }

    fn broke(&self, error: &io::Error) -> Failure {
        self.left(error.to_string())
    }

    fn left(&self, how: String) -> Failure {
        Failure::EsxiLeft {
            address: self.address.to_string(),
            how,
        }
    }
}

/// A close frame in words, for the log.
pub(crate) fn in_words(close: &ws_proto::Close) -> String {
    let reason: String = close.reason.chars().filter(|c| !c.is_control()).collect();
    match reason.is_empty() {
        true => format!("close code {}", close.code.get()),
        false => format!("close code {}, {reason}", close.code.get()),
    }
}

/// One address after the other: the last error is told.
async fn connect(address: &Address, route: &Route) -> Result<TcpStream, Failure> {
    let unreachable = |source| Failure::Unreachable {
        address: address.to_string(),
        source,
    };
    let socket = match route {
        Route::Direct(resolved) => TcpStream::connect(resolved.as_slice()).await,
        Route::Proxy(url) => proxy::connect(url.expose(), address).await,
    };
    let socket = socket.map_err(unreachable)?;
    socket::prepare_console(&socket).map_err(unreachable)?;
    Ok(socket)
}

async fn secure(
    address: &Address,
    socket: TcpStream,
    tls: ClientConfig,
    early: &mut BytesMut,
) -> Result<TlsWire, Failure> {
    let name = ServerName::try_from(address.host.clone()).map_err(|_| {
        Failure::Setup(format!(
            "{} is no name that TLS could verify: use console_address",
            address.host
        ))
    })?;
    let connected = TlsWire::connect(tls, name, socket, early).await;
    connected.map_err(|source| {
        let address = address.to_string();
        let trouble = source
            .get_ref()
            .and_then(|inner| inner.downcast_ref())
            .and_then(tls::certificate_trouble);
        match trouble {
            Some(trouble) => Failure::Certificate { address, trouble },
            None => Failure::Tls { address, source },
        }
    })
}
