//! Allocations after warm-up, counted for both kinds of records and both directions.

use std::alloc::System;
use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::process::Command;
use std::task::{Context, Poll};

use bytes::BytesMut;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ws_proto::{Decoder, Role};

use super::super::decrypted::Decrypted;
use super::super::input_path::InputPath;
use super::super::pending_reply::PendingReply;
use super::super::shared_dialogue::SharedDialogue;
use super::super::to_host;
use super::super::{Traffic, to_viewer};
use super::stage::{Host, KINDS, Kind, Numbers, POLICY, dialogue, frame, update};
use crate::viewer_link::Clocks;
use console::mask_keys::MaskKeys;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A stream whose bytes become readable step by step.
struct Metered<'a> {
    bytes: &'a [u8],
    at: usize,
    allowed: &'a Cell<usize>,
    /// The most per read.
    piece: usize,
}

impl AsyncRead for Metered<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let end = (self.at + self.piece.min(room.remaining())).min(self.allowed.get());
        if self.at == end {
            return Poll::Pending;
        }
        room.put_slice(&self.bytes[self.at..end]);
        self.at = end;
        Poll::Ready(Ok(()))
    }
}

/// A writer that discards everything.
#[derive(Default)]
struct Nowhere(usize);

impl AsyncWrite for Nowhere {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0 += bytes.len();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let count = slices.iter().map(|slice| slice.len()).sum();
        self.0 += count;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// How much `pump` allocates in eight parts of `input` after a warm-up part: the minimum, since other threads may allocate
/// meanwhile.
async fn least(pump: impl Future, allowed: &Cell<usize>, input: usize) -> usize {
    let mut pump = pin!(pump);
    let mut counts = Vec::with_capacity(8);
    for stretch in 1..=9 {
        allowed.set(input / 9 * stretch);
        let region = Region::new(ALLOCATOR);
        for _ in 0..1000 {
            assert!(futures::poll!(&mut pump).is_pending());
        }
        let change = region.change();
        counts.push(change.allocations + change.reallocations);
    }
    counts[1..].iter().copied().min().unwrap()
}

/// Relays nine MiB of updates: allocations per MiB, and its number of records.
async fn relay_to_viewer(kind: Kind, dialogue: Option<&SharedDialogue<'static>>) -> (usize, usize) {
    let (mut host, session) = Host::connected(kind);
    let mut numbers = Numbers(11);
    let (mut input, mut records) = (Vec::new(), 0);
    while input.len() < 9 << 20 {
        host.send(&frame(&update(numbers.size())));
        let more = host.records();
        records += more.len().div_ceil(16 * 1024);
        input.extend(more);
    }
    let allowed = Cell::new(0);
    let mut stream = Metered {
        bytes: &input,
        at: 0,
        allowed: &allowed,
        piece: 256 * 1024,
    };
    let source = to_viewer::HostReader {
        stream: &mut stream,
        transport: &session,
        decoder: Decoder::new(Role::Client),
        decrypted: Decrypted::default(),
        dialogue,
    };
    let early = [BytesMut::new(), BytesMut::new()];
    let (pending, traffic, mut viewer) =
        (PendingReply::new(), Traffic::default(), Nowhere::default());
    let pump = to_viewer::pump(source, early, &mut viewer, &pending, &traffic);
    let least = least(pump, &allowed, input.len()).await;
    assert!(viewer.0 > 8 << 20);
    (least, records / 9)
}

/// Relays 900 PointerEvents, counted by 100.
async fn to_esxi(kind: Kind, path: InputPath<'_, 'static>) -> usize {
    let (_, session) = Host::connected(kind);
    let input = [5, 0, 0, 7, 0, 9].repeat(900);
    let allowed = Cell::new(0);
    let mut stream = Metered {
        bytes: &input,
        at: 0,
        allowed: &allowed,
        piece: 6,
    };
    let (pending, traffic, mut esxi) =
        (PendingReply::new(), Traffic::default(), Nowhere::default());
    let mut clocks = Clocks::start();
    let writer = to_host::HostWriter::new(
        &mut esxi,
        &session,
        MaskKeys::new(),
        &traffic,
        POLICY,
        path,
        &mut clocks,
    );
    let pump = writer.pump(&mut stream, BytesMut::new(), &pending);
    let least = least(pump, &allowed, input.len()).await;
    assert!(esxi.0 > 6 * 800);
    least
}

/// Run in a new process, since allocations of concurrent tests would be counted too.
#[test]
fn only_rustls_allocates_for_its_records() {
    let alone = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", COUNTS])
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&alone.stdout);
    assert!(alone.status.success(), "{output}");
    assert!(output.contains("1 passed"), "{output}");
}

const COUNTS: &str = "relay::tests::allocations::counted";

#[tokio::test]
#[ignore = "run by the test before it, in a process of its own"]
async fn counted() {
    for kind in KINDS {
        let dialogue = dialogue();
        for dialogue in [None, Some(&dialogue)] {
            let (allocated, records) = relay_to_viewer(kind, dialogue).await;
            let followed = dialogue.is_some();
            eprintln!(
                "{kind:?} followed {followed}: {allocated} allocations for {records} records"
            );
            let most = if kind.in_place { 0 } else { 2 * records };
            assert!(
                allocated <= most,
                "{kind:?}: {allocated} for {records} records"
            );
        }
        for path in [InputPath::Unchanged, InputPath::Dialect(&dialogue)] {
            let followed = matches!(path, InputPath::Dialect(_));
            let allocated = to_esxi(kind, path).await;
            eprintln!("{kind:?} followed {followed}: {allocated} allocations for 100 events");
            let most = if kind.in_place { 0 } else { 200 };
            assert!(allocated <= most, "{kind:?}: {allocated} for 100 events");
        }
    }
}
