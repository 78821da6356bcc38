//! Passes the inventory on to its readers.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{broadcast, watch};

use super::{InventoryChanges, InventorySnapshot, InventoryState, tree::Tree};
use crate::error::Error;

/// The inventory of one client, and its readers.
pub(crate) struct Feed {
    /// Locked while changes are sent, so that they are in the order of their versions.
    snapshot: Mutex<Arc<InventorySnapshot>>,
    changes: broadcast::Sender<Arc<InventoryChanges>>,
    readers: watch::Sender<usize>,
}

/// Counts as a reader until it is dropped.
pub(super) struct Reader(Arc<Feed>);

impl Default for Feed {
    fn default() -> Self {
        Self {
            snapshot: Mutex::default(),
            changes: broadcast::Sender::new(CHANGES_KEPT),
            readers: watch::Sender::default(),
        }
    }
}

impl Feed {
    /// The current version, and the changes after it.
    pub(super) fn subscribe(&self) -> (u64, broadcast::Receiver<Arc<InventoryChanges>>) {
        let snapshot = self.lock();
        (snapshot.version, self.changes.subscribe())
    }

    pub(super) fn reader(feed: &Arc<Self>) -> Reader {
        feed.readers.send_modify(|readers| *readers += 1);
        Reader(Arc::clone(feed))
    }

    /// The number of readers.
    pub(crate) fn readers(&self) -> watch::Receiver<usize> {
        self.readers.subscribe()
    }

    /// Reports what has changed in `tree` since the last call, and that the inventory is current.
    pub(crate) fn report(&self, tree: &mut Tree) {
        let mut snapshot = self.lock();
        let ids = match tree.take_touched() {
            Some(ids) => ids,
            None => tree.ids().chain(snapshot.vms.keys().cloned()).collect(),
        };
        self.change(&mut snapshot, InventoryState::Current, ids, |id| {
            tree.vm(id)
        });
    }

    /// Reports that changes cannot be reported.
    pub(crate) fn fail(&self, error: Error) {
        let state = InventoryState::Stale(error);
        self.change(&mut self.lock(), state, BTreeSet::new(), |_| None);
    }

    /// Forgets all VMs, since nobody reads the inventory any more.
    pub(crate) fn clear(&self) {
        let mut snapshot = self.lock();
        let ids = snapshot.vms.keys().cloned().collect();
        self.change(&mut snapshot, InventoryState::Loading, ids, |_| None);
    }

    /// Sets the state, and each VM of `ids` to what `now` returns for it.
    fn change(
        &self,
        snapshot: &mut Arc<InventorySnapshot>,
        state: InventoryState,
        ids: BTreeSet<Arc<str>>,
        now: impl Fn(&str) -> Option<super::InventoryVm>,
    ) {
        let mut changes = InventoryChanges {
            version: snapshot.version + 1,
            state,
            added: Vec::new(),
            changed: Vec::new(),
            removed: Vec::new(),
        };
        for id in ids {
            match (snapshot.vms.get(&id), now(&id).map(Arc::new)) {
                (None, Some(vm)) => changes.added.push(vm),
                (Some(before), Some(vm)) if *before != vm => changes.changed.push(vm),
                (Some(_), None) => changes.removed.push(id),
                _ => {}
            }
        }
        if changes.is_empty() && !changes.state.differs(&snapshot.state) {
            return;
        }
        // Copied only if a reader holds it.
        Arc::make_mut(snapshot).apply(&changes);
        // The error means that there is no reader at the moment.
        let _ = self.changes.send(Arc::new(changes));
    }

    fn lock(&self) -> MutexGuard<'_, Arc<InventorySnapshot>> {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader {
    pub(super) fn snapshot(&self) -> Arc<InventorySnapshot> {
        Arc::clone(&self.0.lock())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.readers.send_modify(|readers| *readers -= 1);
    }
}

impl InventoryChanges {
    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

impl InventorySnapshot {
    fn apply(&mut self, changes: &InventoryChanges) {
        self.version = changes.version;
        self.state = changes.state.clone();
        for id in &changes.removed {
            self.vms.remove(id);
        }
        for vm in changes.added.iter().chain(&changes.changed) {
            self.vms.insert(vm.vm.moref.as_str().into(), Arc::clone(vm));
        }
    }
}

/// The changes that a reader may be behind before it has to reread.
const CHANGES_KEPT: usize = 64;
