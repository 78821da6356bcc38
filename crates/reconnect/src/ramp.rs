//! How many consoles are opened again at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// At once on one host.
const PER_HOST: usize = 4;

/// At once through one vSphere.
const PER_VSPHERE: usize = 16;

/// Limits the consoles that are being opened again, per host and per vSphere: where a host with many viewers comes back,
/// they follow one another. Clones share the limits.
#[derive(Clone, Default)]
pub struct Ramp(Arc<Mutex<HashMap<Key, Weak<Semaphore>>>>);

/// A vSphere, and one of its hosts.
type Key = (String, Option<String>);

/// A place among those that open a console; left when it is dropped.
pub(crate) struct Place {
    _host: OwnedSemaphorePermit,
    _vsphere: OwnedSemaphorePermit,
}

impl Ramp {
    /// Waits for a place. `host` is the managed object id of the VM's host, if known. Cancel safe.
    pub(crate) async fn enter(&self, vsphere: &str, host: Option<&str>) -> Option<Place> {
        // The host first: who waits for a host keeps nobody from the others.
        let key = (
            vsphere.to_owned(),
            Some(host.unwrap_or_default().to_owned()),
        );
        let host = self.semaphore(key, PER_HOST).acquire_owned().await;
        let key = (vsphere.to_owned(), None);
        let vsphere = self.semaphore(key, PER_VSPHERE).acquire_owned().await;
        // They are never closed.
        Some(Place {
            _host: host.ok()?,
            _vsphere: vsphere.ok()?,
        })
    }

    fn semaphore(&self, key: Key, permits: usize) -> Arc<Semaphore> {
        let mut semaphores = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(semaphore) = semaphores.get(&key).and_then(Weak::upgrade) {
            return semaphore;
        }
        semaphores.retain(|_, semaphore| semaphore.strong_count() > 0);
        let semaphore = Arc::new(Semaphore::new(permits));
        semaphores.insert(key, Arc::downgrade(&semaphore));
        semaphore
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use super::*;

    /// Whether the place is there at once.
    async fn is_free(ramp: &Ramp, host: &str) -> bool {
        let mut entering = pin!(ramp.enter("lab", Some(host)));
        poll_fn(|context| Poll::Ready(entering.as_mut().poll(context).is_ready())).await
    }

    #[tokio::test]
    async fn places_are_limited_per_host_and_per_vsphere() {
        let ramp = Ramp::default();
        let mut places = Vec::new();
        for host in ["a", "b", "c", "d"] {
            for _ in 0..PER_HOST {
                places.push(ramp.enter("lab", Some(host)).await);
            }
            assert!(!is_free(&ramp, host).await, "{host}");
        }
        assert!(!is_free(&ramp, "e").await, "the vSphere is full");
        assert!(ramp.enter("other", Some("e")).await.is_some());
        places.pop();
        assert!(is_free(&ramp, "d").await);
        assert!(is_free(&ramp, "e").await);
        drop(places);
        ramp.enter("last", None).await;
        assert_eq!(ramp.0.lock().unwrap().len(), 2, "unused limits are removed");
    }
}
