//! The relay's path from ESXi, driven without sockets: every byte, every end, and how many calls that takes.

use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{AlertDescription, ServerConfig, ServerConnection, SupportedProtocolVersion, version};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ws_proto::{Decoder, Header, MAX_HEADER, Opcode, Role};

use super::Traffic;
use super::debt::Debts;
use super::down::{self, End, Source};
use super::plain::Plain;
use crate::tls::Trust;
use crate::tls_session::{self, Input, TlsSession};

const VERSIONS: [&SupportedProtocolVersion; 2] = [&version::TLS12, &version::TLS13];

/// ESXi's end of TLS.
struct Host(ServerConnection);

impl Host {
    /// Both ends, the handshake behind them.
    fn met(version: &'static SupportedProtocolVersion) -> (Self, TlsSession) {
        let identity = rcgen::generate_simple_self_signed(["esxi".into()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(identity.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![identity.cert.der().clone()], PrivateKeyDer::Pkcs8(key))
            .unwrap();
        let mut host = ServerConnection::new(Arc::new(config)).unwrap();
        host.set_buffer_limit(None);
        let name = ServerName::try_from("esxi").unwrap();
        let session = TlsSession::new(Trust::DangerAcceptAny.client().unwrap(), name).unwrap();
        let mut host = Self(host);
        loop {
            let over = session.shake_hands(&mut Input::default()).unwrap();
            host.hear(&session.outgoing()).unwrap();
            if over && !host.0.is_handshaking() {
                break;
            }
            let mut wire = &host.wire()[..];
            if !wire.is_empty() {
                let mut context = Context::from_waker(std::task::Waker::noop());
                let filled = session.poll_fill(&mut wire, &mut context);
                assert!(matches!(filled, Poll::Ready(Ok(1..))));
            }
        }
        (host, session)
    }

    fn hear(&mut self, mut wire: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let mut heard = Vec::new();
        while !wire.is_empty() {
            self.0.read_tls(&mut wire).unwrap();
            self.0.process_new_packets()?;
            // Ignored on purpose: there is never more to wait for.
            let _ = self.0.reader().read_to_end(&mut heard);
        }
        Ok(heard)
    }

    fn say(&mut self, bytes: &[u8]) {
        self.0.writer().write_all(bytes).unwrap();
    }

    fn wire(&mut self) -> Vec<u8> {
        let mut wire = Vec::new();
        while self.0.wants_write() {
            self.0.write_tls(&mut wire).unwrap();
        }
        wire
    }
}

/// What arrives, and in which pieces; then the end of TCP, or silence.
struct Arriving {
    bytes: VecDeque<u8>,
    piece: usize,
    ends: bool,
    calls: usize,
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

/// What the viewer got, and in how many calls.
#[derive(Default)]
struct Viewer {
    bytes: Vec<u8>,
    calls: usize,
    /// At most so much per call; 0: all.
    takes: usize,
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

/// Numbers that look random and are the same each time (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % bound
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let first = self.below(256);
        (first..first + count)
            .map(|n| (n % 251).to_le_bytes()[0])
            .collect()
    }

    /// As a console's messages are: mostly small, seldom large.
    fn size(&mut self) -> usize {
        match self.below(100) {
            0..90 => 50 + self.below(1950),
            90..98 => 2048 + self.below(30 * 1024),
            _ => 100_000 + self.below(300_000),
        }
    }
}

fn frame(payload: &[u8]) -> Vec<u8> {
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

/// Relays `wire`, in reads of at most `piece` bytes, until its end.
async fn relay(
    session: &TlsSession,
    wire: Vec<u8>,
    piece: usize,
    viewer: &mut Viewer,
) -> (End, usize) {
    let mut stream = Arriving {
        bytes: wire.into(),
        piece,
        ends: true,
        calls: 0,
    };
    let source = Source {
        stream: &mut stream,
        session,
        decoder: Decoder::new(Role::Client),
        plain: Plain::default(),
        repair: None,
    };
    let early = [BytesMut::new(), BytesMut::new()];
    let end = down::pump(source, early, viewer, &Debts::new(), &Traffic::default()).await;
    (end, stream.calls)
}

#[tokio::test]
async fn every_byte_arrives_whatever_records_frames_and_reads_it_is_cut_into() {
    for version in VERSIONS {
        for (piece, takes) in [(1, 0), (7, 3), (1000, 0), (20_000, 5000), (1 << 20, 0)] {
            let (mut host, session) = Host::met(version);
            let mut numbers = Numbers(piece as u64);
            let (mut sent, mut frames) = (Vec::new(), Vec::new());
            while sent.len() < if piece < 10 { 60_000 } else { 6 << 20 } {
                let size = numbers.size();
                let payload = numbers.bytes(size);
                frames.extend(frame(&payload));
                sent.extend(payload);
            }
            let mut wire = Vec::new();
            let mut rest = &frames[..];
            while !rest.is_empty() {
                let (record, behind) = rest.split_at(rest.len().min(1 + numbers.below(40_000)));
                host.say(record);
                wire.extend(host.wire());
                rest = behind;
            }
            let mut viewer = Viewer {
                takes,
                ..Viewer::default()
            };
            let (end, _) = relay(&session, wire, piece, &mut viewer).await;
            assert!(matches!(end, End::Vanished), "{end:?}");
            assert!(viewer.bytes == sent, "{version:?} in reads of {piece}");
        }
    }
}

#[tokio::test]
async fn keys_that_are_renewed_in_a_burst_are_followed_and_answered() {
    let (mut host, session) = Host::met(&version::TLS13);
    let payload = Numbers(3).bytes(100_000);
    let (mut wire, mut sent) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        host.say(&frame(&payload));
        sent.extend_from_slice(&payload);
        host.0.refresh_traffic_keys().unwrap();
        wire.extend(host.wire());
    }
    let mut viewer = Viewer::default();
    relay(&session, wire, 100_000, &mut viewer).await;
    assert!(viewer.bytes == sent);
    // Our own keys are renewed with the next bytes, and the host follows.
    for event in [b"first", b"other"] {
        assert_eq!(host.hear(&session.seal(event).unwrap()).unwrap(), event);
    }
}

#[tokio::test]
async fn a_close_notify_and_a_cut_are_both_ends_after_all_bytes() {
    for version in VERSIONS {
        for in_order in [true, false] {
            let (mut host, session) = Host::met(version);
            host.say(&frame(b"last words"));
            let mut wire = host.wire();
            if in_order {
                host.0.send_close_notify();
                wire.extend(host.wire());
            } else {
                host.say(&frame(b"never whole"));
                wire.extend_from_slice(&host.wire()[..20]);
            }
            let mut viewer = Viewer::default();
            let (end, _) = relay(&session, wire, 1 << 20, &mut viewer).await;
            assert!(matches!(end, End::Vanished), "{end:?}");
            assert_eq!(viewer.bytes, b"last words");
            assert_eq!(
                host.hear(&session.seal(b"still").unwrap()).unwrap(),
                b"still"
            );
            host.hear(&session.last_words()).unwrap();
        }
    }
}

#[tokio::test]
async fn a_record_that_was_tampered_with_ends_the_session_with_an_alert_after_all_bytes_before_it()
{
    for version in VERSIONS {
        let (mut host, session) = Host::met(version);
        host.say(&frame(b"good"));
        let mut wire = host.wire();
        host.say(&frame(b"evil"));
        let mut evil = host.wire();
        *evil.last_mut().unwrap() ^= 1;
        wire.extend(evil);
        host.say(&frame(b"behind"));
        wire.extend(host.wire());
        let mut viewer = Viewer::default();
        let (end, _) = relay(&session, wire, 1 << 20, &mut viewer).await;
        assert!(matches!(end, End::Broke(_)), "{end:?}");
        assert_eq!(viewer.bytes, b"good");
        assert!(session.seal(b"nothing more").is_err());
        let told = host.hear(&session.last_words()).unwrap_err();
        let bad = rustls::Error::AlertReceived(AlertDescription::BadRecordMac);
        assert_eq!(told, bad);
    }
}

#[tokio::test]
async fn what_is_no_record_at_all_ends_the_session() {
    for version in VERSIONS {
        let (_, session) = Host::met(version);
        let mut viewer = Viewer::default();
        let (end, _) = relay(&session, vec![0xff; 5000], 1 << 20, &mut viewer).await;
        assert!(matches!(end, End::Broke(_)), "{end:?}");
        assert_eq!(viewer.bytes, b"");
    }
}

#[tokio::test]
async fn one_read_is_one_write_however_small_the_frames() {
    const MUCH: usize = 16 << 20;
    for own_records in [false, true] {
        for size in [125, 1500, 0] {
            let (mut host, session) = Host::met(&version::TLS13);
            let mut numbers = Numbers(5);
            let (mut wire, mut sent) = (Vec::new(), 0);
            while sent < MUCH {
                let size = if size == 0 { numbers.size() } else { size };
                host.say(&frame(&numbers.bytes(size)));
                if own_records {
                    wire.extend(host.wire());
                }
                sent += size;
            }
            wire.extend(host.wire());
            let mut viewer = Viewer::default();
            let (_, reads) = relay(&session, wire, 1 << 20, &mut viewer).await;
            assert_eq!(viewer.bytes.len(), sent);
            assert!(viewer.calls <= reads, "{} for {reads}", viewer.calls);
            let per_mib = (reads + viewer.calls) * (1 << 20) / sent;
            assert!(per_mib <= 12, "{per_mib} calls per MiB, frames of {size}");
        }
    }
}

#[tokio::test]
async fn an_idle_session_holds_no_buffer() {
    let (mut host, session) = Host::met(&version::TLS13);
    host.say(&frame(&[7; 300_000]));
    let mut stream = Arriving {
        bytes: host.wire().into(),
        piece: tls_session::READ,
        ends: false,
        calls: 0,
    };
    let mut viewer = Viewer::default();
    {
        let source = Source {
            stream: &mut stream,
            session: &session,
            decoder: Decoder::new(Role::Client),
            plain: Plain::default(),
            repair: None,
        };
        let early = [BytesMut::new(), BytesMut::new()];
        let (debts, traffic) = (Debts::new(), Traffic::default());
        let mut pump = Box::pin(down::pump(source, early, &mut viewer, &debts, &traffic));
        assert!(size_of_val(&*pump) < 1024, "{} bytes", size_of_val(&*pump));
        for _ in 0..10 {
            assert!(futures::poll!(&mut pump).is_pending());
        }
        assert!(session.holds_nothing());
    }
    assert_eq!(viewer.bytes, [7; 300_000]);
}
