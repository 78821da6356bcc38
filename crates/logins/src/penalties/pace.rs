//! Limits the rate of login attempts at a console over all sources: after many failures, attempts are spaced out but not
//! refused, so that an attacker cannot lock the users out.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::HashedKey;

/// Failures that do not yet delay further attempts.
pub(super) const FREE_FAILURES: u32 = 100;

/// What each further failure adds to the interval between two attempts.
pub(super) const INTERVAL_STEP: Duration = Duration::from_micros(25);

/// One failure expires after each such period.
const DECAY: Duration = Duration::from_secs(1);

/// An attempt that would wait longer than this is refused.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(10);

/// The pace of each console that has had failures.
pub(super) struct Paces {
    slowest: Duration,
    consoles: HashMap<HashedKey, Pace>,
}

#[derive(Debug, Clone, Copy)]
struct Pace {
    failures: u32,
    /// When failures were last expired.
    aged: Instant,
    /// The turn of the next attempt.
    next: Instant,
}

impl Pace {
    fn age(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.aged).as_secs() / DECAY.as_secs();
        let expired = u32::try_from(seconds).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_sub(expired);
        self.aged = match self.failures {
            0 => now,
            _ => self.aged + DECAY * expired,
        };
    }

    fn interval(&self, slowest: Duration) -> Duration {
        let further = self.failures.saturating_sub(FREE_FAILURES);
        INTERVAL_STEP.saturating_mul(further).min(slowest)
    }
}

impl Paces {
    pub(super) fn new(slowest: Duration) -> Self {
        Self {
            slowest,
            consoles: HashMap::new(),
        }
    }

    /// Reserves a turn for an attempt at `now`: how long it waits, or, where that is too long, after which time to try again.
    pub(super) fn reserve_turn(
        &mut self,
        console: HashedKey,
        now: Instant,
    ) -> Result<Duration, Duration> {
        let Some(pace) = self.consoles.get_mut(&console) else {
            return Ok(Duration::ZERO);
        };
        pace.age(now);
        let turn = pace.next.max(now);
        let wait = turn - now;
        if wait > MAX_WAIT {
            return Err(wait);
        }
        pace.next = turn + pace.interval(self.slowest);
        Ok(wait)
    }

    pub(super) fn record_failure(&mut self, console: HashedKey, now: Instant) {
        if !self.consoles.contains_key(&console) {
            // A reload may have removed consoles: their entries expire here.
            self.consoles.retain(|_, pace| {
                pace.age(now);
                pace.failures > 0
            });
        }
        let pace = self.consoles.entry(console).or_insert(Pace {
            failures: 0,
            aged: now,
            next: now,
        });
        pace.age(now);
        pace.failures = pace.failures.saturating_add(1);
    }
}
