//! VMs whose states are to be read.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Mutex as AsyncMutex;

/// The VMs whose states are to be read. While one read runs, further VMs are collected for the next.
#[derive(Default)]
pub(super) struct Unread {
    vms: Mutex<BTreeSet<String>>,
    pub(super) reading: AsyncMutex<()>,
}

impl Unread {
    pub(super) fn vms(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.vms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
