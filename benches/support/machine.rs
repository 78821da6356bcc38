//! What /proc tells of the machine and of a process.

use std::fs;
use std::process::Command;
use std::time::Duration;

/// CPU, kernel, date.
pub(crate) fn description() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown", |rest| rest.trim_start_matches(['\t', ' ', ':']));
    let cores = cores();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let date = Command::new("date")
        .args(["-u", "+%F %H:%M UTC"])
        .output()
        .unwrap()
        .stdout;
    format!(
        "{}, {cores} cores, {model}, Linux {}, load at the start {}\n",
        String::from_utf8_lossy(&date).trim(),
        kernel.trim(),
        load.split(' ').next().unwrap_or_default(),
    )
}

/// The core that relays have for themselves while CPU time is measured.
pub(crate) const FIRST: &str = "0";

/// All cores, as taskset says it.
pub(crate) fn all_cores() -> String {
    format!("0-{}", cores() - 1)
}

/// All but the first, where there is more than one.
pub(crate) fn other_cores() -> String {
    format!("{}-{}", usize::from(cores() > 1), cores() - 1)
}

fn cores() -> usize {
    let online = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let online = online.lines().filter(|line| line.starts_with("processor"));
    online.count().max(1)
}

/// From now on this process runs on these.
pub(crate) fn run_on(cores: &str) {
    let pid = std::process::id().to_string();
    // Ignored on purpose: without taskset no relay is started either, and that is told.
    let _ = Command::new("taskset")
        .args(["-a", "-c", "-p", cores, &pid])
        .output();
}

/// The CPU time, user and system, of a process and its children so far.
pub(crate) fn cpu(pid: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    threads
        .map(|thread| {
            let read = |name| fs::read_to_string(thread.path().join(name)).unwrap_or_default();
            let own = read("schedstat");
            let own = own.split(' ').next().and_then(|nanos| nanos.parse().ok());
            let children = read("children");
            let children = children
                .split_whitespace()
                .filter_map(|pid| pid.parse().ok());
            Duration::from_nanos(own.unwrap_or(0)) + children.map(cpu).sum::<Duration>()
        })
        .sum()
}

/// The CPU time of a process so far, to 10 ms, with its threads that have ended.
pub(crate) fn cpu_in_all(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name of the program is in parentheses; the 12th and 13th fields behind it are in ticks of 10 ms.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks = ticks.filter_map(|ticks| ticks.parse::<u64>().ok());
    Duration::from_millis(10 * ticks.sum::<u64>())
}

/// The resident memory of a process and its children in KiB.
pub(crate) fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let own = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|kib| kib.parse().ok())
        .unwrap_or(0);
    let children =
        fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children = children
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok());
    own + children.map(resident).sum::<u64>()
}
