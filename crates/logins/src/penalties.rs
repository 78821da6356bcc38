//! Penalties for failed logins, modelled on OpenSSH's `PerSourcePenalties`.
//!
//! | failures counted by | penalty from | who is delayed or refused |
//! |---|---|---|
//! | login (a user, or a console's password) and source | the 5th failure | that source, at that login |
//! | source: an IPv4 address, an IPv6 /64 | the 10th | that source, at every login |
//! | IPv6 /56 and /48 | the 20th, the 40th | that network, at every login |
//! | console, over all sources | the 100th | sources that have not logged in there before: their attempts are spaced out |
//!
//! The first three refuse logins for a minute, doubled by each further failure. A success clears the failures at the same
//! login from the same source and no others: a user of one console gets no free attempts at another.

mod counts;
mod pace;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ipnet::IpNet;
use tokio::time::Instant;

use super::source::Source;
use counts::{Counts, Level};
use pace::Paces;

const HOUR: Duration = Duration::from_secs(3600);

const BY_LOGIN: Level = Level::new(5, HOUR);

/// In the order of [`Source::networks`]: the source itself, its /56 and its /48. A site has a /56 or a /48 (RFC 6177); the
/// penalty for a /48 is shorter, because a carrier may have many customers in one.
const BY_NETWORK: [Level; 3] = [
    Level::new(10, HOUR),
    Level::new(20, HOUR),
    Level::new(40, Duration::from_secs(600)),
];

/// The longest interval between two attempts at a console over all sources.
const MAX_INTERVAL: Duration = Duration::from_secs(1);

/// The same for a private port, where the owner's attempts cannot be distinguished from an attacker's and are delayed too.
/// A random password of 40 bits withstands attempts at this rate.
const MAX_INTERVAL_PRIVATE: Duration = Duration::from_millis(10);

/// The most pairs of a console and a source whose successful login is remembered.
const MAX_KNOWN: usize = 4096;

/// Failed logins of the whole gateway.
#[derive(Clone)]
pub struct Penalties {
    hasher: RandomState,
    /// Whether sources are distinguished.
    by_source: bool,
    state: Arc<Mutex<State>>,
}

/// A login or a console as a hash: its size does not depend on the length of the names that attackers send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HashedKey(u64);

/// One login attempt.
#[derive(Debug, Clone, Copy)]
pub struct Attempt {
    /// Where it comes from.
    pub source: Source,
    /// The user, or the console's password.
    pub login: HashedKey,
    /// The console.
    pub console: HashedKey,
}

struct State {
    logins: Counts<(HashedKey, Source)>,
    networks: [Counts<IpNet>; 3],
    paces: Paces,
    /// When each source last logged in to each console.
    known: HashMap<(HashedKey, Source), Instant>,
}

impl Penalties {
    /// For ports with several users.
    pub fn shared() -> Self {
        Self::with(true, MAX_INTERVAL)
    }

    /// For a port of one local user. All local users share one address, so attempts are only spaced out: another local user
    /// must not be able to lock the owner out.
    pub fn private() -> Self {
        Self::with(false, MAX_INTERVAL_PRIVATE)
    }

    fn with(by_source: bool, slowest: Duration) -> Self {
        Self {
            hasher: RandomState::new(),
            by_source,
            state: Arc::new(Mutex::new(State {
                logins: Counts::new(BY_LOGIN),
                networks: BY_NETWORK.map(Counts::new),
                paces: Paces::new(slowest),
                known: HashMap::new(),
            })),
        }
    }

    /// The key of a login or console, from everything that identifies it.
    pub fn hashed(&self, identity: impl Hash) -> HashedKey {
        HashedKey(self.hasher.hash_one(identity))
    }

    /// The remaining penalty of `attempt`; `None` where it may proceed.
    pub fn remaining(&self, attempt: Attempt, now: Instant) -> Option<Duration> {
        let at_login = self.lock().logins.remaining(&attempt.login_key(), now);
        at_login.max(self.remaining_for_source(attempt.source, now))
    }

    /// The remaining penalty of `source` at every login.
    pub fn remaining_for_source(&self, source: Source, now: Instant) -> Option<Duration> {
        let state = self.lock();
        let networks = source.networks().zip(&state.networks);
        networks
            .filter_map(|(net, counts)| counts.remaining(&net, now))
            .max()
    }

    /// Reserves a turn for `attempt` among all attempts at its console, and returns how long it must wait for it.
    ///
    /// # Errors
    /// Too many are waiting: the time after which to try again.
    pub fn reserve_turn(&self, attempt: Attempt, now: Instant) -> Result<Duration, Duration> {
        let mut state = self.lock();
        let is_known = state.known.contains_key(&(attempt.console, attempt.source));
        match self.by_source && is_known {
            true => Ok(Duration::ZERO),
            false => state.paces.reserve_turn(attempt.console, now),
        }
    }

    /// Counts a wrong password.
    pub fn record_failure(&self, attempt: Attempt, now: Instant) {
        let mut state = self.lock();
        state.paces.record_failure(attempt.console, now);
        if self.by_source {
            state.logins.record_failure(attempt.login_key(), now);
            let networks = attempt.source.networks().zip(&mut state.networks);
            networks.for_each(|(net, counts)| counts.record_failure(net, now));
        }
    }

    /// Clears the failures of this login and source.
    pub fn record_success(&self, attempt: Attempt, now: Instant) {
        let mut state = self.lock();
        let failures = state.logins.remove(&attempt.login_key(), now);
        let networks = attempt.source.networks().zip(&mut state.networks);
        networks.for_each(|(net, counts)| counts.subtract(&net, failures, now));
        if self.by_source {
            state.remember_success((attempt.console, attempt.source), now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    const fn login_key(self) -> (HashedKey, Source) {
        (self.login, self.source)
    }
}

impl State {
    /// Remembers a successful login in place of the oldest one. Failures never get here, so an attacker cannot evict entries.
    fn remember_success(&mut self, pair: (HashedKey, Source), now: Instant) {
        if self.known.len() >= MAX_KNOWN && !self.known.contains_key(&pair) {
            let oldest = self.known.iter().min_by_key(|(_, since)| **since);
            if let Some(oldest) = oldest.map(|(pair, _)| *pair) {
                self.known.remove(&oldest);
            }
        }
        self.known.insert(pair, now);
    }
}
