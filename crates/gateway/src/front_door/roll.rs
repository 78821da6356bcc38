//! Who is in: the sessions that have been let in, how many in all and on each VM, and the means to end one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use prometheus_client::metrics::gauge::Gauge;
use tokio_util::sync::CancellationToken;

use crate::error::Failure;

/// A VM, as the configuration names it: its vSphere and its `vm`.
pub(crate) type VmKey = (String, String);

/// Every session that has been let in.
#[derive(Clone, Default)]
pub(crate) struct Roll {
    entries: Arc<Mutex<BTreeMap<u64, Entry>>>,
    /// How many they are.
    active: Gauge,
}

struct Entry {
    vm: VmKey,
    ending: Ending,
}

/// How a session is told to end, and why.
#[derive(Clone)]
pub(crate) struct Ending {
    /// Cancelled when it must end.
    pub(crate) told: CancellationToken,
    why: Arc<OnceLock<&'static str>>,
}

impl Ending {
    /// It must end where `gateway` is cancelled too.
    pub(crate) fn with(gateway: &CancellationToken) -> Self {
        Self {
            told: gateway.child_token(),
            why: Arc::default(),
        }
    }

    /// Why it must end; the gateway's own end needs no words.
    pub(crate) fn why(&self) -> &'static str {
        self.why.get().copied().unwrap_or("the gateway ends")
    }

    /// Ends it. The first reason counts.
    pub(crate) fn tell(&self, why: &'static str) {
        self.why.get_or_init(|| why);
        self.told.cancel();
    }
}

/// A session's place on the roll, until it is dropped.
pub(crate) struct Seat {
    roll: Roll,
    id: u64,
    /// How this session is told to end.
    pub(crate) ending: Ending,
}

impl Roll {
    /// An empty roll, whose length `active` tells.
    pub(crate) fn counted(active: Gauge) -> Self {
        Self {
            active,
            ..Self::default()
        }
    }

    /// Enters session `id` on `vm`, unless there are `limit` sessions, or `limit_per_vm` on that VM. Where
    /// `gateway` is cancelled, the session must end too.
    pub(crate) fn enter(
        &self,
        id: u64,
        vm: VmKey,
        (limit, limit_per_vm): (usize, usize),
        gateway: &CancellationToken,
    ) -> Result<Seat, Failure> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= limit {
            return Err(Failure::HouseFull { limit });
        }
        if entries.values().filter(|entry| entry.vm == vm).count() >= limit_per_vm {
            return Err(Failure::VmFull {
                vm: vm.1,
                limit: limit_per_vm,
            });
        }
        let ending = Ending::with(gateway);
        entries.insert(
            id,
            Entry {
                vm,
                ending: ending.clone(),
            },
        );
        self.active.inc();
        Ok(Seat {
            roll: self.clone(),
            id,
            ending,
        })
    }
}

impl Seat {
    /// Ends every other session on the same VM.
    pub(crate) fn end_others(&self, why: &'static str) {
        let entries = self
            .roll
            .entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(own) = entries.get(&self.id) else {
            return;
        };
        for (_, other) in entries
            .iter()
            .filter(|(id, entry)| **id != self.id && entry.vm == own.vm)
        {
            other.ending.tell(why);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.roll
            .entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.id);
        self.roll.active.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vm(name: &str) -> VmKey {
        ("lab".into(), name.into())
    }

    #[test]
    fn the_house_and_each_vm_have_their_limits() {
        let (roll, gateway) = (Roll::default(), CancellationToken::new());
        let enter = |id, name| roll.enter(id, vm(name), (3, 2), &gateway);
        let first = enter(1, "a").unwrap();
        let _second = enter(2, "a").unwrap();
        assert!(matches!(
            enter(3, "a"),
            Err(Failure::VmFull { limit: 2, .. })
        ));
        let _third = enter(3, "b").unwrap();
        assert!(matches!(
            enter(4, "c"),
            Err(Failure::HouseFull { limit: 3 })
        ));
        drop(first);
        assert!(enter(5, "a").is_ok());
    }

    #[test]
    fn the_others_on_a_vm_can_be_ended_and_nobody_else() {
        let (roll, gateway) = (Roll::default(), CancellationToken::new());
        let enter = |id, name| roll.enter(id, vm(name), (9, 9), &gateway).unwrap();
        let (own, other, elsewhere) = (enter(1, "a"), enter(2, "a"), enter(3, "b"));
        own.end_others("alone");
        assert!(other.ending.told.is_cancelled() && other.ending.why() == "alone");
        assert!(!own.ending.told.is_cancelled() && !elsewhere.ending.told.is_cancelled());
        gateway.cancel();
        assert!(own.ending.told.is_cancelled() && own.ending.why() == "the gateway ends");
    }
}
