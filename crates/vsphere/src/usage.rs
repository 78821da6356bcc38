//! Counts the session's users, and decides on keep-alive calls and logout.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// The number of users, and the times of the last use and the last call.
pub(crate) struct Usage {
    users: AtomicUsize,
    times: Mutex<Times>,
}

struct Times {
    used: Instant,
    called: Instant,
}

/// Keeps the session alive until it is dropped. See [`crate::Client::in_use`].
pub struct InUse(Arc<Usage>);

/// The action that is due.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    KeepAlive,
    LogOut,
}

impl Usage {
    pub(crate) fn new() -> Arc<Self> {
        let now = Instant::now();
        Arc::new(Self {
            users: AtomicUsize::new(0),
            times: Mutex::new(Times {
                used: now,
                called: now,
            }),
        })
    }

    /// Adds a user.
    pub(crate) fn add_user(self: &Arc<Self>) -> InUse {
        self.users.fetch_add(1, Ordering::Relaxed);
        InUse(Arc::clone(self))
    }

    /// Records a use of the session.
    pub(crate) fn mark_used(&self) {
        self.times
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .used = Instant::now();
    }

    /// Records a call, which keeps the session alive at the endpoint.
    pub(crate) fn mark_kept_alive(&self) {
        self.times
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .called = Instant::now();
    }

    pub(crate) fn due(&self) -> Due {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        if self.users.load(Ordering::Relaxed) == 0 {
            return if times.used.elapsed() >= UNUSED_LIMIT {
                Due::LogOut
            } else {
                Due::Nothing
            };
        }
        if times.called.elapsed() >= KEEP_ALIVE_AFTER {
            return Due::KeepAlive;
        }
        Due::Nothing
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.users.fetch_sub(1, Ordering::Relaxed);
        self.0.mark_used();
    }
}

/// vCenter ends a session after 30 idle minutes (`docs/webmks.md` 3.3); a missed turn or two must not matter.
const KEEP_ALIVE_AFTER: Duration = Duration::from_secs(600);

/// An unused session counts against the endpoint's limit of sessions.
const UNUSED_LIMIT: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_session_in_use_is_kept_alive_every_ten_minutes() {
        let usage = Usage::new();
        let user = usage.add_user();
        advance(KEEP_ALIVE_AFTER - Duration::from_secs(1)).await;
        assert_eq!(usage.due(), Due::Nothing);
        advance(Duration::from_secs(1)).await;
        assert_eq!(usage.due(), Due::KeepAlive);
        usage.mark_kept_alive();
        assert_eq!(usage.due(), Due::Nothing);
        drop(user);
    }

    #[tokio::test(start_paused = true)]
    async fn an_unused_session_is_not_kept_alive_but_logged_out_after_an_hour() {
        let usage = Usage::new();
        drop(usage.add_user());
        advance(UNUSED_LIMIT - Duration::from_secs(1)).await;
        assert_eq!(usage.due(), Due::Nothing);
        advance(Duration::from_secs(1)).await;
        assert_eq!(usage.due(), Due::LogOut);
        let user = usage.add_user();
        assert_ne!(usage.due(), Due::LogOut);
        drop(user);
        assert_eq!(
            usage.due(),
            Due::Nothing,
            "the hour starts again when the last user has gone"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_a_user_does_not_count_as_keep_alive() {
        let usage = Usage::new();
        let user = usage.add_user();
        let other = usage.add_user();
        advance(KEEP_ALIVE_AFTER).await;
        drop(user);
        assert_eq!(usage.due(), Due::KeepAlive);
        drop(other);
    }
}
