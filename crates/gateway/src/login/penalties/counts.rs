//! Failures by whatever they are counted by, and how long each refuses.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// What the first failure that costs something costs.
pub(super) const FIRST: Duration = Duration::from_secs(60);

/// A failure is forgotten after this long without another; a penalty is served in full before.
pub(super) const DECAY: Duration = Duration::from_secs(120);

/// How many are counted: some 100 bytes each. Beyond that those who have failed least are forgotten first.
pub(super) const MOST: usize = 16 * 1024;

/// From when failures cost something, and how much at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    first: u32,
    longest: Duration,
}

/// Failures by `K`.
pub(super) struct Counts<K> {
    level: Level,
    records: HashMap<K, Record>,
}

#[derive(Debug, Clone, Copy)]
struct Record {
    failures: u32,
    last: Instant,
    /// Refused until then.
    until: Instant,
}

impl Level {
    /// The `first`th failure costs a minute, and none costs more than `longest`.
    pub(super) const fn new(first: u32, longest: Duration) -> Self {
        Self { first, longest }
    }

    fn cost(self, failures: u32) -> Duration {
        match failures.checked_sub(self.first) {
            None => Duration::ZERO,
            Some(beyond) => FIRST
                .saturating_mul(1_u32.checked_shl(beyond).unwrap_or(u32::MAX))
                .min(self.longest),
        }
    }
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

impl<K: Eq + Hash> Counts<K> {
    pub(super) fn new(level: Level) -> Self {
        Self {
            level,
            records: HashMap::new(),
        }
    }

    pub(super) fn wait(&self, key: &K, now: Instant) -> Option<Duration> {
        let until = self.records.get(key)?.until;
        (until > now).then(|| until - now)
    }

    pub(super) fn failed(&mut self, key: K, now: Instant) {
        let known = self.records.get(&key).and_then(|record| record.aged(now));
        let failures = known.map_or(0, |record| record.failures).saturating_add(1);
        if known.is_none() && self.records.len() >= MOST {
            self.make_room(now);
        }
        let record = Record {
            failures,
            last: now,
            until: now + self.level.cost(failures),
        };
        self.records.insert(key, record);
    }

    /// Forgets all failures of `key`; how many they were.
    pub(super) fn forget(&mut self, key: &K, now: Instant) -> u32 {
        let record = self.records.remove(key);
        record
            .and_then(|record| record.aged(now))
            .map_or(0, |record| record.failures)
    }

    /// Forgets that many failures of `key`.
    pub(super) fn take_back(&mut self, key: &K, failures: u32, now: Instant) {
        if let Some(record) = self.records.get_mut(key) {
            match record.aged(now) {
                Some(aged) if aged.failures > failures => {
                    record.failures = aged.failures - failures;
                    record.last = aged.last;
                }
                _ => drop(self.records.remove(key)),
            }
        }
    }

    /// Forgets what is old, and where that is too little, half of those who have failed least.
    fn make_room(&mut self, now: Instant) {
        self.records.retain(|_, record| record.aged(now).is_some());
        if self.records.len() < MOST {
            return;
        }
        let mut counts: Vec<u32> = self
            .records
            .values()
            .map(|record| record.failures)
            .collect();
        counts.sort_unstable();
        let median = counts.get(counts.len() / 2).copied().unwrap_or_default();
        let mut left = MOST / 2;
        self.records.retain(|_, record| {
            let forget = record.failures <= median && left > 0;
            left -= usize::from(forget);
            !forget
        });
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }
}
