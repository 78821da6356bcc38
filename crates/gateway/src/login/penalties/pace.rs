//! How fast a console's password can be guessed at, whatever the number of sources: many failures space further guesses,
//! and never refuse for good.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::Subject;

/// This many failures cost nothing.
pub(super) const FREE: u32 = 100;

/// How much each further one adds to the time between two guesses.
pub(super) const STEP: Duration = Duration::from_micros(25);

/// A failure is forgotten after this long.
const DECAY: Duration = Duration::from_secs(1);

/// Whoever would wait longer than this is told to come again.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// One pace for each console that has seen failures.
pub(super) struct Paces {
    slowest: Duration,
    consoles: HashMap<Subject, Pace>,
}

#[derive(Debug, Clone, Copy)]
struct Pace {
    failures: u32,
    /// Up to when failures have been forgotten.
    aged: Instant,
    /// When the next guess has its turn.
    next: Instant,
}

impl Pace {
    fn age(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.aged).as_secs() / DECAY.as_secs();
        let forgotten = u32::try_from(seconds).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_sub(forgotten);
        self.aged = match self.failures {
            0 => now,
            _ => self.aged + DECAY * forgotten,
        };
    }

    fn interval(&self, slowest: Duration) -> Duration {
        let beyond = self.failures.saturating_sub(FREE);
        STEP.saturating_mul(beyond).min(slowest)
    }
}

impl Paces {
    pub(super) fn new(slowest: Duration) -> Self {
        Self {
            slowest,
            consoles: HashMap::new(),
        }
    }

    /// How long a guess that comes now waits for its turn, or when it may come again.
    pub(super) fn turn(&mut self, console: Subject, now: Instant) -> Result<Duration, Duration> {
        let Some(pace) = self.consoles.get_mut(&console) else {
            return Ok(Duration::ZERO);
        };
        pace.age(now);
        let turn = pace.next.max(now);
        let wait = turn - now;
        if wait > PATIENCE {
            return Err(wait);
        }
        pace.next = turn + pace.interval(self.slowest);
        Ok(wait)
    }

    pub(super) fn failed(&mut self, console: Subject, now: Instant) {
        if !self.consoles.contains_key(&console) {
            // Consoles come and go with the configuration.
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
