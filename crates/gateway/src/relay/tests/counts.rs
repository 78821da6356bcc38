//! Counts of system calls, copies, turns and held buffers.

use std::process::Command;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};
use ws_proto::{Decoder, Role};

use super::super::decrypted::Decrypted;
use super::super::host_buffers::spare_buffers;
use super::super::input_path::InputPath;
use super::super::pending_reply::PendingReply;
use super::super::shared_dialogue::SharedDialogue;
use super::super::to_host;
use super::super::{Traffic, to_viewer};
use super::stage::{
    Arriving, Host, KINDS, Numbers, POLICY, TLS13, Viewer, dialogue, frame, relay, update,
};
use crate::viewer_link::Clocks;
use console::mask_keys::MaskKeys;
use console::tls_session;
use console::transport::Transport;

/// PointerEvents, which ESXi accepts unchanged.
pub(super) fn events(count: usize) -> Vec<u8> {
    (0..count)
        .flat_map(|at| [5, 0, 0, at.to_le_bytes()[0], 0, 9])
        .collect()
}

/// Updates of at least `least` bytes in all.
pub(super) fn updates(least: usize) -> Vec<u8> {
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

pub(super) fn relay_to_viewer<'a, R: AsyncRead + Unpin>(
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

pub(super) fn to_esxi<'a, W: AsyncWrite + Unpin>(
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
