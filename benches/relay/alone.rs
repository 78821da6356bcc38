//! One session at full speed that may use all cores, while nobody else is ready: what the gateway takes beside a relay that
//! never lets anybody else run, what small records take beside large frames, and how often the kernel is asked.

use std::collections::BTreeMap;

use crate::Effort;
use crate::machine;
use crate::mix::Mix;
use crate::relays::{BEFORE, IN_PLACE, OURS, Relays, STRAIGHT, STRAIGHT_IN_PLACE, TRANSPARENT};
use crate::table::{head, median, ratios, row, say, spread};
use crate::throughput::{run, strace};

/// Who takes part, and beside which relay it is put.
const PAIRS: [(&str, &str); 6] = [
    (OURS, STRAIGHT),
    (BEFORE, STRAIGHT),
    (TRANSPARENT, STRAIGHT),
    (STRAIGHT, STRAIGHT),
    (IN_PLACE, STRAIGHT_IN_PLACE),
    (STRAIGHT_IN_PLACE, STRAIGHT_IN_PLACE),
];

const MIXES: [Mix; 3] = [Mix::Large, Mix::Vnc, Mix::VncRecords];

/// CPU seconds per GiB, of each round.
type Runs<'a> = BTreeMap<(&'a str, &'a str), Vec<f64>>;

pub(crate) async fn measure(relays: &Relays, effort: Effort) {
    let mut runs = Runs::new();
    for _ in 0..2 * effort.rounds {
        for mix in MIXES {
            for (name, _) in PAIRS
                .into_iter()
                .filter(|(name, _)| relays.names().contains(name))
            {
                let relay = relays.start(name, &machine::all_cores()).await;
                let (cpu, _) = run(&relay, mix, effort).await;
                runs.entry((name, mix.name())).or_default().push(cpu);
            }
        }
    }
    say(&format!(
        "One session at full speed, all cores for everybody, {} rounds\n",
        2 * effort.rounds
    ));
    say(&head(&[
        "relay",
        "mix",
        "CPU s/GiB",
        "to the same without turns",
        "beside its own 64k",
    ]));
    for (name, base) in PAIRS {
        for mix in MIXES.map(Mix::name) {
            let Some(cpu) = runs.get(&(name, mix)) else {
                continue;
            };
            let base = runs.get(&(base, mix)).filter(|_| name != base);
            let large = runs
                .get(&(name, Mix::Large.name()))
                .filter(|_| mix != Mix::Large.name());
            say(&row(&[
                name.into(),
                mix.into(),
                spread(cpu),
                base.map_or("–".into(), |base| spread(&ratios(cpu, base))),
                large.map_or("–".into(), |large| format!("{:+.3}", surplus(cpu, large))),
            ]));
        }
    }
    say("");
}

fn surplus(cpu: &[f64], large: &[f64]) -> f64 {
    let surplus: Vec<f64> = cpu
        .iter()
        .zip(large)
        .map(|(cpu, large)| cpu - large)
        .collect();
    median(&surplus)
}

/// By strace, at the 64k mix.
pub(crate) async fn count_calls(relays: &Relays, effort: Effort) {
    say("One session at full speed under strace, for each read from the host, 64k mix\n");
    say(&head(&[
        "relay",
        "KiB per read",
        "epoll_wait",
        "write: eventfds",
        "futex",
    ]));
    for (name, _) in PAIRS
        .into_iter()
        .filter(|(name, _)| relays.names().contains(name))
    {
        let relay = relays.start(name, &machine::all_cores()).await;
        let Some((calls, bytes)) = strace(&relay, Mix::Large, effort.mib / 8).await else {
            return;
        };
        let of = |names: &[&str]| -> f64 { names.iter().filter_map(|name| calls.get(*name)).sum() };
        let reads = of(&["recvfrom", "read", "recvmsg"]);
        let each = |count: f64| format!("{:.3}", count / reads);
        say(&row(&[
            name.into(),
            format!("{:.0}", bytes / 1024.0 / reads),
            each(of(&["epoll_wait", "epoll_pwait", "epoll_pwait2"])),
            each(of(&["write"])),
            each(of(&["futex"])),
        ]));
    }
    say("");
}
