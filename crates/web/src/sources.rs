//! The connections of each source, of which there may be so many at once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use logins::source::Source;
use tracing::warn;

/// The sources with connections; clones share them.
#[derive(Clone, Default)]
pub(crate) struct Sources(Arc<Mutex<HashMap<Source, Open>>>);

#[derive(Default)]
struct Open {
    connections: usize,
    /// Whether the log has a line about the limit: one until the source has no connection.
    logged: bool,
}

/// One connection, until it is dropped.
pub(crate) struct Place {
    sources: Sources,
    source: Source,
}

impl Sources {
    /// A place for a connection; `None` where the source has `limit` already.
    pub(crate) fn enter(&self, from: IpAddr, limit: usize) -> Option<Place> {
        let source = Source::from(from);
        let mut sources = self.lock();
        let open = sources.entry(source).or_default();
        if open.connections >= limit.max(1) {
            if !open.logged {
                open.logged = true;
                warn!(client = %from, "further connections to [web] are closed: the client has {limit} (max_connections_per_source)");
            }
            return None;
        }
        open.connections += 1;
        Some(Place {
            sources: self.clone(),
            source,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Source, Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Entry::Occupied(mut open) = self.sources.lock().entry(self.source) {
            open.get_mut().connections -= 1;
            if open.get().connections == 0 {
                open.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_has_its_own_limit_and_an_ended_connection_makes_room() {
        let sources = Sources::default();
        let enter = |from: &str| sources.enter(from.parse().unwrap(), 2);
        let first = enter("2001:db8::1").unwrap();
        let second = enter("2001:db8::2").unwrap();
        assert!(enter("2001:db8::3").is_none());
        let other = enter("192.0.2.1").unwrap();
        drop(first);
        let third = enter("2001:db8::3").unwrap();
        assert!(enter("2001:db8::4").is_none());
        drop((second, third, other));
        assert!(sources.lock().is_empty());
    }
}
