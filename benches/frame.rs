//! Framing alone, beside tungstenite on the same bytes: header, decode and mask, in ns per frame.
//!
//! `cargo bench --bench frame`. Before anything is timed, a counting allocator proves that neither decoding
//! nor encoding allocates once it is warm.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench"
)]

use std::alloc::System;
use std::hint::black_box;
use std::io::{self, Read, Write};

use bytes::BytesMut;
use criterion::{BenchmarkId, Criterion, Throughput};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio_tungstenite::tungstenite::WebSocket;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::{self, WebSocketConfig};
use ws_proto::{
    Decoder, Event, FrameBuffer, Header, MAX_HEADER, MaskKey, Opcode, Role, apply_mask,
};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SIZES: [usize; 5] = [16, 125, 1 << 10, 16 << 10, 1 << 20];

const KEY: MaskKey = [0x37, 0xfa, 0x21, 0x3d];

/// How much one read holds, as in the relay.
const READ: usize = 64 << 10;

fn main() {
    for size in SIZES {
        decoding_allocates_nothing(size);
        encoding_allocates_nothing(size);
    }
    eprintln!("no allocation per read or frame after warm-up, at {SIZES:?} bytes");
    let mut criterion = Criterion::default().configure_from_args();
    header(&mut criterion);
    decode(&mut criterion);
    mask(&mut criterion);
    criterion.final_summary();
}

/// A stream of unmasked binary frames of `size` bytes: as a client receives it.
fn frames(size: usize, count: usize) -> Vec<u8> {
    let mut buffer = FrameBuffer::new(size);
    buffer.payload_mut().fill(0x5a);
    buffer.frame(size, Opcode::Binary, None).repeat(count)
}

/// How many frames make a megabyte, and two at the least.
fn count(size: usize) -> usize {
    ((1 << 20) / size).max(2)
}

/// The relay's way: read, decode all, let go of the runs, read again.
fn relay(decoder: &mut Decoder, input: &mut BytesMut, wire: &[u8]) -> usize {
    let mut payload = 0;
    for read in wire.chunks(READ) {
        input.reserve(READ);
        input.extend_from_slice(read);
        while let Some(event) = decoder.decode(input).unwrap() {
            let Event::Data { payload: run, .. } = event else {
                panic!("{event:?}")
            };
            payload += black_box(run).len();
        }
    }
    payload
}

fn decoding_allocates_nothing(size: usize) {
    let wire = frames(size, count(size));
    let (mut decoder, mut input) = (Decoder::new(Role::Client), BytesMut::new());
    relay(&mut decoder, &mut input, &wire);
    let region = Region::new(ALLOCATOR);
    assert_eq!(relay(&mut decoder, &mut input, &wire), size * count(size));
    let change = region.change();
    assert_eq!(
        (change.allocations, change.reallocations),
        (0, 0),
        "decoding frames of {size} bytes"
    );
}

fn encoding_allocates_nothing(size: usize) {
    let mut buffer = FrameBuffer::new(size);
    let region = Region::new(ALLOCATOR);
    for _ in 0..100 {
        buffer.payload_mut().fill(1);
        assert!(buffer.frame(size, Opcode::Binary, Some(KEY)).len() > size);
    }
    let change = region.change();
    assert_eq!(
        (change.allocations, change.reallocations),
        (0, 0),
        "encoding frames of {size} bytes"
    );
}

fn header(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("header");
    for size in SIZES {
        let wire = frames(size, 1)[..MAX_HEADER.min(size)].to_vec();
        group.bench_function(BenchmarkId::new("ws-proto", size), |bench| {
            bench.iter(|| Header::parse(Role::Client, black_box(&wire)));
        });
        group.bench_function(BenchmarkId::new("tungstenite", size), |bench| {
            bench.iter(|| FrameHeader::parse(&mut io::Cursor::new(black_box(&wire))).unwrap());
        });
    }
    group.finish();
}

/// A megabyte of frames. In place, as the relay does it, the bytes lie where the read has put them; the other
/// two include that copy, which is also timed by itself.
fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode a megabyte");
    for size in SIZES {
        let count = count(size);
        let wire = frames(size, count);
        group.throughput(Throughput::Elements(count as u64));
        let mut decoder = Decoder::new(Role::Client);
        group.bench_function(BenchmarkId::new("ws-proto, in place", size), |bench| {
            bench.iter(|| scan(&mut decoder, black_box(&wire)));
        });
        let mut input = BytesMut::new();
        group.bench_function(
            BenchmarkId::new("ws-proto, in Bytes, with the read", size),
            |bench| {
                bench.iter(|| relay(&mut decoder, &mut input, black_box(&wire)));
            },
        );
        let mut peer = tungstenite(wire.clone());
        group.bench_function(
            BenchmarkId::new("tungstenite, with the read", size),
            |bench| {
                bench.iter(|| {
                    peer.get_mut().at = 0;
                    for _ in 0..count {
                        black_box(peer.read().unwrap());
                    }
                });
            },
        );
        let mut buffer = vec![0; READ];
        group.bench_function(BenchmarkId::new("the read alone", size), |bench| {
            bench.iter(|| {
                for read in black_box(&wire).chunks(READ) {
                    black_box(&mut buffer)[..read.len()].copy_from_slice(read);
                }
            });
        });
    }
    group.finish();
}

/// The decoder without counted references: the caller's own buffer, a range at a time.
fn scan(decoder: &mut Decoder, wire: &[u8]) -> usize {
    let (mut payload, mut at) = (0, 0);
    while let Some(piece) = decoder.scan(&wire[at..]).unwrap() {
        payload += black_box(&wire[at + piece.skip..][..piece.len]).len();
        at += piece.skip + piece.len;
    }
    payload
}

fn mask(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mask");
    for size in SIZES {
        let mut payload = vec![0x5a; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(BenchmarkId::new("ws-proto", size), |bench| {
            bench.iter(|| apply_mask(black_box(KEY), 0, black_box(&mut payload)));
        });
    }
    group.finish();
}

/// What tungstenite reads from.
struct Wire {
    bytes: Vec<u8>,
    at: usize,
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = (&self.bytes[self.at..]).read(buffer)?;
        self.at += count;
        Ok(count)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn tungstenite(bytes: Vec<u8>) -> WebSocket<Wire> {
    let wire = Wire { bytes, at: 0 };
    WebSocket::from_raw_socket(
        wire,
        protocol::Role::Client,
        Some(WebSocketConfig::default()),
    )
}
