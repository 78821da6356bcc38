//! Watched VMs: power, connection state and host, updated by the endpoint's PropertyCollector.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::{
    object::{Object, PropertySpec},
    reference::Reference,
    runtime_info::{ConnectionState, Power},
    usage::InUse,
    xml::Element,
};

/// The watched properties of a VM; `None` where not reported yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VmState {
    /// The power state.
    pub power: Option<Power>,
    /// Whether vCenter or the host can manage it.
    pub connection: Option<ConnectionState>,
    /// The managed object id of the host that it is on.
    pub host_moref: Option<String>,
    /// It has been deleted or unregistered.
    pub gone: bool,
}

/// Watches a VM until it is dropped. See [`crate::Client::watch`].
pub struct Watch {
    states: watch::Receiver<VmState>,
    _in_use: InUse,
    _drop_notice: DropNotice,
}

/// All watched VMs by id.
#[derive(Default)]
pub(crate) struct Watched {
    vms: Mutex<HashMap<String, watch::Sender<VmState>>>,
    /// Notified when a watch is added or dropped.
    changes: watch::Sender<()>,
}

impl Watch {
    /// The last reported state.
    pub fn state(&self) -> VmState {
        self.states.borrow().clone()
    }

    /// Waits for a state that this has not returned yet. Cancel safe; changes in between are merged into the latest state.
    pub async fn changed(&mut self) -> VmState {
        // The sender lives as long as there is a Watch, so that this cannot fail.
        if self.states.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.states.borrow_and_update().clone()
    }
}

/// Notifies of a dropped watch; a later field than the receiver, so that it is dropped after it.
struct DropNotice(Arc<Watched>);

impl Drop for DropNotice {
    fn drop(&mut self) {
        self.0.changes.send_replace(());
    }
}

impl Watched {
    pub(crate) fn add(self: &Arc<Self>, moref: &str, in_use: InUse) -> Watch {
        let states = {
            let mut vms = self.vms();
            let sender = vms
                .entry(moref.to_owned())
                .or_insert_with(|| watch::Sender::new(VmState::default()));
            let mut states = sender.subscribe();
            if *states.borrow() != VmState::default() {
                states.mark_changed();
            }
            states
        };
        self.changes.send_replace(());
        Watch {
            states,
            _in_use: in_use,
            _drop_notice: DropNotice(Arc::clone(self)),
        }
    }

    /// Notified when a watch was added or dropped.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// The ids of watched VMs that still exist. Managed object ids are not reused, so a deleted VM is never watched again.
    pub(crate) fn ids(&self) -> Vec<String> {
        let mut vms = self.vms();
        vms.retain(|_, sender| sender.receiver_count() > 0);
        let here = vms.iter().filter(|(_, sender)| !sender.borrow().gone);
        here.map(|(id, _)| id.clone()).collect()
    }

    /// Changes a VM's state, and notifies its watches if it differs.
    pub(crate) fn update(&self, moref: &str, change: impl FnOnce(&mut VmState)) {
        if let Some(sender) = self.vms().get(moref) {
            sender.send_if_modified(|state| {
                let before = state.clone();
                change(state);
                *state != before
            });
        }
    }

    /// The state of a watched VM.
    pub(crate) fn state(&self, moref: &str) -> Option<VmState> {
        self.vms().get(moref).map(|sender| sender.borrow().clone())
    }

    /// Applies one `UpdateSet`.
    pub(crate) fn apply(&self, updates: &Element) {
        for object in updates
            .children("filterSet")
            .flat_map(|filter| filter.children("objectSet"))
        {
            if let Some(vm) = object.child("obj").and_then(Reference::read) {
                self.update(&vm.id, |state| state.apply(object));
            }
        }
    }

    fn vms(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<VmState>>> {
        self.vms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl VmState {
    /// The properties that it is read from.
    pub(crate) const PROPERTIES: [PropertySpec; 1] = [PropertySpec {
        kind: "VirtualMachine",
        properties: &[
            "runtime.powerState",
            "runtime.connectionState",
            "runtime.host",
        ],
    }];

    /// The state that was read by one call.
    pub(crate) fn read(vm: &Object) -> Self {
        Self {
            power: vm.text("runtime.powerState").and_then(Power::from_api),
            connection: vm
                .text("runtime.connectionState")
                .and_then(ConnectionState::from_api),
            host_moref: vm.reference("runtime.host").map(|host| host.id),
            gone: false,
        }
    }

    /// Applies one `ObjectUpdate`.
    pub(crate) fn apply(&mut self, object: &Element) {
        self.gone = object.text_of("kind") == Some("leave");
        for change in object.children("changeSet") {
            let value = change.child("val");
            let text = value.map(Element::text);
            match change.text_of("name") {
                Some("runtime.powerState") => self.power = text.and_then(Power::from_api),
                Some("runtime.connectionState") => {
                    self.connection = text.and_then(ConnectionState::from_api);
                }
                Some("runtime.host") => {
                    self.host_moref = value.and_then(Reference::read).map(|host| host.id);
                }
                _ => {}
            }
        }
    }
}
