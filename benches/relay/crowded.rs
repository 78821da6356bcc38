//! Four sessions at full speed, and a fifth whose viewer types: how long its keys wait for their answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::time::{Duration, sleep, timeout};
use tokio_util::task::TaskTracker;

use crate::Effort;
use crate::machine;
use crate::mix::Mix;
use crate::relays::{Relay, Relays, TCP};
use crate::table::{head, median, quantile, ratios, row, say, spread};
use crate::viewer::Viewer;

/// How many sessions run at full speed.
const BUSY: usize = 4;

/// From one key to the next: that of a fast typist is longer, and would take all day.
const PACE: Duration = Duration::from_millis(2);

/// Keys for each relay and round: the hundredth part of it is what is looked at.
const KEYS: usize = 500;

#[derive(Default)]
struct Waits {
    p50: Vec<f64>,
    p99: Vec<f64>,
}

pub(crate) async fn measure(relays: &Relays, effort: Effort) {
    let mut all: BTreeMap<&str, Waits> = BTreeMap::new();
    for _ in 0..effort.rounds {
        for name in relays.names() {
            let relay = relays.start(name, &machine::all_cores()).await;
            let micros = type_beside(&relay, KEYS.min(effort.events)).await;
            let waits = all.entry(name).or_default();
            waits.p50.push(quantile(&micros, 0.5));
            waits.p99.push(quantile(&micros, 0.99));
        }
    }
    say(&format!(
        "From a key to its answer in µs, beside {BUSY} sessions at full speed, {} rounds\n",
        effort.rounds
    ));
    say(&head(&["relay", "p50", "p99", "p99 to plain TCP's"]));
    let mut sorted: Vec<_> = all.iter().collect();
    sorted.sort_by(|(_, one), (_, other)| median(&one.p99).total_cmp(&median(&other.p99)));
    for (name, waits) in sorted {
        let to_tcp = all
            .get(TCP)
            .map(|tcp| spread(&ratios(&waits.p99, &tcp.p99)));
        say(&row(&[
            (*name).into(),
            format!("{:.0}", median(&waits.p50)),
            format!("{:.0}", median(&waits.p99)),
            to_tcp.unwrap_or("–".into()),
        ]));
    }
    say("");
}

async fn type_beside(relay: &Relay, keys: usize) -> Vec<f64> {
    let ended = Arc::new(AtomicBool::new(false));
    let tasks = TaskTracker::new();
    for _ in 0..BUSY {
        let mut busy = Viewer::enter(relay.listen, relay.entry).await.unwrap();
        let until = Arc::clone(&ended);
        tasks.spawn(async move {
            while !until.load(Ordering::Relaxed) {
                busy.receive(Mix::Large, 1).await.unwrap();
            }
        });
    }
    let mut viewer = Viewer::enter(relay.listen, relay.entry).await.unwrap();
    let typing = async {
        let mut micros = Vec::with_capacity(keys);
        for _ in 0..keys {
            sleep(PACE).await;
            let [took] = viewer.round_trips(1, 1).await.unwrap()[..] else {
                panic!("one answer");
            };
            micros.push(took.as_secs_f64() * 1e6);
        }
        micros
    };
    let micros = timeout(Duration::from_secs(120), typing).await;
    ended.store(true, Ordering::Relaxed);
    tasks.close();
    tasks.wait().await;
    micros.unwrap_or(vec![f64::INFINITY])
}
