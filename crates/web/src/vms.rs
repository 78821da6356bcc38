//! The VMs of all vSpheres, and which of them have a port.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use console::settings::Backend;
use console::upstream::Upstream;
use futures::future::select_all;
use gateway::Console;
use vsphere::{Inventory, InventoryVm, Vm, VmRef, canonical_path};

use crate::row::{Guest, Port, Row};

/// The inventories of the vSpheres.
#[derive(Default)]
pub(crate) struct Vms(BTreeMap<String, Followed>);

struct Followed {
    upstream: Arc<Upstream>,
    inventory: Inventory,
}

/// The consoles by their vSphere and VM, as configured.
type ByVm = HashMap<(String, VmRef), Vec<usize>>;

impl Vms {
    /// Follows these vSpheres from now on.
    pub(crate) fn follow(&mut self, vspheres: BTreeMap<String, Arc<Upstream>>) {
        let is_same = |name: &String, followed: &mut Followed| {
            vspheres
                .get(name)
                .is_some_and(|upstream| Arc::ptr_eq(upstream, &followed.upstream))
        };
        self.0.retain(is_same);
        for (name, upstream) in vspheres {
            self.0.entry(name).or_insert_with(|| Followed {
                inventory: upstream.client().inventory(),
                upstream,
            });
        }
    }

    /// Waits until a VM of any of them has changed. What has changed is in [`rows`](Self::rows).
    pub(crate) async fn changed(&mut self) {
        if self.0.is_empty() {
            return std::future::pending().await;
        }
        let changes = self
            .0
            .values_mut()
            .map(|followed| Box::pin(followed.inventory.changed()));
        select_all(changes).await;
    }

    /// A row for each VM, and the consoles that are of none of them.
    pub(crate) fn rows(&mut self, consoles: Vec<Console>) -> (Vec<Row>, Vec<Console>) {
        let by_vm = by_vm(&consoles);
        let mut of_vms = BTreeSet::new();
        let mut rows = Vec::new();
        for (vsphere, followed) in &mut self.0 {
            for found in followed.inventory.snapshot().vms.values() {
                let of_vm = consoles_of(vsphere, &found.vm, &by_vm);
                let ports = of_vm
                    .iter()
                    .filter_map(|at| consoles.get(*at))
                    .map(Port::of);
                rows.push(Row::of_vm(
                    vsphere,
                    &found.vm,
                    &guest(found),
                    ports.collect(),
                ));
                of_vms.extend(of_vm);
            }
        }
        let consoles = consoles.into_iter().enumerate();
        let others = consoles
            .filter(|(at, _)| !of_vms.contains(at))
            .map(|(_, console)| console);
        (rows, others.collect())
    }
}

fn by_vm(consoles: &[Console]) -> ByVm {
    let mut by_vm = ByVm::new();
    for (at, console) in consoles.iter().enumerate() {
        if let Backend::Vm { vsphere, vm, .. } = &console.backend {
            by_vm
                .entry((vsphere.clone(), canonical(vm)))
                .or_default()
                .push(at);
        }
    }
    by_vm
}

/// The one form of all that name the same VM.
fn canonical(vm: &VmRef) -> VmRef {
    match vm {
        VmRef::Path(path) => VmRef::Path(canonical_path(path)),
        other => other.clone(),
    }
}

/// The consoles of a VM, by any of its names.
fn consoles_of(vsphere: &str, vm: &Vm, by_vm: &ByVm) -> Vec<usize> {
    if by_vm.is_empty() {
        return Vec::new();
    }
    let names = [
        Some(VmRef::Name(vm.name.clone())),
        vm.path.as_deref().map(canonical_path).map(VmRef::Path),
        vm.uuid.map(VmRef::Uuid),
        vm.instance_uuid.map(VmRef::InstanceUuid),
        Some(VmRef::Moref(vm.moref.clone())),
    ];
    let keys = names
        .into_iter()
        .flatten()
        .map(|name| (vsphere.to_owned(), name));
    let mut found: Vec<usize> = keys
        .filter_map(|key| by_vm.get(&key))
        .flatten()
        .copied()
        .collect();
    found.sort_unstable();
    found
}

fn guest(found: &InventoryVm) -> Guest {
    Guest {
        os: found.guest_os.clone(),
        host_name: found.guest_host_name.clone(),
        address: found.guest_address.clone(),
    }
}
