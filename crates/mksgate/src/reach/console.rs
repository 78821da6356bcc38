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
use crate::config::Secret;
use crate::error::Failure;
use crate::milestone::{Milestone, Witness};
use crate::printable::printable;
use crate::reach::{proxy, tls};
use crate::relay::PARTING;
use crate::socket;

/// A console whose ServerInit comes next, once it is sent a ClientInit.
pub(crate) struct Console {
    /// The connection.
    pub(crate) wire: Wire,
    /// Host and port, for the log.
    pub(crate) address: Address,
    /// Its place on its host, where those are counted.
    pub(crate) slot: Option<Slot>,
    /// What becomes of the VM, where somebody watches.
    pub(crate) watch: Option<Watch>,
}

/// A WebSocket to a console's host, and where it stands.
pub(crate) struct Wire {
    /// The connection.
    pub(crate) stream: Stream,
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
        Self::dial_witnessed(target, &|_| {}).await
    }

    /// As [`Console::dial`], and tells `witness` of each milestone.
    pub(crate) async fn dial_witnessed(target: Target, witness: &Witness) -> Result<Self, Failure> {
        // Apart, so that an open session does not go on holding the room that this takes.
        Box::pin(Self::open(target, witness)).await
    }

    async fn open(target: Target, witness: &Witness) -> Result<Self, Failure> {
        let mut talk = Talk::begin(&target, witness).await?;
        talk.enter(target.request.by, target.password.as_ref(), witness)
            .await?;
        Ok(Self {
            wire: talk.wire,
            address: talk.address,
            slot: target.slot,
            watch: target.watch,
        })
    }
}

impl Wire {
    /// Opens the WebSocket and says nothing in it.
    pub(crate) async fn open(target: &Target) -> Result<Self, Failure> {
        // Apart, as the dial is.
        Ok(Box::pin(Talk::begin(target, &|_| {})).await?.wire)
    }
}

/// What is said to a console's host outside of a relay: by the dial, and by mksgate's own eyes and hands.
pub(crate) struct Talk {
    /// The connection.
    pub(crate) wire: Wire,
    /// Host and port, as errors name them.
    pub(crate) address: Address,
}

impl Talk {
    /// TCP, TLS where that is due, and the WebSocket's opening handshake.
    async fn begin(target: &Target, witness: &Witness) -> Result<Self, Failure> {
        let Target {
            address,
            route,
            tls,
            request,
            ..
        } = target;
        let socket = connect(address, route).await?;
        witness(Milestone::Connected {
            host: address,
            peer: socket.peer_addr().ok(),
        });
        let mut input = BytesMut::new();
        let stream = match tls {
            Some(tls) => encrypt(target, socket, tls.clone(), &mut input).await?,
            None => Stream::plain(socket),
        };
        if let Transport::Tls(session) = &stream.transport {
            witness(Milestone::Secured(session));
        }
        let wire = Wire {
            stream,
            decoder: Decoder::new(Role::Client),
            input,
            payload: BytesMut::new(),
            keys: MaskKeys::new(),
        };
        let address = address.clone();
        let mut talk = Self { wire, address };
        talk.upgrade(request).await?;
        witness(Milestone::Upgraded {
            subprotocol: request.subprotocol.as_deref(),
        });
        Ok(talk)
    }

    /// The WebSocket's opening handshake. The host's first frame may share a segment with its answer: it
    /// stays in `input`.
    async fn upgrade(&mut self, request: &Request) -> Result<(), Failure> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce)
            .map_err(|error| Failure::Setup(format!("no randomness: {error}")))?;
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
        .map_err(|error| Failure::Setup(format!("{} cannot be asked: {error}", self.address)))?;
        self.wire
            .stream
            .write_all(upgrade.request())
            .await
            .map_err(|error| self.broke(&error))?;
        loop {
            match upgrade.read_answer(&mut self.wire.input) {
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
        witness: &Witness,
    ) -> Result<(), Failure> {
        let mut client = Client::new(password.map(|password| password.expose().clone()));
        let mut output = BytesMut::new();
        loop {
            let step = client.advance(&mut self.wire.payload, &mut output);
            if !output.is_empty() {
                self.send(&output.split()).await?;
            }
            match step {
                Ok(ClientStep::Ready(ready)) => {
                    witness(Milestone::Entered {
                        ready,
                        offered: client.offered(),
                    });
                    return Ok(());
                }
                Ok(ClientStep::More) => self.receive().await?,
                Ok(ClientStep::StartTls) => {
                    return Err(Failure::Setup("TLS inside TLS is not spoken".into()));
                }
                Err(source) => return Err(self.not_let_in(by, source)),
            }
        }
    }

    /// Adds what comes next to `payload`.
    pub(crate) async fn receive(&mut self) -> Result<(), Failure> {
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

    /// Sends `bytes` as one message.
    pub(crate) async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
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

    /// Ends the conversation in order (RFC 6455 section 7.1.1), as far as the host takes part in that.
    pub(crate) async fn close(mut self) {
        // Ignored on purpose: whoever is gone need not be told.
        let _ = timeout(PARTING, self.part()).await;
    }

    async fn part(&mut self) -> Result<(), Failure> {
        let goodbye = Close::new(CloseCode::NORMAL).payload();
        let goodbye = control(Opcode::Close, &goodbye, Some(self.key()?));
        let sent = self.wire.stream.write_all(&goodbye).await;
        sent.map_err(|error| self.broke(&error))?;
        // Its Close is among what ends this.
        while self.receive().await.is_ok() {
            self.wire.payload.clear();
        }
        let last_words = self.wire.stream.transport.last_words();
        let socket = &mut self.wire.stream.socket;
        let ended = async {
            socket.write_all(&last_words).await?;
            socket.shutdown().await
        };
        ended.await.map_err(|error| self.broke(&error))
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

    fn refused(&self, by: By, source: UpgradeError) -> Failure {
        let address = self.address.to_string();
        match by {
            By::Ticket => Failure::Upgrade { address, source },
            By::Url => Failure::UrlRefused { address, source },
        }
    }

    fn not_let_in(&self, by: By, source: Refusal) -> Failure {
        let address = self.address.to_string();
        match (by, &source) {
            (By::Ticket, Refusal::PasswordNeeded) => Failure::VmPasswordNeeded { address },
            _ => Failure::EsxiRefused { address, source },
        }
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
pub(crate) fn in_words(close: &Close) -> String {
    let reason = printable(&close.reason);
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

async fn encrypt(
    Target {
        address, request, ..
    }: &Target,
    socket: TcpStream,
    tls: ClientConfig,
    early: &mut BytesMut,
) -> Result<Stream, Failure> {
    let name = ServerName::try_from(address.without_zone().to_owned()).map_err(|_| {
        Failure::Setup(format!(
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
            Some(trouble) => Failure::Certificate {
                address,
                trouble,
                key: match request.by {
                    By::Ticket => "console_trust",
                    By::Url => "trust",
                },
            },
            None => Failure::Tls { address, source },
        }
    })
}
