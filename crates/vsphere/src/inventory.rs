//! All VMs of an endpoint, kept up to date by its PropertyCollector.

pub(crate) mod feed;
pub(crate) mod tree;

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::broadcast::{self, error::RecvError};

use crate::{error::Error, usage::InUse, vm::Vm};
use feed::{Feed, Reader};

/// One reader of the inventory, until it is dropped. See [`crate::Client::inventory`].
pub struct Inventory {
    changes: broadcast::Receiver<Arc<InventoryChanges>>,
    /// The version of the snapshot or of the changes that this reader has.
    version: u64,
    reader: Reader,
    _in_use: InUse,
}

/// The inventory at one point in time.
#[derive(Debug, Clone, Default)]
pub struct InventorySnapshot {
    /// Counts the changes.
    pub version: u64,
    /// Whether this is what the endpoint has.
    pub state: InventoryState,
    /// The VMs that the account can see, without templates, by managed object id.
    pub vms: BTreeMap<Arc<str>, Arc<InventoryVm>>,
}

/// Whether the inventory is up to date.
#[derive(Debug, Clone, Default)]
pub enum InventoryState {
    /// It has not been read yet.
    #[default]
    Loading,
    /// It has been read, and changes are reported.
    Current,
    /// Changes cannot be reported at present, for this reason. The VMs are those of the last report.
    Stale(Error),
}

/// One VM of the inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryVm {
    /// The VM. Its `path` and `host` are `None` where the account may not see the objects.
    pub vm: Vm,
    /// The operating system that it is configured for (`config.guestFullName`).
    pub guest_os: Option<String>,
    /// The host name of its operating system, as VMware Tools report it (`guest.hostName`).
    pub guest_host_name: Option<String>,
    /// An address of its operating system, as VMware Tools report it (`guest.ipAddress`).
    pub guest_address: Option<String>,
}

/// What has changed at once. All of it may be empty where only the state has changed.
#[derive(Debug, Clone)]
pub struct InventoryChanges {
    /// The version of the snapshot that this leads to.
    pub version: u64,
    /// Whether the inventory is up to date.
    pub state: InventoryState,
    /// New VMs.
    pub added: Vec<Arc<InventoryVm>>,
    /// VMs that differ from the last report.
    pub changed: Vec<Arc<InventoryVm>>,
    /// The managed object ids of VMs that are gone, have become templates, or may not be seen any more.
    pub removed: Vec<Arc<str>>,
}

/// What [`Inventory::changed`] returns.
#[derive(Debug, Clone)]
pub enum InventoryEvent {
    /// The next changes.
    Changed(Arc<InventoryChanges>),
    /// This reader was too slow, and changes were dropped: [`Inventory::snapshot`] has them.
    Reread,
}

impl Inventory {
    pub(crate) fn new(feed: &Arc<Feed>, in_use: InUse) -> Self {
        let (version, changes) = feed.subscribe();
        Self {
            changes,
            version,
            reader: Feed::reader(feed),
            _in_use: in_use,
        }
    }

    /// The inventory as it is now. [`Inventory::changed`] goes on from there.
    pub fn snapshot(&mut self) -> Arc<InventorySnapshot> {
        let snapshot = self.reader.snapshot();
        self.version = snapshot.version;
        snapshot
    }

    /// Waits for the next changes. This reader gets all since its last snapshot, or since it was created, once and in order,
    /// unless it is told to reread. Cancel safe.
    pub async fn changed(&mut self) -> InventoryEvent {
        loop {
            match self.changes.recv().await {
                Ok(changes) if changes.version <= self.version => {}
                Ok(changes) => {
                    self.version = changes.version;
                    return InventoryEvent::Changed(changes);
                }
                Err(RecvError::Lagged(_)) => return InventoryEvent::Reread,
                // The sender lives as long as there is a reader.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

impl InventoryState {
    /// Whether it differs from the other for a reader.
    fn differs(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Stale(a), Self::Stale(b)) => a.to_string() != b.to_string(),
            _ => std::mem::discriminant(self) != std::mem::discriminant(other),
        }
    }
}
