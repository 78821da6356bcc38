//! Many list pages at once while VMs change: none may miss a change.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::future::join_all;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_rustls::client::TlsStream;
use tokio_util::task::TaskTracker;

use crate::Effort;
use crate::browser::Browser;
use crate::gateway::{Gateway, name};
use crate::machine;
use crate::table::{quantile, say};

/// VMs that change in each second.
const CHANGES: usize = 10;

/// Pages that connect at once.
const AT_ONCE: usize = 16;

/// How long nothing happens: longer than it takes a silent stream to show that it is alive.
const QUIET: Duration = Duration::from_secs(30);

/// How long the last change may take to the last page.
const LAST: Duration = Duration::from_secs(30);

/// When each change was made, by the VM's new name.
type Made = Arc<Mutex<HashMap<String, Instant>>>;

pub(crate) async fn measure(effort: Effort) {
    let (gateway, _) = Gateway::start(effort.vms).await;
    // A first page, so that what comes only once is there.
    drop(Browser::connect(&gateway).await.events().await);
    let empty = machine::resident(gateway.pid());
    let (made, total) = (Made::default(), watch::Sender::new(0));
    let tasks = TaskTracker::new();
    let mut pages = Vec::new();
    while pages.len() < effort.pages {
        let count = AT_ONCE.min(effort.pages - pages.len());
        let opening = (0..count).map(|_| async { Browser::connect(&gateway).await.events().await });
        for stream in join_all(opening).await {
            pages.push(tasks.spawn(follow(stream, Arc::clone(&made), total.subscribe())));
        }
    }
    sleep(Duration::from_secs(1)).await;
    let memory = machine::resident(gateway.pid()).saturating_sub(empty);
    say(&format!(
        "{} list pages of {} VMs: {:.1} KiB for each\n",
        effort.pages,
        effort.vms,
        memory as f64 / effort.pages as f64
    ));
    quiet(&gateway).await;
    let cpu = (
        machine::cpu_in_all(gateway.pid()),
        machine::cpu_in_all(std::process::id()),
    );
    let begun = Instant::now();
    change(&gateway, effort, &made).await;
    total.send_replace(effort.seconds * CHANGES);
    let delays = received(pages).await;
    let took = begun.elapsed().as_secs_f64();
    let gateways = (machine::cpu_in_all(gateway.pid()) - cpu.0).as_secs_f64();
    let own = (machine::cpu_in_all(std::process::id()) - cpu.1).as_secs_f64();
    say(&format!(
        "{} changes in {took:.1} s, each seen by each of {} pages. From a change to a page: p50 {:.0} ms, p99 {:.0} ms, at most {:.0} ms\n\n\
         CPU: gateway {gateways:.1} s ({:.0} % of a core, {:.1} µs for each event), vCenter and browsers {own:.1} s\n",
        effort.seconds * CHANGES,
        effort.pages,
        quantile(&delays, 0.5),
        quantile(&delays, 0.99),
        quantile(&delays, 1.0),
        gateways / took * 100.0,
        gateways * 1e6 / delays.len() as f64,
    ));
}

/// What it costs that the pages are open.
async fn quiet(gateway: &Gateway) {
    let calls = gateway.host.counts().soap_calls();
    let cpu = machine::cpu_in_all(gateway.pid());
    sleep(QUIET).await;
    let cpu = machine::cpu_in_all(gateway.pid()) - cpu;
    say(&format!(
        "{} s in which nothing changes: {:.0} ms of CPU, {} calls to vSphere\n",
        QUIET.as_secs(),
        cpu.as_secs_f64() * 1e3,
        gateway.host.counts().soap_calls() - calls
    ));
}

/// Renames VMs that the user may open, each time another.
async fn change(gateway: &Gateway, effort: Effort, made: &Made) {
    let mut ticks = interval(Duration::from_secs(1) / CHANGES as u32);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    // web-0000, web-0005 …
    let mut vms = (0..effort.vms).step_by(5).cycle();
    for number in 0..effort.seconds * CHANGES {
        ticks.tick().await;
        let vm = name(vms.next().unwrap());
        let changed = format!("{vm} {number}.");
        made.lock().await.insert(changed.clone(), Instant::now());
        gateway.host.rename(&vm, &changed);
    }
}

/// The delays in ms of all pages.
async fn received(pages: Vec<JoinHandle<Vec<f64>>>) -> Vec<f64> {
    let all = timeout(LAST, join_all(pages)).await;
    let all = all.expect("a page has missed a change");
    all.into_iter().flat_map(Result::unwrap).collect()
}

/// Receives events until each change has come.
async fn follow(
    mut stream: TlsStream<TcpStream>,
    made: Made,
    mut total: watch::Receiver<usize>,
) -> Vec<f64> {
    let (mut delays, mut received) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    loop {
        if *total.borrow() > 0 && delays.len() >= *total.borrow() {
            return delays;
        }
        tokio::select! {
            // The sender lives as long as there are pages.
            _ = total.changed() => continue,
            read = stream.read_buf(&mut received) => assert!(read.unwrap() > 0, "the events have ended"),
        }
        let now = Instant::now();
        let whole = received
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let lines: Vec<u8> = received.drain(..whole).collect();
        for line in String::from_utf8_lossy(&lines).lines() {
            assert!(!line.starts_with("event: reread"), "the page was too slow");
            let Some((_, rest)) = line.split_once("\"name\":\"") else {
                continue;
            };
            let name = rest.split_once('"').unwrap().0;
            if !seen.insert(name.to_owned()) {
                continue;
            }
            let at = made.lock().await.get(name).copied();
            delays.extend(at.map(|at| now.duration_since(at).as_secs_f64() * 1e3));
        }
    }
}
