//! Resident memory of sessions that do nothing, and the CPU time to open them.

use tokio::time::{Duration, sleep};

use crate::Effort;
use crate::machine;
use crate::mix::Mix;
use crate::relays::{Relay, Relays, WEBSOCKIFY};
use crate::table::{head, row, say};
use crate::viewer::Viewer;

/// How many sessions get large messages before they are idle again.
const BURSTS: usize = 150;

/// How many sessions open at a time.
const AT_ONCE: usize = 16;

/// Relays with a process per session are not asked for thousands.
const FORKING: [&str; 3] = ["socat", "stunnel4", WEBSOCKIFY];

pub(crate) async fn measure(relays: &Relays, effort: Effort) {
    let [few, many] = effort.crowds;
    say("Memory per session in KiB, and CPU to open one in ms\n");
    say(&head(&[
        "relay",
        &format!("{few} idle"),
        &format!("{many} idle"),
        &format!("{BURSTS} idle after 1 MiB messages"),
        "CPU per session",
    ]));
    let names = relays.names().iter().chain(relays.encrypted());
    for name in names.filter(|name| !FORKING.contains(name)) {
        let relay = relays.start(name, &machine::all_cores()).await;
        let (burst, _) = crowd(&relay, BURSTS, true).await;
        let mut cells = Vec::new();
        let mut opening = 0.0;
        for count in [few, many] {
            let relay = relays.start(name, &machine::all_cores()).await;
            let (each, cpu) = crowd(&relay, count, false).await;
            cells.push(format!("{each:.1}"));
            if count == few {
                opening = cpu;
            }
        }
        cells.insert(0, (*name).into());
        cells.extend([format!("{burst:.1}"), format!("{opening:.2}")]);
        say(&row(&cells));
    }
    say(&format!(
        "\nNot asked for so many sessions: {}.\n",
        FORKING.join(", ")
    ));
}

/// Opens sessions: KiB for each, and milliseconds.
async fn crowd(relay: &Relay, count: usize, burst: bool) -> (f64, f64) {
    // What one session leaves behind is not the next one's.
    drop(open(relay, 1).await);
    sleep(Duration::from_millis(300)).await;
    let (before, cpu) = (machine::resident(relay.pid()), machine::cpu(relay.pid()));
    let mut viewers = open(relay, count).await;
    let cpu = machine::cpu(relay.pid()) - cpu;
    if burst {
        for viewer in &mut viewers {
            viewer.receive(Mix::Huge, 4).await.unwrap();
        }
    }
    sleep(Duration::from_secs(1)).await;
    let used = machine::resident(relay.pid()).saturating_sub(before);
    (
        used as f64 / count as f64,
        cpu.as_secs_f64() * 1e3 / count as f64,
    )
}

async fn open(relay: &Relay, count: usize) -> Vec<Viewer> {
    let mut viewers = Vec::with_capacity(count);
    while viewers.len() < count {
        let batch = AT_ONCE.min(count - viewers.len());
        let opening = (0..batch).map(|_| async {
            let mut viewer = Viewer::enter(relay.listen, relay.entry)
                .await
                .unwrap_or_else(|error| panic!("{}: {error}", relay.name));
            viewer.settle().await.unwrap();
            viewer
        });
        viewers.extend(futures::future::join_all(opening).await);
    }
    viewers
}
