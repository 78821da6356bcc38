//! What failed logins cost. The model is OpenSSH's `PerSourcePenalties`.
//!
//! | counted | costs from | who is held up |
//! |---|---|---|
//! | by login (a user, or a console's password) and source | the 5th failure | that source, at that login |
//! | by source: an IPv4 address, an IPv6 /64 | the 10th | that source, everywhere |
//! | by IPv6 /56 and /48 | the 20th, the 40th | that network, everywhere |
//! | by console, over all sources | the 100th | sources that have not logged in there before: their guesses are spaced |
//!
//! The first three refuse for a minute, doubled by each further failure. A success takes back the failures at the same
//! login from the same source, and no others: whoever may log in to one console gets no free guesses at another.

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

const LOGIN: Level = Level::new(5, HOUR);

/// By [`Source::networks`]: the source itself, and the /56 and /48 around it. One site has either of those (RFC 6177); a
/// carrier may have many customers in one /48, hence the shorter penalty.
const NETWORKS: [Level; 3] = [
    Level::new(10, HOUR),
    Level::new(20, HOUR),
    Level::new(40, Duration::from_secs(600)),
];

/// The longest time between two guesses at a console, whatever their sources.
const SLOWEST: Duration = Duration::from_secs(1);

/// The same for a port whose viewer cannot be told from those who guess. A random password of 40 bits withstands that.
const SLOWEST_PRIVATE: Duration = Duration::from_millis(10);

/// Where somebody has logged in from is remembered for this many pairs of a console and a source.
const MOST_KNOWN: usize = 4096;

/// Failed logins of the whole gateway.
#[derive(Clone)]
pub(crate) struct Penalties {
    hasher: RandomState,
    /// Whether sources are told apart.
    by_source: bool,
    state: Arc<Mutex<State>>,
}

/// What is guessed at: a hash, so that it has one size whatever names are made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Subject(u64);

/// Who tries to log in, and to what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    /// From where.
    pub(crate) source: Source,
    /// The user, or the console's password.
    pub(crate) login: Subject,
    /// The console.
    pub(crate) console: Subject,
}

struct State {
    logins: Counts<(Subject, Source)>,
    networks: [Counts<IpNet>; 3],
    paces: Paces,
    /// Who has logged in to which console, and when.
    known: HashMap<(Subject, Source), Instant>,
}

impl Penalties {
    /// For ports that many people share.
    pub(crate) fn new() -> Self {
        Self::with(true, SLOWEST)
    }

    /// For a port of one user of this machine. All local users have the same address: nobody is refused for the guesses
    /// of a neighbour, and guesses are only spaced.
    pub(crate) fn private() -> Self {
        Self::with(false, SLOWEST_PRIVATE)
    }

    fn with(by_source: bool, slowest: Duration) -> Self {
        Self {
            hasher: RandomState::new(),
            by_source,
            state: Arc::new(Mutex::new(State {
                logins: Counts::new(LOGIN),
                networks: NETWORKS.map(Counts::new),
                paces: Paces::new(slowest),
                known: HashMap::new(),
            })),
        }
    }

    /// What is guessed at, by all that tells it from others.
    pub(crate) fn subject(&self, identity: impl Hash) -> Subject {
        Subject(self.hasher.hash_one(identity))
    }

    /// How long `attempt` is refused; `None` where it is not.
    pub(crate) fn wait(&self, attempt: Attempt, now: Instant) -> Option<Duration> {
        let at_login = self.lock().logins.wait(&attempt.pair(), now);
        at_login.max(self.wait_of(attempt.source, now))
    }

    /// How long `source` is refused wherever it goes.
    pub(crate) fn wait_of(&self, source: Source, now: Instant) -> Option<Duration> {
        let state = self.lock();
        let networks = source.networks().zip(&state.networks);
        networks
            .filter_map(|(net, counts)| counts.wait(&net, now))
            .max()
    }

    /// How long `attempt` waits for its turn among all guesses at that console.
    ///
    /// # Errors
    /// Too many wait already: when it is worth to come again.
    pub(crate) fn turn(&self, attempt: Attempt, now: Instant) -> Result<Duration, Duration> {
        let mut state = self.lock();
        let is_known = state.known.contains_key(&(attempt.console, attempt.source));
        match self.by_source && is_known {
            true => Ok(Duration::ZERO),
            false => state.paces.turn(attempt.console, now),
        }
    }

    /// The password was wrong.
    pub(crate) fn failed(&self, attempt: Attempt, now: Instant) {
        let mut state = self.lock();
        state.paces.failed(attempt.console, now);
        if self.by_source {
            state.logins.failed(attempt.pair(), now);
            let networks = attempt.source.networks().zip(&mut state.networks);
            networks.for_each(|(net, counts)| counts.failed(net, now));
        }
    }

    /// The password was right.
    pub(crate) fn passed(&self, attempt: Attempt, now: Instant) {
        let mut state = self.lock();
        let failures = state.logins.forget(&attempt.pair(), now);
        let networks = attempt.source.networks().zip(&mut state.networks);
        networks.for_each(|(net, counts)| counts.take_back(&net, failures, now));
        if self.by_source {
            state.remember((attempt.console, attempt.source), now);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt {
    const fn pair(self) -> (Subject, Source) {
        (self.login, self.source)
    }
}

impl State {
    /// Only successes are remembered, so nobody without a password can fill this.
    fn remember(&mut self, pair: (Subject, Source), now: Instant) {
        if self.known.len() >= MOST_KNOWN && !self.known.contains_key(&pair) {
            let oldest = self.known.iter().min_by_key(|(_, since)| **since);
            if let Some(oldest) = oldest.map(|(pair, _)| *pair) {
                self.known.remove(&oldest);
            }
        }
        self.known.insert(pair, now);
    }
}
