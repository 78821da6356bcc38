//! Watching VMs: power, host and connection state, as the endpoint tells of changes by itself.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::{ConnectionState, InUse, Power, soap::Reference, xml::Element};

/// What is watched of a VM. `None` is what has not been told yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VmState {
    /// Whether it runs.
    pub power: Option<Power>,
    /// Whether its host can do anything with it.
    pub connection: Option<ConnectionState>,
    /// The managed object id of the host that it is on.
    pub host_moref: Option<String>,
    /// It has been deleted or unregistered.
    pub gone: bool,
}

/// A VM that is being watched for as long as this exists. See [`crate::Client::watch`].
pub struct Watch {
    states: watch::Receiver<VmState>,
    _in_use: InUse,
    _leaving: Leaving,
}

/// Every VM that somebody watches, by its id.
#[derive(Default)]
pub(crate) struct Watched {
    vms: Mutex<HashMap<String, watch::Sender<VmState>>>,
    /// Marked whenever one was added or dropped.
    news: watch::Sender<()>,
}

impl Watch {
    /// The state as last told.
    pub fn state(&self) -> VmState {
        self.states.borrow().clone()
    }

    /// Waits until a state is told that this has not returned yet. May be dropped and called again; changes that happen in
    /// between are merged into the newest state.
    pub async fn changed(&mut self) -> VmState {
        // The sender lives as long as there is a Watch, so that this cannot fail.
        if self.states.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        self.states.borrow_and_update().clone()
    }
}

/// Tells that a watch has ended; declared after its receiver, so that it is dropped after it.
struct Leaving(Arc<Watched>);

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.news.send_replace(());
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
        self.news.send_replace(());
        Watch {
            states,
            _in_use: in_use,
            _leaving: Leaving(Arc::clone(self)),
        }
    }

    /// Changes whenever a watch was added or has ended.
    pub(crate) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// Who is to be followed now: those that somebody watches and that are not gone. An id is never used again, so that
    /// what is gone stays gone.
    pub(crate) fn ids(&self) -> Vec<String> {
        let mut vms = self.vms();
        vms.retain(|_, sender| sender.receiver_count() > 0);
        let here = vms.iter().filter(|(_, sender)| !sender.borrow().gone);
        here.map(|(id, _)| id.clone()).collect()
    }

    /// Tells a state, if it is a new one.
    pub(crate) fn tell(&self, moref: &str, change: impl FnOnce(&mut VmState)) {
        if let Some(sender) = self.vms().get(moref) {
            sender.send_if_modified(|state| {
                let before = state.clone();
                change(state);
                *state != before
            });
        }
    }

    /// Applies one `UpdateSet`.
    pub(crate) fn apply(&self, updates: &Element) {
        for object in updates
            .children("filterSet")
            .flat_map(|filter| filter.children("objectSet"))
        {
            if let Some(vm) = object.child("obj").and_then(Reference::read) {
                self.tell(&vm.id, |state| state.apply(object));
            }
        }
    }

    fn vms(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<VmState>>> {
        self.vms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl VmState {
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
