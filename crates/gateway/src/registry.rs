//! The open sessions: viewer, user, VM, start and bytes of each; the limits per gateway and VM; and how to end one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use console::identity::VmIdentity;
use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::Failure;
use crate::traffic::Traffic;

/// A console's key in the configuration: its vSphere and `vm`, or its port and name.
pub(crate) type ConsoleKey = (String, String);

/// One session, from the viewer's connection on.
pub(crate) struct SessionInfo {
    /// Unique in this process.
    pub(crate) id: u64,
    /// When the viewer connected.
    pub(crate) since: Instant,
    /// Bytes each way.
    pub(crate) traffic: Traffic,
    /// Ends it.
    pub(crate) ending: Ending,
    parties: Mutex<Parties>,
}

/// Viewer, user and console of a session.
#[derive(Debug, Clone)]
pub(crate) struct Parties {
    /// The viewer's address: the PROXY header's, once that is read.
    pub(crate) viewer: SocketAddr,
    /// The user that the viewer names, whether or not it may log in.
    pub(crate) user: Option<String>,
    /// The console's name in the configuration.
    pub(crate) console: String,
    /// Its VM, once looked up.
    pub(crate) vm: Option<VmIdentity>,
    /// Its input events and clipboard are dropped.
    pub(crate) view_only: bool,
}

impl SessionInfo {
    /// For a viewer that has just connected. Cancelling `gateway` ends the session too.
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
            ending: Ending::child_of(gateway),
            parties: Mutex::new(Parties {
                viewer,
                user: None,
                console: console.to_owned(),
                vm: None,
                view_only: false,
            }),
        }
    }

    pub(crate) fn parties(&self) -> MutexGuard<'_, Parties> {
        self.parties.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the session is on this VM; false while its VM is unknown.
    pub(crate) fn is_on(&self, vm: &VmIdentity) -> bool {
        self.parties().vm.as_ref().is_some_and(|own| own.is(vm))
    }
}

/// Ends a session with a reason.
#[derive(Clone)]
pub(crate) struct Ending {
    /// Cancelled when the session must end.
    pub(crate) cancelled: CancellationToken,
    reason: Arc<OnceLock<&'static str>>,
}

impl Ending {
    /// Cancelling `gateway` cancels this too.
    pub(crate) fn child_of(gateway: &CancellationToken) -> Self {
        Self {
            cancelled: gateway.child_token(),
            reason: Arc::default(),
        }
    }

    /// The reason; without one, the gateway is shutting down.
    pub(crate) fn reason(&self) -> &'static str {
        self.reason
            .get()
            .copied()
            .unwrap_or("the gateway is shutting down")
    }

    /// Ends the session. The first reason is kept.
    pub(crate) fn end(&self, reason: &'static str) {
        self.reason.get_or_init(|| reason);
        self.cancelled.cancel();
    }
}

/// Every session that has logged in.
#[derive(Clone, Default)]
pub(crate) struct Registry {
    sessions: Arc<Mutex<BTreeMap<u64, Registered>>>,
    /// The gauge of their number.
    active: Gauge,
    /// Counts changes.
    changes: watch::Sender<u64>,
}

struct Registered {
    key: ConsoleKey,
    info: Arc<SessionInfo>,
}

impl Registered {
    /// Whether both are on one VM: by identity where both are looked up, else by key.
    fn is_on_same_vm(&self, other: &Self) -> bool {
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
    /// An empty registry that keeps its length in `active`.
    pub(crate) fn counted(active: Gauge) -> Self {
        Self {
            active,
            ..Self::default()
        }
    }

    /// Registers a session, unless there are `limit` sessions, or `limit_per_vm` with the same key.
    pub(crate) fn enter(
        &self,
        info: &Arc<SessionInfo>,
        key: ConsoleKey,
        (limit, limit_per_vm): (usize, usize),
    ) -> Result<SessionSlot, Failure> {
        let mut sessions = self.sessions();
        if sessions.len() >= limit {
            return Err(Failure::GatewayFull { limit });
        }
        let same_key = |other: &&Registered| other.key == key;
        if sessions.values().filter(same_key).count() >= limit_per_vm {
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
        self.changed();
        Ok(SessionSlot {
            registry: self.clone(),
            info,
        })
    }

    /// All sessions, in the order in which they connected.
    pub(crate) fn list(&self) -> Vec<Arc<SessionInfo>> {
        let sessions = self.sessions();
        sessions
            .values()
            .map(|session| Arc::clone(&session.info))
            .collect()
    }

    /// Changes whenever a session is entered, is on another VM, or ends.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn changed(&self) {
        self.changes
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<u64, Registered>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionSlot {
    pub(crate) fn info(&self) -> &SessionInfo {
        &self.info
    }

    /// Sets the session's VM, unless `limit` other sessions are on it, by whatever name they were opened.
    pub(crate) fn identify(&self, vm: VmIdentity, limit: usize) -> Result<(), Failure> {
        let sessions = self.registry.sessions();
        let is_other = |id: &u64, other: &Registered| *id != self.info.id && other.info.is_on(&vm);
        let others = sessions
            .iter()
            .filter(|(id, other)| is_other(id, other))
            .count();
        let Some(own) = sessions.get(&self.info.id) else {
            return Ok(());
        };
        if others >= limit {
            let vm = own.key.1.clone();
            return Err(Failure::VmFull { vm, limit });
        }
        self.info.parties().vm = Some(vm);
        drop(sessions);
        self.registry.changed();
        Ok(())
    }

    /// Ends every other session on the same VM.
    pub(crate) fn end_others(&self, reason: &'static str) {
        let sessions = self.registry.sessions();
        let Some(own) = sessions.get(&self.info.id) else {
            return;
        };
        let others = sessions
            .iter()
            .filter(|(id, other)| **id != self.info.id && other.is_on_same_vm(own));
        for (_, other) in others {
            other.info.ending.end(reason);
        }
    }
}

impl Drop for SessionSlot {
    fn drop(&mut self) {
        self.registry.sessions().remove(&self.info.id);
        self.registry.active.dec();
        self.registry.changed();
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
    fn the_gateway_and_each_vm_have_a_limit() {
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
            Err(Failure::GatewayFull { limit: 3 })
        ));
        drop(first);
        assert!(enter(5, "a").is_ok());
    }

    #[test]
    fn end_others_ends_the_sessions_on_the_same_vm_only() {
        let (registry, gateway) = (Registry::default(), CancellationToken::new());
        let enter = |id, name| {
            registry
                .enter(&session(id, &gateway), key(name), (9, 9))
                .unwrap()
        };
        let (own, other, elsewhere) = (enter(1, "a"), enter(2, "a"), enter(3, "b"));
        own.end_others("alone");
        assert!(
            other.info().ending.cancelled.is_cancelled() && other.info().ending.reason() == "alone"
        );
        assert!(
            !own.info().ending.cancelled.is_cancelled()
                && !elsewhere.info().ending.cancelled.is_cancelled()
        );
        gateway.cancel();
        assert!(
            own.info().ending.cancelled.is_cancelled()
                && own.info().ending.reason() == "the gateway is shutting down"
        );
    }

    #[test]
    fn sessions_on_a_vm_count_together_under_all_its_names() {
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
        // Neither the same session again nor another VM is counted.
        second.identify(identity("1"), 2).unwrap();
        assert!(second.info().is_on(&identity("1")) && !third.info().is_on(&identity("1")));
        first.end_others("alone");
        let ended = slots
            .iter()
            .map(|slot| slot.info().ending.cancelled.is_cancelled());
        assert_eq!(ended.collect::<Vec<_>>(), [false, true, false, false]);
    }
}
