//! Who is in: the sessions that have been let in, how many in all and on each VM, and the means to end one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use prometheus_client::metrics::gauge::Gauge;
use tokio_util::sync::CancellationToken;

use crate::error::Failure;
use console::identity::VmIdentity;

/// A console, as the configuration names it: its vSphere and its `vm`, or its port and its name.
pub(crate) type VmKey = (String, String);

/// Every session that has been let in.
#[derive(Clone, Default)]
pub(crate) struct Roll {
    entries: Arc<Mutex<BTreeMap<u64, Entry>>>,
    /// How many they are.
    active: Gauge,
}

struct Entry {
    asked_for: VmKey,
    /// Known when it was looked up.
    vm: Option<VmIdentity>,
    ending: Ending,
}

impl Entry {
    /// Whether both are on one VM, as far as is known.
    fn shares_with(&self, other: &Self) -> bool {
        let same_vm = self.vm.as_ref().zip(other.vm.as_ref());
        same_vm.map_or(self.asked_for == other.asked_for, |(own, other)| {
            own.is(other)
        })
    }
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

    /// Enters session `id` on a console, unless there are `limit` sessions, or `limit_per_vm` that asked for it by the same
    /// name. Where `gateway` is cancelled, the session must end too.
    pub(crate) fn enter(
        &self,
        id: u64,
        asked_for: VmKey,
        (limit, limit_per_vm): (usize, usize),
        gateway: &CancellationToken,
    ) -> Result<Seat, Failure> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= limit {
            return Err(Failure::HouseFull { limit });
        }
        let alike = |entry: &&Entry| entry.asked_for == asked_for;
        if entries.values().filter(alike).count() >= limit_per_vm {
            return Err(Failure::VmFull {
                vm: asked_for.1,
                limit: limit_per_vm,
            });
        }
        let ending = Ending::with(gateway);
        entries.insert(
            id,
            Entry {
                asked_for,
                vm: None,
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
    /// The session is on this VM, unless `limit` others are, by whatever names they asked for it.
    pub(crate) fn identify(&self, vm: VmIdentity, limit: usize) -> Result<(), Failure> {
        let mut entries = self.entries();
        let on_it = |id: &u64, entry: &Entry| {
            *id != self.id && entry.vm.as_ref().is_some_and(|other| other.is(&vm))
        };
        let others = entries
            .iter()
            .filter(|(id, entry)| on_it(id, entry))
            .count();
        let Some(own) = entries.get_mut(&self.id) else {
            return Ok(());
        };
        if others >= limit {
            let vm = own.asked_for.1.clone();
            return Err(Failure::VmFull { vm, limit });
        }
        own.vm = Some(vm);
        Ok(())
    }

    /// Whether the session is known to be on this VM.
    pub(crate) fn is_on(&self, vm: &VmIdentity) -> bool {
        let entries = self.entries();
        let own = entries.get(&self.id).and_then(|own| own.vm.as_ref());
        own.is_some_and(|own| own.is(vm))
    }

    /// Ends every other session on the same VM.
    pub(crate) fn end_others(&self, why: &'static str) {
        let entries = self.entries();
        let Some(own) = entries.get(&self.id) else {
            return;
        };
        for (_, other) in entries
            .iter()
            .filter(|(id, entry)| **id != self.id && entry.shares_with(own))
        {
            other.ending.tell(why);
        }
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<u64, Entry>> {
        let entries = self.roll.entries.lock();
        entries.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.entries().remove(&self.id);
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

    #[test]
    fn a_vm_is_one_by_whatever_names_it_was_asked_for() {
        let (roll, gateway) = (Roll::default(), CancellationToken::new());
        let enter = |id, name| roll.enter(id, vm(name), (9, 2), &gateway).unwrap();
        let identity = |moref: &str| VmIdentity {
            vsphere: "lab".into(),
            moref: moref.into(),
            instance_uuid: None,
        };
        let seats = [
            enter(1, "a"),
            enter(2, "/a"),
            enter(3, "moref:1"),
            enter(4, "b"),
        ];
        let [first, second, third, elsewhere] = &seats;
        first.identify(identity("1"), 2).unwrap();
        second.identify(identity("1"), 2).unwrap();
        let full = third.identify(identity("1"), 2).unwrap_err();
        assert!(matches!(full, Failure::VmFull { vm, limit: 2 } if vm == "moref:1"));
        elsewhere.identify(identity("2"), 2).unwrap();
        // Again, and somewhere else: neither counts twice.
        second.identify(identity("1"), 2).unwrap();
        assert!(second.is_on(&identity("1")) && !third.is_on(&identity("1")));
        first.end_others("alone");
        let ended = seats.iter().map(|seat| seat.ending.told.is_cancelled());
        assert_eq!(ended.collect::<Vec<_>>(), [false, true, false, false]);
    }
}
