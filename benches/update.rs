//! Following RFB alone: a megabyte of the host's updates, head by head and passed by as a whole.
//!
//! `cargo bench --bench update`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput};
use rfb_proto::server_messages::ServerScanner;
use rfb_proto::{Encoding, PixelFormat};

const SIZES: [usize; 3] = [125, 1 << 10, 64 << 10];

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("follow a megabyte");
    for size in SIZES {
        let count = (1 << 20) / size;
        let wire = an_update(size).repeat(count);
        group.throughput(Throughput::Elements(count as u64));
        let mut update = begun();
        group.bench_function(BenchmarkId::new("head by head", size), |bench| {
            bench.iter(|| {
                let mut rest = black_box(&wire[..]);
                while let Some(piece) = update.scan(rest).unwrap() {
                    rest = &rest[black_box(piece).bytes.len()..];
                }
            });
        });
        group.bench_function(BenchmarkId::new("as a whole", size), |bench| {
            bench.iter(|| assert_eq!(update.skip_pictures(black_box(&wire), |_| true), wire.len()));
        });
    }
    group.finish();
    criterion.final_summary();
}

/// A FramebufferUpdate of so many bytes: one rectangle in ZRLE.
fn an_update(size: usize) -> Vec<u8> {
    let mut bytes = vec![0, 0, 0, 1, 0, 0, 0, 0, 0, 64, 0, 64];
    bytes.extend(Encoding::ZRLE.0.to_be_bytes());
    bytes.extend(((size - 20) as u32).to_be_bytes());
    bytes.resize(size, 0x5a);
    bytes
}

/// A host that has said how large its screen is.
fn begun() -> ServerScanner {
    let mut init = vec![4, 0, 3, 0];
    PixelFormat::VMWARE.write(&mut init);
    init.extend([0; 4]);
    let mut update = ServerScanner::new();
    update.scan(&init).unwrap();
    update
}
