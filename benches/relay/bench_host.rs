//! The host of all relays: a simulated ESXi issues tickets, and this host serves their consoles.
//!
//! On TLS it speaks RFB in a WebSocket to clients that begin with a GET request and have a ticket; to all others, and on
//! plain TCP, it speaks RFB without frames. Then it does what the viewer's messages order, see [`Order`]. Since mksgate
//! parses RFB, orders are PointerEvents with special positions, and the host sends updates.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use esxi_sim::{Host, Settings, VmSettings};
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, SupportedProtocolVersion, version};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_util::task::TaskTracker;
use ws_proto::{Decoder, Event, Opcode, Role};

use crate::comparison;
use crate::mix::{EncodedUpdates, Mix, update};

/// What a viewer orders, as a PointerEvent (RFC 6143 section 7.5.5) whose position is a code.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// An event that is answered.
    Event,
    /// The last event that is answered.
    LastEvent,
    /// From now on an update of 64 bytes is sent for every so many events.
    Answer(u16),
    /// A mix of updates, sent so many times.
    Send(Mix, u16),
    /// So many MiB of updates while the viewer sends too, see [`comparison`](crate::comparison).
    Compare(u16),
}

/// How many bytes an answer has.
pub(crate) const ANSWER: usize = 64;

impl Order {
    pub(crate) fn bytes(self) -> [u8; 6] {
        let (what, [high, low]) = match self {
            Self::Event => ([0, 0], [0, 0]),
            Self::LastEvent => ([0, 1], [0, 0]),
            Self::Answer(every) => ([1, 0], every.to_be_bytes()),
            Self::Send(mix, passes) => ([2, mix as u8], passes.to_be_bytes()),
            Self::Compare(mib) => ([3, 0], mib.to_be_bytes()),
        };
        [5, 0, what[0], what[1], high, low]
    }

    /// `None` for a message of the gateway's own.
    fn from_message(message: &[u8]) -> Option<Self> {
        let &[5, _, kind, mix, high, low] = message else {
            return None;
        };
        let count = u16::from_be_bytes([high, low]);
        Some(match (kind, mix) {
            (0, 0) => Self::Event,
            (0, _) => Self::LastEvent,
            (1, _) => Self::Answer(count),
            (2, mix) => Self::Send(Mix::from_code(mix), count),
            (3, _) => Self::Compare(count),
            _ => panic!("no order"),
        })
    }
}

/// What follows the security handshake: a screen in VMware's own pixel format.
const SERVER_INIT: &[u8] = &[
    8, 0, 6, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0, 0, 0, 0, 4, b'v', b'm',
    b'0', b'8',
];

/// How much is encrypted before it is sent.
const BATCH: usize = 256 << 10;

/// The host, for as long as the bench runs.
pub(crate) struct BenchHost {
    pub(crate) sdk: SocketAddr,
    pub(crate) tls: SocketAddr,
    pub(crate) tls12: SocketAddr,
    pub(crate) tcp: SocketAddr,
    _host: Host,
}

impl BenchHost {
    pub(crate) async fn start() -> Self {
        let host = Host::start(Settings {
            vms: vec![VmSettings::desktop("vm08")],
            clock: false,
            ..Settings::default()
        })
        .await
        .unwrap();
        let tasks = TaskTracker::new();
        let tls = listen_tls(&tasks, &[&version::TLS13]).await;
        let tls12 = listen_tls(&tasks, &[&version::TLS12]).await;
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let bench_host = Self {
            sdk: host.address(),
            tls,
            tls12,
            tcp: tcp.local_addr().unwrap(),
            _host: host,
        };
        let sessions = tasks.clone();
        tasks.spawn(async move {
            loop {
                let (socket, _) = tcp.accept().await.unwrap();
                socket.set_nodelay(true).unwrap();
                // Ignored on purpose: sessions end when the viewer has what it wants.
                sessions.spawn(async move { drop(serve(Line::Tcp(socket)).await) });
            }
        });
        bench_host
    }
}

async fn listen_tls(
    tasks: &TaskTracker,
    versions: &[&'static SupportedProtocolVersion],
) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (acceptor, sessions) = (acceptor(versions), tasks.clone());
    tasks.spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            socket.set_nodelay(true).unwrap();
            let acceptor = acceptor.clone();
            sessions.spawn(async move {
                if let Ok(stream) = acceptor.accept(socket).await {
                    // Ignored on purpose: as above.
                    let _ = serve(Line::Tls(Box::new(stream))).await;
                }
            });
        }
    });
    address
}

fn acceptor(versions: &[&'static SupportedProtocolVersion]) -> TlsAcceptor {
    let identity = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(identity.signing_key.serialize_der());
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.cert.der().clone()], PrivateKeyDer::Pkcs8(key))
        .unwrap();
    config.send_tls13_tickets = 1;
    TlsAcceptor::from(Arc::new(config))
}

enum Line {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A session: what was read of it and what that means.
struct Session {
    line: Line,
    input: BytesMut,
    payload: BytesMut,
    /// Where it speaks WebSocket.
    decoder: Option<Decoder>,
}

async fn serve(line: Line) -> std::io::Result<()> {
    let mut session = Session {
        line,
        input: BytesMut::new(),
        payload: BytesMut::new(),
        decoder: None,
    };
    session.greet().await?;
    loop {
        match session.order().await? {
            Order::Send(mix, passes) => {
                for _ in 0..passes {
                    session.pass(mix).await?;
                }
            }
            Order::Answer(every) => session.answer(every).await?,
            Order::Compare(mib) => return session.compare(mib).await,
            Order::Event | Order::LastEvent => panic!("an event without an order"),
        }
    }
}

impl Session {
    /// Finds out what is spoken, and gets to where the first order comes.
    async fn greet(&mut self) -> std::io::Result<()> {
        self.need(4).await?;
        if !self.payload.starts_with(b"GET ") {
            return Ok(());
        }
        let head = loop {
            let found = self.payload.windows(4).position(|end| end == b"\r\n\r\n");
            match found {
                Some(at) => break self.payload.split_to(at + 4),
                None => self.need(self.payload.len() + 1).await?,
            }
        };
        let head = String::from_utf8_lossy(&head).into_owned();
        let key = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"))
            .map_or("", |(_, key)| key.trim());
        let accept = derive_accept_key(key.as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: binary\r\n\r\n"
        );
        self.write(answer.as_bytes()).await?;
        self.input = std::mem::take(&mut self.payload);
        self.decoder = Some(Decoder::new(Role::Server));
        if head.starts_with("GET /ticket/") {
            self.shake_hands().await?;
        }
        Ok(())
    }

    /// RFB 3.8 without security, up to ClientInit.
    async fn shake_hands(&mut self) -> std::io::Result<()> {
        for (say, hear) in [(&b"RFB 003.008\n"[..], 12), (&[1, 1], 1), (&[0; 4], 1)] {
            self.send(say).await?;
            self.need(hear).await?;
            self.payload.advance(hear);
        }
        self.send(SERVER_INIT).await
    }

    async fn order(&mut self) -> std::io::Result<Order> {
        loop {
            self.need(4).await?;
            let length = match self.payload[0] {
                0 => 20,
                2 => 4 + 4 * usize::from(u16::from_be_bytes([self.payload[2], self.payload[3]])),
                3 => 10,
                5 => 6,
                other => panic!("message {other}"),
            };
            self.need(length).await?;
            if let Some(order) = Order::from_message(&self.payload.split_to(length)) {
                return Ok(order);
            }
        }
    }

    /// Until so much was understood.
    async fn need(&mut self, count: usize) -> std::io::Result<()> {
        loop {
            match &mut self.decoder {
                None => self.payload.unsplit(self.input.split()),
                Some(decoder) => {
                    while let Some(event) = decoder.decode(&mut self.input).unwrap() {
                        match event {
                            Event::Data { payload, .. } => self.payload.extend_from_slice(&payload),
                            _ => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                        }
                    }
                }
            }
            if self.payload.len() >= count {
                return Ok(());
            }
            self.input.reserve(4096);
            let read = match &mut self.line {
                Line::Tcp(socket) => socket.read_buf(&mut self.input).await?,
                Line::Tls(stream) => stream.read_buf(&mut self.input).await?,
            };
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    async fn answer(&mut self, every: u16) -> std::io::Result<()> {
        let answer: Vec<u8> = update(ANSWER).collect();
        let mut events = 0;
        loop {
            let order = self.order().await?;
            events += 1;
            if events == every {
                events = 0;
                self.send(&answer).await?;
            }
            if let Order::LastEvent = order {
                return Ok(());
            }
        }
    }

    async fn compare(self, mib: u16) -> std::io::Result<()> {
        let (Line::Tls(stream), Some(decoder)) = (self.line, self.decoder) else {
            panic!("only frames on TLS are compared");
        };
        comparison::host(*stream, decoder, self.input, self.payload, mib).await
    }

    async fn send(&mut self, payload: &[u8]) -> std::io::Result<()> {
        if self.decoder.is_none() {
            return self.write(payload).await;
        }
        let mut frame = vec![0x80 | Opcode::Binary as u8, payload.len() as u8];
        frame.extend_from_slice(payload);
        self.write(&frame).await
    }

    async fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        match &mut self.line {
            Line::Tcp(socket) => write(socket, bytes).await,
            Line::Tls(stream) => write(stream, bytes).await,
        }
    }

    async fn pass(&mut self, mix: Mix) -> std::io::Result<()> {
        let encoded = match self.decoder {
            Some(_) => mix.framed(),
            None => mix.bare(),
        };
        match &mut self.line {
            Line::Tcp(socket) => socket.write_all(&encoded.bytes).await,
            Line::Tls(stream) => encrypt(stream, encoded, mix == Mix::VncRecords).await,
        }
    }
}

async fn write(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    bytes: &[u8],
) -> std::io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// Full records, or records of their own for each frame; many per system call either way.
async fn encrypt(
    stream: &mut TlsStream<TcpStream>,
    encoded: &EncodedUpdates,
    own_records: bool,
) -> std::io::Result<()> {
    stream.get_mut().1.set_buffer_limit(None);
    if !own_records {
        for batch in encoded.bytes.chunks(BATCH) {
            stream.get_mut().1.writer().write_all(batch)?;
            stream.flush().await?;
        }
        return Ok(());
    }
    let mut waiting = 0;
    for frame in &encoded.frames {
        stream
            .get_mut()
            .1
            .writer()
            .write_all(&encoded.bytes[frame.clone()])?;
        waiting += frame.len();
        if waiting >= BATCH {
            waiting = 0;
            stream.flush().await?;
        }
    }
    stream.flush().await
}
