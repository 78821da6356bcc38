//! A browser's session beside a native viewer's, both over TLS, and beside websockify.

use std::collections::BTreeMap;

use crate::Effort;
use crate::machine;
use crate::mix::Mix;
use crate::relays::{NATIVE, Relays};
use crate::table::{head, median, ratios, row, say, spread};
use crate::throughput::run;

pub(crate) async fn measure(relays: &Relays, effort: Effort) {
    let mix = Mix::Vnc;
    let mut all: BTreeMap<&str, (Vec<f64>, Vec<f64>)> = BTreeMap::new();
    for _ in 0..effort.rounds {
        for name in relays.encrypted() {
            let relay = relays.start(name, machine::FIRST).await;
            let (cpu, speed) = run(&relay, mix, effort).await;
            let runs = all.entry(name).or_default();
            runs.0.push(cpu);
            runs.1.push(speed);
        }
    }
    say(&format!(
        "Viewers over TLS, {} mix, {} rounds\n",
        mix.name(),
        effort.rounds
    ));
    say(&head(&[
        "relay",
        "CPU s/GiB",
        "MiB/s",
        "its CPU to a native viewer's session",
    ]));
    for (name, (cpu, speed)) in &all {
        let native = all.get(NATIVE);
        say(&row(&[
            (*name).into(),
            spread(cpu),
            format!("{:.0}", median(speed)),
            native.map_or("–".into(), |(native, _)| spread(&ratios(cpu, native))),
        ]));
    }
    say("");
}
