//! The peers of a relay without sockets: ESXi's end of TLS, a stream, a viewer.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion, version};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ws_proto::{Decoder, Header, MAX_HEADER, Opcode, Role};

use super::super::decrypted::Decrypted;
use super::super::pending_reply::PendingReply;
use super::super::shared_dialogue::SharedDialogue;
use super::super::to_viewer::{self, HostReader, ToViewerEnd};
use super::super::{Traffic, ViewerPolicy};
use console::crypto;
use console::tls::Trust;
use console::tls_session::{ReceiveBuffer, TlsSession};
use console::transport::Transport;
use dialect::{Dialogue, HostKind, InputSettings};

/// Both versions, with rustls' records and with ours.
pub(super) const KINDS: [Kind; 4] = [
    Kind::new(&version::TLS12, false),
    Kind::new(&version::TLS12, true),
    Kind::new(&version::TLS13, false),
    Kind::new(&version::TLS13, true),
];

/// Those of TLS 1.3.
pub(super) const TLS13: [Kind; 2] = [KINDS[2], KINDS[3]];

#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    pub(super) version: &'static SupportedProtocolVersion,
    pub(super) in_place: bool,
}

impl Kind {
    const fn new(version: &'static SupportedProtocolVersion, in_place: bool) -> Self {
        Self { version, in_place }
    }
}

pub(super) const POLICY: ViewerPolicy = ViewerPolicy {
    view_only: false,
    may_be_exclusive: true,
    input_settings: None,
    host: HostKind::Vmware,
    idle_timeout: None,
    max_session_time: None,
};

/// ESXi's end of TLS.
pub(super) struct Host(pub(super) ServerConnection);

impl Host {
    /// Both peers after the TLS handshake.
    pub(super) fn connected(kind: Kind) -> (Self, Transport) {
        let identity = rcgen::generate_simple_self_signed(["esxi".into()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(identity.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(crypto::provider())
            .with_protocol_versions(&[kind.version])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![identity.cert.der().clone()], PrivateKeyDer::Pkcs8(key))
            .unwrap();
        let mut host = ServerConnection::new(Arc::new(config)).unwrap();
        host.set_buffer_limit(None);
        let name = ServerName::try_from("esxi").unwrap();
        let mut config = Trust::DangerAcceptAny.client().unwrap();
        config.enable_secret_extraction = kind.in_place;
        let session = TlsSession::new(config, name).unwrap();
        let mut host = Self(host);
        let mut input = ReceiveBuffer::default();
        loop {
            let over = session.handshake(&mut input).unwrap();
            host.receive(&session.outgoing()).unwrap();
            if over && !host.0.is_handshaking() {
                break;
            }
            let mut records = &host.records()[..];
            if !records.is_empty() {
                let mut context = Context::from_waker(std::task::Waker::noop());
                let filled = session.poll_fill(&mut records, &mut context, &mut input);
                assert!(matches!(filled, Poll::Ready(Ok(1..))));
            }
        }
        let session = match kind.in_place {
            true => session.in_place().unwrap(),
            false => session,
        };
        (host, Transport::Tls(session))
    }

    pub(super) fn receive(&mut self, mut records: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let mut received = Vec::new();
        while !records.is_empty() {
            self.0.read_tls(&mut records).unwrap();
            self.0.process_new_packets()?;
            // WouldBlock: all of it has been read.
            let _ = self.0.reader().read_to_end(&mut received);
        }
        Ok(received)
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.0.writer().write_all(bytes).unwrap();
    }

    pub(super) fn records(&mut self) -> Vec<u8> {
        let mut records = Vec::new();
        while self.0.wants_write() {
            self.0.write_tls(&mut records).unwrap();
        }
        records
    }
}

/// A stream that yields bytes in pieces, then EOF or nothing.
pub(super) struct Arriving {
    pub(super) bytes: VecDeque<u8>,
    pub(super) piece: usize,
    pub(super) ends: bool,
    pub(super) calls: usize,
}

impl Arriving {
    pub(super) fn silent_after(bytes: Vec<u8>, piece: usize) -> Self {
        Self {
            bytes: bytes.into(),
            piece,
            ends: false,
            calls: 0,
        }
    }
}

impl AsyncRead for Arriving {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.bytes.is_empty() && !self.ends {
            return Poll::Pending;
        }
        self.calls += 1;
        let count = self.piece.min(room.remaining()).min(self.bytes.len());
        room.put_slice(&self.bytes.make_contiguous()[..count]);
        self.bytes.drain(..count);
        Poll::Ready(Ok(()))
    }
}

/// Records what was written to the viewer, and in how many calls.
#[derive(Default)]
pub(super) struct Viewer {
    pub(super) bytes: Vec<u8>,
    pub(super) calls: usize,
    /// The most per call; 0: no limit.
    pub(super) takes: usize,
}

impl AsyncWrite for Viewer {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.calls += 1;
        let before = self.bytes.len();
        for slice in slices {
            self.bytes.extend_from_slice(slice);
        }
        if self.takes > 0 {
            let most = before + self.takes;
            self.bytes.truncate(most);
        }
        Poll::Ready(Ok(self.bytes.len() - before))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A reproducible pseudo-random sequence (Marsaglia's xorshift).
pub(super) struct Numbers(pub(super) u64);

impl Numbers {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % bound
    }

    pub(super) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let first = self.below(256);
        (first..first + count)
            .map(|n| (n % 251).to_le_bytes()[0])
            .collect()
    }

    /// A message size: mostly small, seldom large, as on a console.
    pub(super) fn size(&mut self) -> usize {
        match self.below(100) {
            0..90 => 50 + self.below(1950),
            90..98 => 2048 + self.below(30 * 1024),
            _ => 100_000 + self.below(300_000),
        }
    }
}

pub(super) fn frame(payload: &[u8]) -> Vec<u8> {
    let header = Header {
        fin: true,
        opcode: Opcode::Binary,
        mask: None,
        len: payload.len() as u64,
    };
    let mut room = [0; MAX_HEADER];
    let start = header.write_before(&mut room);
    [&room[start..], payload].concat()
}

/// An update of a screen.
pub(super) fn update(size: usize) -> Vec<u8> {
    let head = [0, 0, 0, 1, 0, 0, 0, 0, 0, 64, 0, 64, 0, 0, 0, 16];
    [&head[..], &(size as u32).to_be_bytes(), &vec![7; size]].concat()
}

/// A dialogue that lasts as long as the test process.
pub(super) fn shared(
    input_settings: InputSettings,
    view_only: bool,
    host: HostKind,
) -> SharedDialogue<'static> {
    SharedDialogue::new(Box::leak(Box::new(Dialogue::new(
        input_settings,
        view_only,
        host,
    ))))
}

/// After the handshake with both, up to ServerInit.
pub(super) fn dialogue() -> SharedDialogue<'static> {
    dialogue_of(InputSettings::default())
}

/// As [`dialogue`], with these settings.
pub(super) fn dialogue_of(input_settings: InputSettings) -> SharedDialogue<'static> {
    const INIT: [u8; 28] = [
        8, 0, 6, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0, 0, 0, 0, 4, 1, 1, 1, 1,
    ];
    let dialogue = shared(input_settings, false, HostKind::Vmware);
    dialogue
        .receive_from_viewer(&[1], &mut BytesMut::new())
        .unwrap();
    let mut decrypted = Decrypted::default();
    decrypted.input.append(&INIT);
    decrypted
        .translate(0..INIT.len(), |bytes, viewer| {
            dialogue.receive_from_host(bytes, viewer)
        })
        .unwrap();
    dialogue.lock().take_pending();
    dialogue
}

/// Relays `records`, in reads of at most `piece` bytes, until they end. Returns the end and the number of reads.
pub(super) async fn relay(
    (transport, dialogue): (&Transport, Option<&SharedDialogue<'static>>),
    records: Vec<u8>,
    piece: usize,
    viewer: &mut Viewer,
) -> (ToViewerEnd, usize) {
    let mut stream = Arriving {
        bytes: records.into(),
        piece,
        ends: true,
        calls: 0,
    };
    let source = HostReader {
        stream: &mut stream,
        transport,
        decoder: Decoder::new(Role::Client),
        decrypted: Decrypted::default(),
        dialogue,
    };
    let early = [BytesMut::new(), BytesMut::new()];
    let end = to_viewer::pump(
        source,
        early,
        viewer,
        &PendingReply::new(),
        &Traffic::default(),
    )
    .await;
    (end, stream.calls)
}
