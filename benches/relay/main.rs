//! mksgate beside other relays, on one machine, in one run: `cargo bench --bench relay [-- [quick] PART...]`.
//!
//! `relay=NAME` and `mix=NAME` choose some of them; `before=PATH` adds another build of mksgate, `mksgate before`. Parts: `throughput`, `calls`, `browser`, `alone`,
//! `latency`, `crowded`, `memory`; these where none is named. `compare` compares 10 GiB byte for byte. What is measured is the release
//! binary with a configuration file, against a host that is built for speed, see [`bench_host`]. Relays take turns,
//! round by round, and ratios are of two runs of one round: what the neighbours of a machine do to one, they do
//! to the other. While CPU time is measured the relay has the first core and everything else the others; round
//! trips and memory are of relays that may use them all.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench"
)]

mod alone;
mod bench_host;
mod browser;
mod client_socket;
mod compare;
mod comparison;
mod crowded;
mod entry;
mod latency;
#[path = "../support/machine.rs"]
#[allow(dead_code, reason = "another bench uses the rest")]
mod machine;
mod memory;
mod mix;
mod relays;
#[path = "../support/release.rs"]
mod release;
#[path = "../support/table.rs"]
mod table;
mod throughput;
mod viewer;

use std::path::Path;
use std::process::Command;

use bench_host::BenchHost;
use relays::{AWS_LC, Relays, aws_lc, peers, websocat};
use release::cargo_build;
use table::say;
use tokio::runtime::Runtime;

/// How much is done.
#[derive(Clone, Copy)]
struct Effort {
    rounds: usize,
    /// MiB of payload per run.
    mib: u64,
    /// Round trips per run.
    events: usize,
    /// Idle sessions.
    crowds: [usize; 2],
    /// MiB that are compared, with each version and each kind of records.
    compared: u16,
}

const FULL: Effort = Effort {
    rounds: 5,
    mib: 512,
    events: 4000,
    crowds: [1000, 5000],
    compared: 2560,
};

const QUICK: Effort = Effort {
    rounds: 1,
    mib: 16,
    events: 200,
    crowds: [50, 100],
    compared: 32,
};

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let quick = arguments.iter().any(|a| a == "quick");
    let chosen = |key| -> Vec<&str> {
        let words = arguments.iter().filter_map(|a| a.split_once('='));
        words
            .filter(|(word, _)| *word == key)
            .map(|(_, name)| name)
            .collect()
    };
    let (relays_chosen, mixes) = (chosen("relay"), chosen("mix"));
    let before = chosen("before").first().copied();
    let parts: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|a| *a != "quick" && !a.contains('='))
        .collect();
    let wanted = |part: &str| parts.is_empty() || parts.contains(&part);
    let effort = if quick { QUICK } else { FULL };
    build(&relays_chosen);
    runtime(2).block_on(async {
        say(&machine::description());
        let bench_host = BenchHost::start().await;
        let relays = Relays::find(&bench_host, &relays_chosen, before).await;
        say(&relays.missing());
        machine::run_on(&machine::other_cores());
        if wanted("throughput") {
            throughput::measure(&relays, effort, &mixes).await;
        }
        if wanted("calls") {
            throughput::count_calls(&relays, effort, &mixes).await;
        }
        if wanted("browser") {
            browser::measure(&relays, effort).await;
        }
        machine::run_on(&machine::all_cores());
        if wanted("alone") {
            alone::measure(&relays, effort).await;
            alone::count_calls(&relays, effort).await;
        }
        if wanted("latency") {
            latency::measure(&relays, &bench_host, effort).await;
        }
        if wanted("memory") {
            memory::measure(&relays, effort).await;
        }
        if parts.contains(&"compare") {
            compare::measure(&relays, effort.compared).await;
        }
    });
    if wanted("crowded") {
        // A thread for everybody on this side: who waits here for whom is not what is measured.
        runtime(16).block_on(async {
            let bench_host = BenchHost::start().await;
            let relays = Relays::find(&bench_host, &relays_chosen, before).await;
            crowded::measure(&relays, effort).await;
        });
    }
}

fn runtime(threads: usize) -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(threads)
        .enable_all()
        .build()
        .unwrap()
}

/// The binaries that take part, of those that were chosen.
fn build(chosen: &[&str]) {
    let wanted = |name: &str| chosen.is_empty() || chosen.contains(&name);
    let ours = ["--package", "mksgate", "--package", "relay-peers"];
    assert!(cargo_build(&ours), "the build failed");
    if wanted(AWS_LC) {
        build_with_aws_lc();
    }
    if wanted("websocat") && websocat() != Path::new("websocat") && !websocat().exists() {
        build_websocat();
    }
}

fn build_with_aws_lc() {
    let target = aws_lc();
    let mut other = vec!["--package", "mksgate", "--target-dir", &target];
    other.extend(["--no-default-features", "--features", "aws-lc-rs"]);
    if !cargo_build(&other) {
        say("mksgate cannot be built with aws-lc-rs here.\n");
    }
}

/// It is a program, not a library: it is not among this workspace's packages.
fn build_websocat() {
    let root = peers();
    say(&format!(
        "Building websocat, once: cargo install --root {} websocat --version ^1.14 --locked\n",
        root.display()
    ));
    let status = Command::new(env!("CARGO"))
        .args([
            "install",
            "--quiet",
            "--locked",
            "--version",
            "^1.14",
            "--root",
        ])
        .args([root.as_os_str(), "websocat".as_ref()])
        .status();
    if !status.is_ok_and(|status| status.success()) {
        say("It cannot be built here.\n");
    }
}
