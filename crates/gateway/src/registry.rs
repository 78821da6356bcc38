//! The sessions that there are: who is on which VM since when, how many on each, and the means to end one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use console::identity::VmIdentity;
use prometheus_client::metrics::gauge::Gauge;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::Failure;
use crate::traffic::Traffic;

/// A console as the configuration names it: its vSphere and its `vm`, or its port and its name.
pub(crate) type ConsoleKey = (String, String);

/// What is known of one session, from the viewer's arrival on.
pub(crate) struct SessionInfo {
    /// A number that no other session of this process has.
    pub(crate) id: u64,
    /// When the viewer arrived.
    pub(crate) since: Instant,
    /// Bytes each way.
    pub(crate) traffic: Traffic,
    /// How it is told to end, and why.
    pub(crate) ending: Ending,
    parties: Mutex<Parties>,
}

/// Who is on which console.
#[derive(Debug, Clone)]
pub(crate) struct Parties {
    /// The viewer's address, as far as is known.
    pub(crate) viewer: SocketAddr,
    /// The user, where the viewer gave a name.
    pub(crate) user: Option<String>,
    /// The console, as the configuration names it.
    pub(crate) console: String,
    /// Its VM, once that was looked up.
    pub(crate) vm: Option<VmIdentity>,
}

impl SessionInfo {
    /// Of a viewer that has just arrived. Where `gateway` is cancelled, the session must end too.
    pub(crate) fn new(
        id: u64,
        viewer: SocketAddr,
        console: &str,
        traffic: Traffic,
        gateway: &CancellationToken,
    ) -> Self {
        Self {
            id,
            since: Instant::now(),
            traffic,
            ending: Ending::with(gateway),
            parties: Mutex::new(Parties {
                viewer,
                user: None,
                console: console.to_owned(),
                vm: None,
            }),
        }
    }

    /// Who is on which console, as far as is known by now.
    pub(crate) fn parties(&self) -> MutexGuard<'_, Parties> {
        self.parties.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the session is known to be on this VM.
    pub(crate) fn is_on(&self, vm: &VmIdentity) -> bool {
        self.parties().vm.as_ref().is_some_and(|own| own.is(vm))
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

/// Every session that has been let in.
#[derive(Clone, Default)]
pub(crate) struct Registry {
    sessions: Arc<Mutex<BTreeMap<u64, Registered>>>,
    /// How many they are.
    active: Gauge,
}

struct Registered {
    key: ConsoleKey,
    info: Arc<SessionInfo>,
}

impl Registered {
    /// Whether both are on one VM, as far as is known.
    fn shares_with(&self, other: &Self) -> bool {
        let (own, other_vm) = (
            self.info.parties().vm.clone(),
            other.info.parties().vm.clone(),
        );
        let same_vm = own.zip(other_vm);
        same_vm.map_or(self.key == other.key, |(own, other)| own.is(&other))
    }
}

/// A session's entry in the registry, until it is dropped.
pub(crate) struct SessionSlot {
    registry: Registry,
    info: Arc<SessionInfo>,
}

impl Registry {
    /// An empty one, whose length `active` tells.
    pub(crate) fn counted(active: Gauge) -> Self {
        Self {
            active,
            ..Self::default()
        }
    }

    /// Enters a session, unless there are `limit` sessions, or `limit_per_vm` on a console of the same name.
    pub(crate) fn enter(
        &self,
        info: &Arc<SessionInfo>,
        key: ConsoleKey,
        (limit, limit_per_vm): (usize, usize),
    ) -> Result<SessionSlot, Failure> {
        let mut sessions = self.sessions();
        if sessions.len() >= limit {
            return Err(Failure::HouseFull { limit });
        }
        let alike = |other: &&Registered| other.key == key;
        if sessions.values().filter(alike).count() >= limit_per_vm {
            return Err(Failure::VmFull {
                vm: key.1,
                limit: limit_per_vm,
            });
        }
        let info = Arc::clone(info);
        let registered = Registered {
            key,
            info: Arc::clone(&info),
        };
        sessions.insert(info.id, registered);
        self.active.inc();
        drop(sessions);
        Ok(SessionSlot {
            registry: self.clone(),
            info,
        })
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<u64, Registered>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionSlot {
    /// The session it is of.
    pub(crate) fn info(&self) -> &SessionInfo {
        &self.info
    }

    /// The session is on this VM, unless `limit` others are, whatever names they asked for it by.
    pub(crate) fn identify(&self, vm: VmIdentity, limit: usize) -> Result<(), Failure> {
        let sessions = self.registry.sessions();
        let on_it = |id: &u64, other: &Registered| *id != self.info.id && other.info.is_on(&vm);
        let others = sessions
            .iter()
            .filter(|(id, other)| on_it(id, other))
            .count();
        let Some(own) = sessions.get(&self.info.id) else {
            return Ok(());
        };
        if others >= limit {
            let vm = own.key.1.clone();
            return Err(Failure::VmFull { vm, limit });
        }
        self.info.parties().vm = Some(vm);
        Ok(())
    }

    /// Ends every other session on the same VM.
    pub(crate) fn end_others(&self, why: &'static str) {
        let sessions = self.registry.sessions();
        let Some(own) = sessions.get(&self.info.id) else {
            return;
        };
        let others = sessions
            .iter()
            .filter(|(id, other)| **id != self.info.id && other.shares_with(own));
        for (_, other) in others {
            other.info.ending.tell(why);
        }
    }
}

impl Drop for SessionSlot {
    fn drop(&mut self) {
        self.registry.sessions().remove(&self.info.id);
        self.registry.active.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> ConsoleKey {
        ("lab".into(), name.into())
    }

    fn session(id: u64, gateway: &CancellationToken) -> Arc<SessionInfo> {
        let viewer = ([192, 0, 2, 1], 5).into();
        Arc::new(SessionInfo::new(
            id,
            viewer,
            "a",
            Traffic::default(),
            gateway,
        ))
    }

    #[test]
    fn the_house_and_each_vm_have_their_limits() {
        let (registry, gateway) = (Registry::default(), CancellationToken::new());
        let enter = |id, name| registry.enter(&session(id, &gateway), key(name), (3, 2));
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
        let (registry, gateway) = (Registry::default(), CancellationToken::new());
        let enter = |id, name| {
            registry
                .enter(&session(id, &gateway), key(name), (9, 9))
                .unwrap()
        };
        let (own, other, elsewhere) = (enter(1, "a"), enter(2, "a"), enter(3, "b"));
        own.end_others("alone");
        assert!(other.info().ending.told.is_cancelled() && other.info().ending.why() == "alone");
        assert!(
            !own.info().ending.told.is_cancelled() && !elsewhere.info().ending.told.is_cancelled()
        );
        gateway.cancel();
        assert!(
            own.info().ending.told.is_cancelled() && own.info().ending.why() == "the gateway ends"
        );
    }

    #[test]
    fn a_vm_is_one_by_whatever_names_it_was_asked_for() {
        let (registry, gateway) = (Registry::default(), CancellationToken::new());
        let enter = |id, name| {
            registry
                .enter(&session(id, &gateway), key(name), (9, 2))
                .unwrap()
        };
        let identity = |moref: &str| VmIdentity {
            vsphere: "lab".into(),
            moref: moref.into(),
            instance_uuid: None,
        };
        let slots = [
            enter(1, "a"),
            enter(2, "/a"),
            enter(3, "moref:1"),
            enter(4, "b"),
        ];
        let [first, second, third, elsewhere] = &slots;
        first.identify(identity("1"), 2).unwrap();
        second.identify(identity("1"), 2).unwrap();
        let full = third.identify(identity("1"), 2).unwrap_err();
        assert!(matches!(full, Failure::VmFull { vm, limit: 2 } if vm == "moref:1"));
        elsewhere.identify(identity("2"), 2).unwrap();
        // Again, and somewhere else: neither counts twice.
        second.identify(identity("1"), 2).unwrap();
        assert!(second.info().is_on(&identity("1")) && !third.info().is_on(&identity("1")));
        first.end_others("alone");
        let ended = slots
            .iter()
            .map(|slot| slot.info().ending.told.is_cancelled());
        assert_eq!(ended.collect::<Vec<_>>(), [false, true, false, false]);
    }
}
