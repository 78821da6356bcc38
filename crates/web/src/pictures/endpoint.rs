//! How many pictures a vSphere and each of its ESXi hosts are asked for at once, and when they are left alone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gateway::settings::Web;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// The pause after the first answer 503; each further one doubles it. vSphere's Retry-After is not known here.
const FIRST_REST: Duration = Duration::from_secs(30);

const LONGEST_REST: Duration = Duration::from_secs(10 * 60);

/// One vSphere. Its calls go to one address, also those for the hosts of a vCenter.
pub(super) struct Endpoint {
    permits: Arc<Semaphore>,
    /// By the host's name, with the configured number.
    hosts: Mutex<HashMap<String, (usize, Arc<Semaphore>)>>,
    rest: Mutex<Rest>,
    /// A file of CreateScreenshot_Task has stayed on a datastore: each further one would, too.
    leaves_files: AtomicBool,
    /// The log has the error of a picture; false again after one that was taken.
    has_failed: AtomicBool,
}

#[derive(Default)]
struct Rest {
    until: Option<Instant>,
    /// The next pause, if it is not the first.
    next: Option<Duration>,
}

impl Default for Endpoint {
    fn default() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(Web::MAX_THUMBNAILS)),
            hosts: Mutex::default(),
            rest: Mutex::default(),
            leaves_files: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
        }
    }
}

impl Endpoint {
    /// Waits for this picture's turn; `None` never happens, since no semaphore is closed.
    pub(super) async fn turn(
        &self,
        host: &str,
        per_host: usize,
    ) -> Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)> {
        let of_host = self.host(host, per_host).acquire_owned().await.ok()?;
        let of_all = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        Some((of_host, of_all))
    }

    fn host(&self, name: &str, per_host: usize) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || (per_host, Arc::new(Semaphore::new(per_host.max(1))));
        let host = hosts.entry(name.to_owned()).or_insert_with(new);
        // Another number is configured: pictures that are being taken count for the old one.
        if host.0 != per_host {
            *host = new();
        }
        Arc::clone(&host.1)
    }

    /// Whether it has answered 503 a short time ago.
    pub(super) fn rests(&self) -> bool {
        self.rest()
            .until
            .is_some_and(|until| Instant::now() < until)
    }

    /// It has answered 503. Returns the pause that begins; `None` where one has begun already.
    pub(super) fn overloaded(&self) -> Option<Duration> {
        let (now, mut rest) = (Instant::now(), self.rest());
        if rest.until.is_some_and(|until| now < until) {
            return None;
        }
        let pause = rest.next.unwrap_or(FIRST_REST);
        *rest = Rest {
            until: Some(now + pause),
            next: Some((pause * 2).min(LONGEST_REST)),
        };
        Some(pause)
    }

    /// A picture was taken.
    pub(super) fn succeeded(&self) {
        *self.rest() = Rest::default();
        self.has_failed.store(false, Ordering::Relaxed);
    }

    /// A picture was not taken. Returns whether it is the first since one was.
    pub(super) fn failed(&self) -> bool {
        !self.has_failed.swap(true, Ordering::Relaxed)
    }

    /// A file has stayed on a datastore.
    pub(super) fn left_file(&self) {
        self.leaves_files.store(true, Ordering::Relaxed);
    }

    pub(super) fn leaves_files(&self) -> bool {
        self.leaves_files.load(Ordering::Relaxed)
    }

    fn rest(&self) -> MutexGuard<'_, Rest> {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_503_in_a_row_doubles_the_rest() {
        let endpoint = Endpoint::default();
        for seconds in [30, 60, 120, 240, 480, 600, 600] {
            let pause = Duration::from_secs(seconds);
            assert!(!endpoint.rests());
            assert_eq!(endpoint.overloaded(), Some(pause));
            assert_eq!(endpoint.overloaded(), None);
            advance(pause - Duration::from_millis(1)).await;
            assert!(endpoint.rests());
            advance(Duration::from_millis(1)).await;
        }
        endpoint.succeeded();
        assert_eq!(endpoint.overloaded(), Some(FIRST_REST));
    }
}
