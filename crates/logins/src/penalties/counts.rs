//! Failure counts by key, and the penalties that follow from them.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// The first penalty.
pub(super) const FIRST_PENALTY: Duration = Duration::from_secs(60);

/// One failure expires after each such period without another; the period begins when the penalty has ended.
pub(super) const DECAY: Duration = Duration::from_secs(120);

/// The most records, of about 100 bytes each. Beyond that, those with the fewest failures are evicted.
pub(super) const MAX_RECORDS: usize = 16 * 1024;

/// When penalties begin, and the longest one.
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
    /// When the penalty ends.
    until: Instant,
}

impl Level {
    /// The `first`th failure has a penalty of [`FIRST_PENALTY`]; none is longer than `longest`.
    pub(super) const fn new(first: u32, longest: Duration) -> Self {
        Self { first, longest }
    }

    fn penalty(self, failures: u32) -> Duration {
        match failures.checked_sub(self.first) {
            None => Duration::ZERO,
            Some(further) => FIRST_PENALTY
                .saturating_mul(1_u32.checked_shl(further).unwrap_or(u32::MAX))
                .min(self.longest),
        }
    }
}

impl Record {
    /// The record at `now`, without expired failures; `None` where all have expired.
    fn aged(self, now: Instant) -> Option<Self> {
        let since = now.saturating_duration_since(self.last.max(self.until));
        let expired = u32::try_from(since.as_secs() / DECAY.as_secs()).unwrap_or(u32::MAX);
        let failures = self.failures.saturating_sub(expired);
        let last = if expired == 0 { self.last } else { now };
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

    pub(super) fn remaining(&self, key: &K, now: Instant) -> Option<Duration> {
        let until = self.records.get(key)?.until;
        (until > now).then(|| until - now)
    }

    pub(super) fn record_failure(&mut self, key: K, now: Instant) {
        let known = self.records.get(&key).and_then(|record| record.aged(now));
        let failures = known.map_or(0, |record| record.failures).saturating_add(1);
        if known.is_none() && self.records.len() >= MAX_RECORDS {
            self.evict(now);
        }
        let record = Record {
            failures,
            last: now,
            until: now + self.level.penalty(failures),
        };
        self.records.insert(key, record);
    }

    /// Removes all failures of `key` and returns how many they were.
    pub(super) fn remove(&mut self, key: &K, now: Instant) -> u32 {
        let record = self.records.remove(key);
        record
            .and_then(|record| record.aged(now))
            .map_or(0, |record| record.failures)
    }

    /// Subtracts `failures` from those of `key`.
    pub(super) fn subtract(&mut self, key: &K, failures: u32, now: Instant) {
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

    /// Removes expired records; where that is not enough, half of the records with the fewest failures.
    fn evict(&mut self, now: Instant) {
        self.records.retain(|_, record| record.aged(now).is_some());
        if self.records.len() < MAX_RECORDS {
            return;
        }
        let mut counts: Vec<u32> = self
            .records
            .values()
            .map(|record| record.failures)
            .collect();
        counts.sort_unstable();
        let median = counts.get(counts.len() / 2).copied().unwrap_or_default();
        let mut left = MAX_RECORDS / 2;
        self.records.retain(|_, record| {
            let remove = record.failures <= median && left > 0;
            left -= usize::from(remove);
            !remove
        });
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }
}
