//! Caches the VM that each reference was resolved to.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{vm::Vm, vm_ref::VmRef};

/// VMs by reference; the id and the instance UUID in them stay valid when they move between hosts.
#[derive(Default)]
pub(super) struct VmCache {
    vms: Mutex<HashMap<VmRef, (Vm, Instant)>>,
}

impl VmCache {
    pub(super) fn get(&self, wanted: &VmRef) -> Option<Vm> {
        let vms = self.vms.lock().unwrap_or_else(PoisonError::into_inner);
        let (vm, since) = vms.get(wanted)?;
        (since.elapsed() < LIFETIME).then(|| vm.clone())
    }

    pub(super) fn insert(&self, wanted: &VmRef, vm: &Vm) {
        let mut vms = self.vms.lock().unwrap_or_else(PoisonError::into_inner);
        if vms.len() >= MAX_VMS {
            vms.clear();
        }
        vms.insert(wanted.clone(), (vm.clone(), Instant::now()));
    }

    pub(super) fn remove(&self, wanted: &VmRef) {
        let mut vms = self.vms.lock().unwrap_or_else(PoisonError::into_inner);
        vms.remove(wanted);
    }
}

/// Lifetime of an entry: a name may move to another VM, whose console must be used instead of the old one's.
const LIFETIME: Duration = Duration::from_secs(300);

/// The most entries, of about 500 bytes each: more than a gateway has ports.
const MAX_VMS: usize = 10_000;
