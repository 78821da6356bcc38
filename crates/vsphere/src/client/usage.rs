//! Who still needs the session, and since when nobody has.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// Counts users, and remembers when the session was last used and when the endpoint last heard of it.
pub(super) struct Usage {
    users: AtomicUsize,
    times: Mutex<Times>,
}

struct Times {
    used: Instant,
    heard: Instant,
}

/// As long as one exists, the session is kept alive. See [`crate::Client::in_use`].
pub struct InUse(Arc<Usage>);

/// What the session needs now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    KeepAlive,
    LogOut,
}

impl Usage {
    pub(super) fn new() -> Arc<Self> {
        let now = Instant::now();
        Arc::new(Self {
            users: AtomicUsize::new(0),
            times: Mutex::new(Times {
                used: now,
                heard: now,
            }),
        })
    }

    /// One more user.
    pub(super) fn enter(self: &Arc<Self>) -> InUse {
        self.users.fetch_add(1, Ordering::Relaxed);
        InUse(Arc::clone(self))
    }

    /// Somebody uses the session now.
    pub(super) fn used(&self) {
        self.times
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .used = Instant::now();
    }

    /// The endpoint has been told that the session lives.
    pub(super) fn heard(&self) {
        self.times
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .heard = Instant::now();
    }

    pub(super) fn due(&self) -> Due {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        if self.users.load(Ordering::Relaxed) == 0 {
            return if times.used.elapsed() >= UNUSED_LIMIT {
                Due::LogOut
            } else {
                Due::Nothing
            };
        }
        if times.heard.elapsed() >= KEEP_ALIVE_AFTER {
            return Due::KeepAlive;
        }
        Due::Nothing
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.users.fetch_sub(1, Ordering::Relaxed);
        self.0.used();
    }
}

/// vCenter ends a session after 30 idle minutes (`docs/webmks.md` 3.3); a missed turn or two must not matter.
const KEEP_ALIVE_AFTER: Duration = Duration::from_secs(600);

/// A session that nobody needs takes one of the endpoint's.
const UNUSED_LIMIT: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_session_in_use_is_kept_alive_every_ten_minutes() {
        let usage = Usage::new();
        let user = usage.enter();
        advance(KEEP_ALIVE_AFTER - Duration::from_secs(1)).await;
        assert_eq!(usage.due(), Due::Nothing);
        advance(Duration::from_secs(1)).await;
        assert_eq!(usage.due(), Due::KeepAlive);
        usage.heard();
        assert_eq!(usage.due(), Due::Nothing);
        drop(user);
    }

    #[tokio::test(start_paused = true)]
    async fn an_unused_session_is_not_kept_alive_but_logged_out_after_an_hour() {
        let usage = Usage::new();
        drop(usage.enter());
        advance(UNUSED_LIMIT - Duration::from_secs(1)).await;
        assert_eq!(usage.due(), Due::Nothing);
        advance(Duration::from_secs(1)).await;
        assert_eq!(usage.due(), Due::LogOut);
        let user = usage.enter();
        assert_ne!(usage.due(), Due::LogOut);
        drop(user);
        assert_eq!(
            usage.due(),
            Due::Nothing,
            "the hour starts again when the last user has gone"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_user_who_leaves_has_told_the_endpoint_nothing() {
        let usage = Usage::new();
        let user = usage.enter();
        let other = usage.enter();
        advance(KEEP_ALIVE_AFTER).await;
        drop(user);
        assert_eq!(usage.due(), Due::KeepAlive);
        drop(other);
    }
}
