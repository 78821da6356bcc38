//! Counts of system calls, copies, turns and held buffers.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::pin::Pin;
use std::process::Command;
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ws_proto::{Decoder, Role};

use super::super::decrypted::Decrypted;
use super::super::host_buffers::spare_buffers;
use super::super::pending_reply::PendingReply;
use super::super::shared_dialogue::SharedDialogue;
use super::super::to_host::{self, InputPath};
use super::super::{Traffic, to_viewer};
use super::stage::{
    Arriving, Host, KINDS, Numbers, POLICY, TLS13, Viewer, dialogue, frame, relay, update,
};
use crate::viewer_link::Clocks;
use console::mask_keys::MaskKeys;
use console::tls_session;
use console::transport::Transport;

/// PointerEvents, which ESXi accepts unchanged.
fn events(count: usize) -> Vec<u8> {
    (0..count)
        .flat_map(|at| [5, 0, 0, at.to_le_bytes()[0], 0, 9])
        .collect()
}

/// Updates of at least `least` bytes in all.
fn updates(least: usize) -> Vec<u8> {
    let (mut numbers, mut bytes) = (Numbers(5), Vec::new());
    while bytes.len() < least {
        bytes.extend(update(numbers.size()));
    }
    bytes
}

#[tokio::test]
async fn frames_of_one_read_are_one_write() {
    let sent = updates(8 << 20);
    for (kind, own_records) in [
        (TLS13[0], false),
        (TLS13[0], true),
        (TLS13[1], false),
        (TLS13[1], true),
    ] {
        for (size, followed) in [
            (125, false),
            (125, true),
            (1500, false),
            (1500, true),
            (0, false),
            (0, true),
        ] {
            let (mut host, session) = Host::connected(kind);
            let (mut numbers, mut records, mut rest) = (Numbers(5), Vec::new(), &sent[..]);
            while !rest.is_empty() {
                let size = if size == 0 { numbers.size() } else { size };
                let (payload, behind) = rest.split_at(size.min(rest.len()));
                host.send(&frame(payload));
                if own_records {
                    records.extend(host.records());
                }
                rest = behind;
            }
            records.extend(host.records());
            let dialogue = followed.then(dialogue);
            let mut viewer = Viewer::default();
            let (_, reads) =
                relay((&session, dialogue.as_ref()), records, 1 << 20, &mut viewer).await;
            assert!(viewer.bytes == sent);
            assert!(viewer.calls <= reads, "{} for {reads}", viewer.calls);
            let per_mib = (reads + viewer.calls) * (1 << 20) / sent.len();
            assert!(
                per_mib <= 12,
                "{per_mib} calls per MiB, frames of {size}, followed {followed}"
            );
        }
    }
}

#[tokio::test]
async fn messages_of_one_read_are_one_frame_one_record_and_one_write() {
    for kind in KINDS {
        let dialogue = dialogue();
        for path in [InputPath::Unchanged, InputPath::Dialect(&dialogue)] {
            let (mut host, session) = Host::connected(kind);
            let bytes = events(100);
            let mut viewer = Arriving::silent_after(bytes.clone(), bytes.len());
            let (mut esxi, pending, traffic) =
                (Viewer::default(), PendingReply::new(), Traffic::default());
            {
                let mut clocks = Clocks::start();
                let writer = to_esxi(&session, path, &mut esxi, &traffic, &mut clocks);
                let mut pump = Box::pin(writer.pump(&mut viewer, BytesMut::new(), &pending));
                assert!(futures::poll!(&mut pump).is_pending());
            }
            assert_eq!((viewer.calls, esxi.calls), (1, 1));
            let record = u16::from_be_bytes([esxi.bytes[3], esxi.bytes[4]]);
            assert_eq!(usize::from(record) + 5, esxi.bytes.len());
            let received = host.receive(&esxi.bytes).unwrap();
            let mut decoder = Decoder::new(Role::Server);
            let piece = decoder.scan(&received).unwrap().unwrap();
            assert!(piece.len == bytes.len() && piece.skip + piece.len == received.len());
        }
    }
}

#[tokio::test]
async fn session_yields_after_a_turn() {
    for followed in [false, true] {
        let (mut host, session) = Host::connected(TLS13[0]);
        for update in updates(4 << 20).chunks(60_000) {
            host.send(&frame(update));
        }
        let records = host.records();
        let mut stream = Arriving::silent_after(records.clone(), tls_session::READ);
        let dialogue = followed.then(dialogue);
        let mut viewer = Viewer::default();
        let (pending, traffic) = (PendingReply::new(), Traffic::default());
        let pump = relay_to_viewer(
            &session,
            dialogue.as_ref(),
            &mut stream,
            &mut viewer,
            (&pending, &traffic),
        );
        {
            let mut pump = Box::pin(pump);
            assert!(futures::poll!(&mut pump).is_pending());
        }
        let taken = records.len() - stream.bytes.len();
        assert!(
            taken > 0 && taken <= 2 * tls_session::READ,
            "{taken} in one turn"
        );
    }
}

#[tokio::test]
async fn idle_session_holds_no_buffer() {
    for kind in KINDS {
        let dialogue = dialogue();
        for dialogue in [None, Some(&dialogue)] {
            let (mut host, session) = Host::connected(kind);
            let sent = update(300_000);
            host.send(&frame(&sent));
            let mut stream = Arriving::silent_after(host.records(), tls_session::READ);
            let mut viewer = Viewer::default();
            {
                let (pending, traffic) = (PendingReply::new(), Traffic::default());
                let pump = relay_to_viewer(
                    &session,
                    dialogue,
                    &mut stream,
                    &mut viewer,
                    (&pending, &traffic),
                );
                let mut pump = Box::pin(pump);
                assert!(size_of_val(&*pump) < 1024, "{} bytes", size_of_val(&*pump));
                for _ in 0..10 {
                    assert!(futures::poll!(&mut pump).is_pending());
                }
                assert!(session.holds_no_buffer());
            }
            assert_eq!(viewer.bytes, sent);
        }
    }
}

/// In a process of its own: the tests beside it use the same pools.
#[test]
fn an_idle_viewer_holds_no_buffer() {
    let alone = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "relay::tests::counts::returned"])
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&alone.stdout);
    assert!(alone.status.success(), "{output}");
    assert!(output.contains("1 passed"), "{output}");
}

#[tokio::test]
#[ignore = "run by the test before it, in a process of its own"]
async fn returned() {
    for kind in KINDS {
        let dialogue = dialogue();
        for (path, translated) in [
            (InputPath::Unchanged, 0),
            (InputPath::Dialect(&dialogue), 1),
        ] {
            let (_, session) = Host::connected(kind);
            let mut viewer = Arriving::silent_after(events(100), 6);
            let (mut esxi, pending, traffic) =
                (Viewer::default(), PendingReply::new(), Traffic::default());
            let mut clocks = Clocks::start();
            let writer = to_esxi(&session, path, &mut esxi, &traffic, &mut clocks);
            let mut pump = Box::pin(writer.pump(&mut viewer, BytesMut::new(), &pending));
            assert!(size_of_val(&*pump) < 1536, "{} bytes", size_of_val(&*pump));
            assert!(futures::poll!(&mut pump).is_pending());
            let kept = spare_buffers();
            assert!(kept[0] == 1 && kept[1] >= translated, "{kept:?}");
        }
    }
}

/// The memory ranges that were read into, last first.
type Places = RefCell<Vec<Range<*const u8>>>;

/// A stream that records where its bytes are put.
struct Put<'a> {
    bytes: &'a [u8],
    places: &'a Places,
}

impl AsyncRead for Put<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.bytes.is_empty() {
            return Poll::Pending;
        }
        self.places
            .borrow_mut()
            .push(room.initialize_unfilled().as_ptr_range());
        let (now, later) = self.bytes.split_at(self.bytes.len().min(room.remaining()));
        room.put_slice(now);
        self.bytes = later;
        Poll::Ready(Ok(()))
    }
}

/// A writer that counts bytes that do not lie where they were read.
struct Taken<'a> {
    places: &'a Places,
    /// Shorter ones may have been moved.
    short: usize,
    there: usize,
    elsewhere: usize,
}

impl<'a> Taken<'a> {
    const fn from(places: &'a Places, short: usize) -> Self {
        Self {
            places,
            short,
            there: 0,
            elsewhere: 0,
        }
    }
}

impl AsyncWrite for Taken<'_> {
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
        let places = self.places.borrow();
        let (mut there, mut elsewhere) = (0, 0);
        for slice in slices.iter().filter(|slice| slice.len() >= self.short) {
            let Range { start, end } = slice.as_ptr_range();
            let there_too = places
                .iter()
                .any(|place| place.start < end && start < place.end);
            *if there_too {
                &mut there
            } else {
                &mut elsewhere
            } += slice.len();
        }
        drop(places);
        self.there += there;
        self.elsewhere += elsewhere;
        Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Only short ranges are moved. With rustls' record layer everything is copied once, out of its buffer.
#[tokio::test]
async fn payload_for_the_viewer_is_not_copied() {
    for kind in KINDS.into_iter().filter(|kind| kind.in_place) {
        let dialogue = dialogue();
        for dialogue in [None, Some(&dialogue)] {
            let (mut host, session) = Host::connected(kind);
            let sent = updates(4 << 20);
            for update in sent.chunks(10_000) {
                host.send(&frame(update));
            }
            let (records, places) = (host.records(), Places::default());
            let mut stream = Put {
                bytes: &records,
                places: &places,
            };
            let mut viewer = Taken::from(&places, 1024);
            let (pending, traffic) = (PendingReply::new(), Traffic::default());
            let pump = relay_to_viewer(
                &session,
                dialogue,
                &mut stream,
                &mut viewer,
                (&pending, &traffic),
            );
            {
                let mut pump = Box::pin(pump);
                for _ in 0..100 {
                    assert!(futures::poll!(&mut pump).is_pending());
                }
            }
            assert_eq!(viewer.elsewhere, 0, "{kind:?}");
            assert!(viewer.there > sent.len() / 2);
        }
    }
}

/// With rustls' record layer they are in its own buffer; translated messages are in another one.
#[tokio::test]
async fn messages_for_esxi_are_encrypted_in_the_read_buffer() {
    for kind in KINDS.into_iter().filter(|kind| kind.in_place) {
        let (_, session) = Host::connected(kind);
        let (bytes, places) = (events(100), Places::default());
        let mut viewer = Put {
            bytes: &bytes,
            places: &places,
        };
        let mut esxi = Taken::from(&places, 0);
        let (pending, traffic) = (PendingReply::new(), Traffic::default());
        {
            let mut clocks = Clocks::start();
            let writer = to_esxi(
                &session,
                InputPath::Unchanged,
                &mut esxi,
                &traffic,
                &mut clocks,
            );
            let mut pump = Box::pin(writer.pump(&mut viewer, BytesMut::new(), &pending));
            assert!(futures::poll!(&mut pump).is_pending());
        }
        assert!(esxi.there > bytes.len() && esxi.elsewhere == 0);
    }
}

fn relay_to_viewer<'a, R: AsyncRead + Unpin>(
    transport: &'a Transport,
    dialogue: Option<&'a SharedDialogue<'static>>,
    stream: &'a mut R,
    viewer: &'a mut (impl AsyncWrite + Unpin),
    (pending, traffic): (&'a PendingReply, &'a Traffic),
) -> impl Future<Output = to_viewer::ToViewerEnd> {
    let source = to_viewer::HostReader {
        stream,
        transport,
        decoder: Decoder::new(Role::Client),
        decrypted: Decrypted::default(),
        dialogue,
    };
    let early = [BytesMut::new(), BytesMut::new()];
    to_viewer::pump(source, early, viewer, pending, traffic)
}

fn to_esxi<'a, W: AsyncWrite + Unpin>(
    transport: &'a Transport,
    path: InputPath<'a, 'static>,
    esxi: &'a mut W,
    traffic: &'a Traffic,
    clocks: &'a mut Clocks,
) -> to_host::HostWriter<'a, 'static, W> {
    to_host::HostWriter::new(
        esxi,
        transport,
        MaskKeys::new(),
        traffic,
        POLICY,
        path,
        clocks,
    )
}
