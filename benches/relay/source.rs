//! The host behind all relays: a simulated ESXi hands out tickets, and this answers for its consoles.
//!
//! On TLS it speaks WebSocket to who begins with a GET, and RFB in it to who has a ticket; to the others, and on
//! plain TCP, it speaks without frames. Then it does what the viewer says, in messages of 16 bytes: see [`Order`].

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use esxi_sim::{Host, Settings, VmSettings};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_util::task::TaskTracker;
use ws_proto::{Decoder, Event, Opcode, Role};

use crate::mix::{Mix, Wire};

/// What a viewer may ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    /// So many passes of a mix.
    Send(Mix, u64),
    /// From now on 64 bytes for each event of 8, or for every so many.
    Answer(u64),
}

impl Order {
    pub(crate) const SIZE: usize = 16;

    pub(crate) fn bytes(self) -> [u8; Self::SIZE] {
        let (kind, mix, count) = match self {
            Self::Send(mix, passes) => (b'S', mix as u8, passes),
            Self::Answer(every) => (b'A', 0, every),
        };
        let mut bytes = [0; Self::SIZE];
        bytes[..2].copy_from_slice(&[kind, mix]);
        bytes[8..].copy_from_slice(&count.to_be_bytes());
        bytes
    }

    fn from_bytes(mut bytes: &[u8]) -> Self {
        let (kind, mix) = (bytes.get_u8(), bytes.get_u8());
        bytes.advance(6);
        match kind {
            b'S' => Self::Send(Mix::from_code(mix), bytes.get_u64()),
            b'A' => Self::Answer(bytes.get_u64()),
            _ => panic!("no order"),
        }
    }
}

/// How much is encrypted before it is sent.
const BATCH: usize = 256 << 10;

/// The host, for as long as the bench runs.
pub(crate) struct Source {
    pub(crate) sdk: SocketAddr,
    pub(crate) tls: SocketAddr,
    pub(crate) tcp: SocketAddr,
    _host: Host,
}

impl Source {
    pub(crate) async fn start() -> Self {
        let host = Host::start(Settings {
            vms: vec![VmSettings::desktop("vm08")],
            clock: false,
            ..Settings::default()
        })
        .await
        .unwrap();
        let tasks = TaskTracker::new();
        let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
        let (tls, tcp) = (listen().await.unwrap(), listen().await.unwrap());
        let source = Self {
            sdk: host.address(),
            tls: tls.local_addr().unwrap(),
            tcp: tcp.local_addr().unwrap(),
            _host: host,
        };
        let acceptor = acceptor();
        let sessions = tasks.clone();
        tasks.spawn(async move {
            loop {
                let (socket, _) = tls.accept().await.unwrap();
                socket.set_nodelay(true).unwrap();
                let acceptor = acceptor.clone();
                sessions.spawn(async move {
                    let Ok(stream) = acceptor.accept(socket).await else {
                        return;
                    };
                    // Ignored on purpose: sessions end when the viewer has what it wants.
                    let _ = serve(Line::Tls(Box::new(stream))).await;
                });
            }
        });
        let sessions = tasks.clone();
        tasks.spawn(async move {
            loop {
                let (socket, _) = tcp.accept().await.unwrap();
                socket.set_nodelay(true).unwrap();
                // Ignored on purpose: as above.
                sessions.spawn(async move { drop(serve(Line::Tcp(socket)).await) });
            }
        });
        source
    }
}

fn acceptor() -> TlsAcceptor {
    let identity = rcgen::generate_simple_self_signed(["localhost".into()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(identity.signing_key.serialize_der());
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
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
        session.need(Order::SIZE).await?;
        match Order::from_bytes(&session.payload.split_to(Order::SIZE)) {
            Order::Send(mix, passes) => {
                for _ in 0..passes {
                    session.pass(mix).await?;
                }
            }
            Order::Answer(every) => session.answer(every).await?,
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
        Ok(())
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

    async fn answer(&mut self, every: u64) -> std::io::Result<()> {
        let mut events = 0;
        loop {
            self.need(8).await?;
            let stop = self.payload.split_to(8)[0] == b'!';
            events += 1;
            if events % every == 0 {
                self.send(&[7; 64]).await?;
            }
            if stop {
                return Ok(());
            }
        }
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
        let wire = match self.decoder {
            Some(_) => mix.framed(),
            None => mix.bare(),
        };
        match &mut self.line {
            Line::Tcp(socket) => socket.write_all(&wire.bytes).await,
            Line::Tls(stream) => encrypt(stream, wire, mix == Mix::VncRecords).await,
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
    wire: &Wire,
    own_records: bool,
) -> std::io::Result<()> {
    stream.get_mut().1.set_buffer_limit(None);
    if !own_records {
        for batch in wire.bytes.chunks(BATCH) {
            stream.get_mut().1.writer().write_all(batch)?;
            stream.flush().await?;
        }
        return Ok(());
    }
    let mut waiting = 0;
    for frame in &wire.frames {
        stream
            .get_mut()
            .1
            .writer()
            .write_all(&wire.bytes[frame.clone()])?;
        waiting += frame.len();
        if waiting >= BATCH {
            waiting = 0;
            stream.flush().await?;
        }
    }
    stream.flush().await
}
