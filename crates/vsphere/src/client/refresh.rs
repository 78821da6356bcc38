//! Reads the current states of watched VMs, for callers that cannot wait for the next update.

use std::collections::BTreeSet;

use tokio::time::{Instant, timeout_at};

use super::Client;
use crate::{
    call::CallError,
    error::Error,
    fault::{Fault, FaultKind},
    open_session::OpenSession,
    property::{self, ObjectSet},
    reference::Reference,
    transport::Deadline,
    watch::VmState,
};

impl Client {
    /// Reads the state of a watched VM, by its managed object id, and passes it to the VM's watches. When many VMs are asked
    /// for at once, as after the failure of their host, they are read together: never more than one read is made at a time.
    ///
    /// # Errors
    /// There is no session, for the reasons of [`Client::login`], or the state cannot be read; [`Error::Timeout`] at the
    /// deadline.
    pub async fn refresh(&self, moref: &str, deadline: Instant) -> Result<(), Error> {
        self.unread.vms().insert(moref.to_owned());
        let turn = timeout_at(deadline, self.unread.reading.lock()).await;
        let _turn = turn.map_err(|_| Error::Timeout {
            address: self.calls.address().to_owned(),
        })?;
        let vms = {
            let mut vms = self.unread.vms();
            if !vms.contains(moref) {
                // The read before this turn included it.
                return Ok(());
            }
            std::mem::take(&mut *vms)
        };
        let vms = &vms;
        self.in_session(deadline, |open| async move {
            self.read_states(&open, vms, deadline).await
        })
        .await
    }

    /// One call, and one more for each VM that was deleted.
    async fn read_states(
        &self,
        open: &OpenSession,
        vms: &BTreeSet<String>,
        deadline: Instant,
    ) -> Result<(), CallError> {
        let references = vms.iter().map(|id| Reference::new("VirtualMachine", id));
        let mut vms: Vec<Reference> = references.collect();
        while !vms.is_empty() {
            let before: Vec<Option<VmState>> =
                vms.iter().map(|vm| self.watched.state(&vm.id)).collect();
            let source = ObjectSet::Objects(&vms);
            let until = Deadline::Call(deadline);
            let read =
                property::retrieve(&self.calls, open, source, &VmState::PROPERTIES, until).await;
            let objects = match read {
                Ok(objects) => objects,
                Err(CallError::Fault(fault)) => {
                    let deleted = deleted(&fault, &vms).ok_or(CallError::Fault(fault))?;
                    let deleted = vms.remove(deleted);
                    self.watched.update(&deleted.id, |state| state.gone = true);
                    continue;
                }
                Err(error) => return Err(error),
            };
            for object in &objects {
                let at = vms.iter().position(|vm| *vm == object.reference);
                let before = at.and_then(|at| before.get(at)?.as_ref());
                self.watched.update(&object.reference.id, |state| {
                    // An update that arrived meanwhile is newer than this answer.
                    if Some(&*state) == before {
                        *state = VmState::read(object);
                    }
                });
            }
            break;
        }
        Ok(())
    }
}

/// Which of the VMs is missing, if that is the fault.
fn deleted(fault: &Fault, vms: &[Reference]) -> Option<usize> {
    let missing = fault.missing.as_deref()?;
    let not_found = fault.kind == FaultKind::ManagedObjectNotFound;
    let position = || vms.iter().position(|vm| vm.id == missing);
    not_found.then(position)?
}
