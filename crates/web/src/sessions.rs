//! Who has logged in: a cookie's value and its user, for a limited time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::random::random_text;

/// A session ends after this time without a request.
const IDLE: Duration = Duration::from_secs(60 * 60);

/// A session ends after this time in any case.
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);

/// Sessions at once of one user; the one that was used longest ago makes room.
const MAX_PER_USER: usize = 32;

/// The SHA-256 of a cookie's value: who reads the memory cannot log in with it.
type Key = [u8; 32];

/// The sessions, by their cookies.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<Key, Session>>);

struct Session {
    user: String,
    csrf: String,
    begun: Instant,
    used: Instant,
}

/// A session as a request sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// The user's name.
    pub(crate) user: String,
    /// The token that each form of this session has.
    pub(crate) csrf: String,
    /// When the session ends in any case.
    pub(crate) ends: Instant,
}

impl Sessions {
    /// Begins a session; returns the cookie's value.
    ///
    /// # Errors
    /// The operating system provides no randomness.
    pub(crate) fn begin(&self, user: &str) -> Result<String, getrandom::Error> {
        let (cookie, csrf, now) = (random_text()?, random_text()?, Instant::now());
        let mut sessions = self.lock();
        sessions.retain(|_, session| session.is_live(now));
        let own = sessions.iter().filter(|(_, session)| session.user == user);
        if own.clone().count() >= MAX_PER_USER {
            let oldest = own.min_by_key(|(_, session)| session.used);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                sessions.remove(&oldest);
            }
        }
        let session = Session {
            user: user.to_owned(),
            csrf,
            begun: now,
            used: now,
        };
        sessions.insert(key(&cookie), session);
        Ok(cookie)
    }

    /// The session of a cookie, which is used by this.
    pub(crate) fn find(&self, cookie: &str) -> Option<Known> {
        let now = Instant::now();
        let mut sessions = self.lock();
        let session = sessions.get_mut(&key(cookie))?;
        if !session.is_live(now) {
            sessions.remove(&key(cookie));
            return None;
        }
        session.used = now;
        Some(Known {
            user: session.user.clone(),
            csrf: session.csrf.clone(),
            ends: session.begun + LONGEST,
        })
    }

    /// Ends the session of a cookie.
    pub(crate) fn end(&self, cookie: &str) {
        self.lock().remove(&key(cookie));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn is_live(&self, now: Instant) -> bool {
        now.duration_since(self.used) < IDLE && now.duration_since(self.begun) < LONGEST
    }
}

fn key(cookie: &str) -> Key {
    Sha256::digest(cookie).into()
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_session_ends_when_it_is_idle_and_in_any_case_after_its_longest_time() {
        let sessions = Sessions::default();
        let idle = sessions.begin("ada").unwrap();
        let used = sessions.begin("ada").unwrap();
        assert_ne!(idle, used);
        advance(IDLE / 2).await;
        assert_eq!(sessions.find(&used).unwrap().user, "ada");
        advance(IDLE / 2).await;
        assert_eq!(sessions.find(&idle), None);
        for _ in 0..21 {
            assert!(sessions.find(&used).is_some());
            advance(IDLE / 2).await;
        }
        assert!(sessions.find(&used).is_some());
        advance(IDLE / 2).await;
        assert_eq!(sessions.find(&used), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_session_used_longest_ago_makes_room_for_another_of_its_user() {
        let sessions = Sessions::default();
        let other = sessions.begin("bob").unwrap();
        let mut cookies = Vec::new();
        for _ in 0..MAX_PER_USER {
            cookies.push(sessions.begin("ada").unwrap());
            advance(Duration::from_secs(1)).await;
        }
        sessions.find(&cookies[0]).unwrap();
        let latest = sessions.begin("ada").unwrap();
        assert_eq!(sessions.find(&cookies[1]), None);
        for kept in [&other, &latest, &cookies[0], &cookies[2]] {
            assert!(sessions.find(kept).is_some());
        }
        sessions.end(&other);
        assert_eq!(sessions.find(&other), None);
    }
}
