//! What failed logins cost a source: nothing for the first four, then a minute, doubled by each further one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::source::Source;

/// This many wrong passwords in a row cost something.
const FREE: u32 = 5;

/// What the fifth costs.
const FIRST: Duration = Duration::from_secs(60);

/// What any costs at most.
const LONGEST: Duration = Duration::from_secs(3600);

/// A failure is forgotten after this long without another; what is being served is served.
const DECAY: Duration = Duration::from_secs(120);

/// How many sources are remembered: some 64 bytes each. A flood from more than this many is a matter for a
/// firewall; those who have failed least are forgotten first.
const SOURCES: usize = 16 * 1024;

/// Failed logins by source.
#[derive(Clone, Default)]
pub(crate) struct Penalties(Arc<Mutex<HashMap<Source, Record>>>);

#[derive(Clone, Copy)]
struct Record {
    failures: u32,
    last: Instant,
    /// Refused until then.
    until: Instant,
}

impl Record {
    /// Without what is forgotten by `now`; `None` where that is all.
    fn aged(self, now: Instant) -> Option<Self> {
        let since = now.saturating_duration_since(self.last.max(self.until));
        let forgotten = u32::try_from(since.as_secs() / DECAY.as_secs()).unwrap_or(u32::MAX);
        let failures = self.failures.saturating_sub(forgotten);
        let last = if forgotten == 0 { self.last } else { now };
        (failures > 0).then_some(Self {
            failures,
            last,
            ..self
        })
    }
}

impl Penalties {
    /// How long `source` must still wait; `None` where it need not.
    pub(crate) fn wait(&self, source: Source, now: Instant) -> Option<Duration> {
        let records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = records.get(&source)?.until;
        (until > now).then(|| until - now)
    }

    /// It gave a wrong password.
    pub(crate) fn failed(&self, source: Source, now: Instant) {
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = records.get(&source).and_then(|record| record.aged(now));
        let failures = known.map_or(0, |record| record.failures).saturating_add(1);
        if known.is_none() && records.len() >= SOURCES {
            make_room(&mut records, now);
        }
        records.insert(
            source,
            Record {
                failures,
                last: now,
                until: now + cost(failures),
            },
        );
    }

    /// It gave a right one.
    pub(crate) fn passed(&self, source: Source) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&source);
    }
}

fn cost(failures: u32) -> Duration {
    match failures.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(beyond) => FIRST
            .saturating_mul(1_u32.checked_shl(beyond).unwrap_or(u32::MAX))
            .min(LONGEST),
    }
}

/// Forgets what is old, and where nothing is, half of those who have failed least.
fn make_room(records: &mut HashMap<Source, Record>, now: Instant) {
    records.retain(|_, record| record.aged(now).is_some());
    if records.len() < SOURCES {
        return;
    }
    let mut counts: Vec<u32> = records.values().map(|record| record.failures).collect();
    counts.sort_unstable();
    let median = counts.get(counts.len() / 2).copied().unwrap_or_default();
    let mut left = SOURCES / 2;
    records.retain(|_, record| {
        let forget = record.failures <= median && left > 0;
        left -= usize::from(forget);
        !forget
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: Source = Source::V6([1, 2, 3, 4]);
    const OTHER: Source = Source::V6([1, 2, 3, 5]);

    fn after(penalties: &Penalties, failures: u32, now: Instant) -> Option<Duration> {
        for _ in 0..failures {
            penalties.failed(SOURCE, now);
        }
        penalties.wait(SOURCE, now)
    }

    #[tokio::test]
    async fn five_in_a_row_cost_a_minute_and_each_further_one_twice_as_much() {
        let now = Instant::now();
        let penalties = Penalties::default();
        assert_eq!(after(&penalties, 4, now), None);
        assert_eq!(after(&penalties, 1, now), Some(Duration::from_secs(60)));
        assert_eq!(after(&penalties, 1, now), Some(Duration::from_secs(120)));
        assert_eq!(after(&penalties, 100, now), Some(LONGEST));
        assert_eq!(penalties.wait(OTHER, now), None);
        assert_eq!(penalties.wait(SOURCE, now + LONGEST), None);
    }

    #[tokio::test]
    async fn a_right_password_makes_good() {
        let now = Instant::now();
        let penalties = Penalties::default();
        after(&penalties, 4, now);
        penalties.passed(SOURCE);
        assert_eq!(after(&penalties, 4, now), None);
    }

    #[tokio::test]
    async fn failures_are_forgotten_one_by_one() {
        let now = Instant::now();
        let penalties = Penalties::default();
        after(&penalties, 4, now);
        assert_eq!(after(&penalties, 1, now + DECAY), None);
        assert_eq!(after(&penalties, 1, now + DECAY), Some(FIRST));
        // A penalty that has been served is not forgotten with it.
        assert_eq!(after(&penalties, 1, now + DECAY + FIRST), Some(2 * FIRST));
        assert_eq!(after(&penalties, 4, now + 100 * DECAY), None);
    }

    #[tokio::test]
    async fn only_so_many_sources_are_remembered_and_the_worst_stay() {
        let now = Instant::now();
        let penalties = Penalties::default();
        after(&penalties, 5, now);
        for number in 0..2 * SOURCES {
            let [a, b, c, d] = (number as u32).to_be_bytes();
            penalties.failed(Source::V4([a, b, c, d].into()), now);
        }
        assert!(penalties.0.lock().unwrap().len() <= SOURCES);
        assert_eq!(penalties.wait(SOURCE, now), Some(FIRST));
    }
}
