//! CPU per GiB and MiB per second, and how many system calls that takes.

use std::collections::BTreeMap;
use std::process::Command;

use tokio::time::{Duration, Instant, sleep};

use crate::Effort;
use crate::machine;
use crate::mix::Mix;
use crate::relays::{BASE, IN_PLACE, OURS, Relay, Relays, TRANSPARENT};
use crate::table::{head, median, paired, row, say, spread};
use crate::viewer::Viewer;

/// Mixes on which relays that write once per frame take minutes are run with less.
const TINY_SHARE: u64 = 8;

#[derive(Default)]
struct Runs {
    /// CPU seconds per GiB.
    cpu: Vec<f64>,
    /// MiB per second.
    speed: Vec<f64>,
}

pub(crate) async fn measure(relays: &Relays, effort: Effort, mixes: &[&str]) {
    let mut tiny: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    for mix in chosen(mixes) {
        let mut all: BTreeMap<&str, Runs> = BTreeMap::new();
        for _ in 0..effort.rounds {
            for name in relays.names() {
                let relay = relays.start(name, machine::FIRST).await;
                let (cpu, speed) = run(&relay, mix, effort).await;
                let runs = all.entry(name).or_default();
                runs.cpu.push(cpu);
                runs.speed.push(speed);
            }
        }
        for (name, runs) in &all {
            let of_mix = tiny.entry(mix.name()).or_default();
            of_mix.insert(name, median(&runs.cpu));
        }
        show(mix, &all, effort);
    }
    let (Some(tiny), Some(large)) = (tiny.get(Mix::Tiny.name()), tiny.get(Mix::Large.name()))
    else {
        return;
    };
    for name in [OURS, IN_PLACE, TRANSPARENT] {
        if let (Some(tiny), Some(large)) = (tiny.get(name), large.get(name)) {
            let ratio = tiny / large;
            say(&format!(
                "{name}, CPU per GiB at 125 B against its own 64k: {ratio:.2}\n"
            ));
        }
    }
}

fn chosen(mixes: &[&str]) -> impl Iterator<Item = Mix> {
    Mix::ALL
        .into_iter()
        .filter(|mix| mixes.is_empty() || mixes.contains(&mix.name()))
}

pub(crate) async fn run(relay: &Relay, mix: Mix, effort: Effort) -> (f64, f64) {
    let mut viewer = Viewer::enter(relay.listen, relay.entry).await.unwrap();
    viewer.receive(mix, 1).await.unwrap();
    let share = if mix == Mix::Tiny { TINY_SHARE } else { 1 };
    let passes = u16::try_from(effort.mib / 8 / share).unwrap().max(1);
    let (cpu, begun) = (machine::cpu(relay.pid()), Instant::now());
    let bytes = viewer.receive(mix, passes).await.unwrap() as f64;
    let (took, cpu) = (begun.elapsed(), machine::cpu(relay.pid()) - cpu);
    let mib = bytes / f64::from(1 << 20);
    (cpu.as_secs_f64() * 1024.0 / mib, mib / took.as_secs_f64())
}

fn show(mix: Mix, all: &BTreeMap<&str, Runs>, effort: Effort) {
    say(&format!("{} mix, {} rounds\n", mix.name(), effort.rounds));
    say(&head(&[
        "relay",
        "CPU s/GiB",
        "MiB/s",
        "its CPU to own TLS's",
        "mksgate's CPU to its",
        "in-place's CPU to its",
    ]));
    let mut sorted: Vec<_> = all.iter().collect();
    sorted.sort_by(|(_, one), (_, other)| median(&one.cpu).total_cmp(&median(&other.cpu)));
    for (name, runs) in sorted {
        say(&row(&[
            (*name).into(),
            spread(&runs.cpu),
            format!("{:.0}", median(&runs.speed)),
            all.get(BASE)
                .map_or("–".into(), |base| paired(&runs.cpu, &base.cpu)),
            all.get(OURS)
                .map_or("–".into(), |ours| paired(&ours.cpu, &runs.cpu)),
            all.get(IN_PLACE)
                .map_or("–".into(), |ours| paired(&ours.cpu, &runs.cpu)),
        ]));
    }
    say("");
}

/// By strace, which slows a relay down: the figures are of runs by themselves.
pub(crate) async fn count_calls(relays: &Relays, effort: Effort, mixes: &[&str]) {
    if Command::new("strace").arg("-V").output().is_err() {
        say("System calls: not counted, there is no strace.\n");
        return;
    }
    say("System calls per MiB (under strace)\n");
    let mut columns = vec!["relay"];
    columns.extend(chosen(mixes).map(Mix::name));
    say(&head(&columns));
    for name in relays.names() {
        let mut cells = vec![(*name).to_owned()];
        for mix in chosen(mixes) {
            let relay = relays.start(name, machine::FIRST).await;
            cells.push(format!("{:.1}", calls(&relay, mix, effort).await));
        }
        say(&row(&cells));
    }
    say("");
}

async fn calls(relay: &Relay, mix: Mix, effort: Effort) -> f64 {
    let (calls, bytes) = strace(relay, mix, effort.mib / 64).await.unwrap();
    calls["total"] / (bytes / f64::from(1 << 20))
}

/// How often each system call was made, and `total`, for how many bytes in so many passes. `None` without strace.
pub(crate) async fn strace(
    relay: &Relay,
    mix: Mix,
    passes: u64,
) -> Option<(BTreeMap<String, f64>, f64)> {
    let mut viewer = Viewer::enter(relay.listen, relay.entry).await.unwrap();
    viewer.receive(mix, 1).await.unwrap();
    let log = std::env::temp_dir().join(format!("mksgate-bench-{}.strace", std::process::id()));
    let mut strace = Command::new("strace")
        .args(["-f", "-c", "-q", "-o"])
        .arg(&log)
        .args(
            all_of(relay.pid())
                .iter()
                .flat_map(|pid| ["-p".to_owned(), pid.to_string()]),
        )
        .stderr(std::process::Stdio::null())
        .spawn()
        .ok()?;
    sleep(Duration::from_millis(500)).await;
    let passes = u16::try_from(passes).unwrap().max(1);
    let bytes = viewer.receive(mix, passes).await.unwrap() as f64;
    Command::new("kill")
        .args(["-INT", &strace.id().to_string()])
        .status()
        .unwrap();
    strace.wait().unwrap();
    let counted = std::fs::read_to_string(&log).unwrap();
    let _ = std::fs::remove_file(&log);
    let calls = counted.lines().filter_map(|line| {
        // Share of time, seconds, microseconds per call, calls, errors where there are any, name.
        let mut words = line.split_whitespace();
        let calls = words.nth(3)?.parse().ok()?;
        Some((words.next_back()?.to_owned(), calls))
    });
    Some((calls.collect(), bytes))
}

fn all_of(pid: u32) -> Vec<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    let children = children
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok());
    std::iter::once(pid)
        .chain(children.flat_map(all_of))
        .collect()
}
