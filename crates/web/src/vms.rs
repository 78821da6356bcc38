//! The VMs of all vSpheres, and which of them have a port.

use std::collections::BTreeMap;
use std::sync::Arc;

use console::upstream::Upstream;
use gateway::Console;

use crate::row::Row;

/// The inventories of the vSpheres.
#[derive(Default)]
pub(crate) struct Vms {}

impl Vms {
    /// Follows these vSpheres from now on.
    pub(crate) fn follow(&mut self, _vspheres: &BTreeMap<String, Arc<Upstream>>) {}

    /// Waits until a VM of any of them has changed.
    pub(crate) async fn changed(&mut self) {
        std::future::pending().await
    }

    /// A row for each VM, and the consoles that are of none of them.
    pub(crate) fn rows(&mut self, consoles: Vec<Console>) -> (Vec<Row>, Vec<Console>) {
        (Vec::new(), consoles)
    }
}
