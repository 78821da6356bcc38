//! How much later an answer comes through a relay.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::Duration;
use tokio_util::task::TaskTracker;

use crate::Effort;
use crate::bench_host::BenchHost;
use crate::entry::Entry;
use crate::machine;
use crate::mix::Mix;
use crate::relays::{OURS, Relay, Relays};
use crate::table::{head, median, row, say};
use crate::viewer::Viewer;

/// No relay at all.
const DIRECT: &str = "(none)";

#[derive(Default)]
struct Medians {
    /// An event of 8 bytes to its answer of 64, in µs.
    event: Vec<f64>,
    /// Four events to the one answer.
    fourth: Vec<f64>,
    /// As the first, while another session through the same relay runs at full speed.
    beside: Vec<f64>,
    /// Likewise, of a connection past the relay at the same time.
    past: Vec<f64>,
}

pub(crate) async fn measure(relays: &Relays, bench_host: &BenchHost, effort: Effort) {
    let mut all: BTreeMap<&str, Medians> = BTreeMap::new();
    for _ in 0..effort.rounds {
        let mut direct = Viewer::enter(bench_host.tcp, Entry::Bytes).await.unwrap();
        let medians = all.entry(DIRECT).or_default();
        medians.event.push(p50(&mut direct, effort.events, 1).await);
        medians
            .fourth
            .push(p50(&mut direct, effort.events / 4, 4).await);
        for name in relays.names() {
            let relay = relays.start(name, &machine::all_cores()).await;
            let mut viewer = Viewer::enter(relay.listen, relay.entry).await.unwrap();
            let medians = all.entry(name).or_default();
            medians.event.push(p50(&mut viewer, effort.events, 1).await);
            medians
                .fourth
                .push(p50(&mut viewer, effort.events / 4, 4).await);
            drop(viewer);
            let (beside, past) = beside(&relay, bench_host, effort).await;
            medians.beside.push(beside);
            medians.past.push(past);
        }
    }
    show(&all);
}

async fn p50(viewer: &mut Viewer, count: usize, every: usize) -> f64 {
    viewer.round_trips(count / 10 + 1, every).await.unwrap();
    let took = viewer.round_trips(count, every).await.unwrap();
    let micros: Vec<f64> = took.iter().map(|took| took.as_secs_f64() * 1e6).collect();
    median(&micros)
}

async fn beside(relay: &Relay, bench_host: &BenchHost, effort: Effort) -> (f64, f64) {
    let ended = Arc::new(AtomicBool::new(false));
    let tasks = TaskTracker::new();
    let mut busy = Viewer::enter(relay.listen, relay.entry).await.unwrap();
    let mut viewer = Viewer::enter(relay.listen, relay.entry).await.unwrap();
    let mut direct = Viewer::enter(bench_host.tcp, Entry::Bytes).await.unwrap();
    let until = Arc::clone(&ended);
    tasks.spawn(async move {
        while !until.load(Ordering::Relaxed) {
            busy.receive(Mix::Vnc, 1).await.unwrap();
        }
    });
    let count = effort.events / 4;
    let limit = Duration::from_secs(60);
    let through = tokio::time::timeout(limit, p50(&mut viewer, count, 1)).await;
    let past = p50(&mut direct, count, 1).await;
    ended.store(true, Ordering::Relaxed);
    tasks.close();
    tasks.wait().await;
    (through.unwrap_or(f64::INFINITY), past)
}

fn show(all: &BTreeMap<&str, Medians>) {
    say("Round trips, p50 in µs\n");
    say(&head(&[
        "relay",
        "event to answer",
        "added to plain TCP",
        "every fourth answered",
        "beside a full-speed session",
        "direct at that time",
        "ratio",
    ]));
    let tcp = &all["tcp"].event;
    let mut sorted: Vec<_> = all.iter().collect();
    sorted.sort_by(|(_, one), (_, other)| median(&one.event).total_cmp(&median(&other.event)));
    for (name, medians) in sorted {
        let added: Vec<f64> = medians
            .event
            .iter()
            .zip(tcp)
            .map(|(one, tcp)| one - tcp)
            .collect();
        let ratios: Vec<f64> = medians
            .beside
            .iter()
            .zip(&medians.past)
            .map(|(one, past)| one / past)
            .collect();
        say(&row(&[
            (*name).into(),
            format!("{:.0}", median(&medians.event)),
            format!("{:+.0}", median(&added)),
            format!("{:.0}", median(&medians.fourth)),
            format!("{:.0}", median(&medians.beside)),
            format!("{:.0}", median(&medians.past)),
            format!("{:.1}", median(&ratios)),
        ]));
    }
    say(&format!(
        "\n{OURS} speaks RFB, WebSocket and TLS in these; the plain TCP relay nothing.\n"
    ));
}
