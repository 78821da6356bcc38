//! Inventory paths of VMs, built from their ancestors (folders, vApps, datacenters), which are read in one round trip.

use std::collections::HashSet;

use super::Finder;
use crate::{
    about::ApiType,
    ancestry::{ANCESTOR_PROPERTIES, Ancestry, DATACENTER},
    call::CallError,
    error::Error,
    found::Found,
    property::{self, ObjectSet, TraversalSpec},
    reference::Reference,
    vm::Vm,
    vm_ref::VmRef,
};

impl Finder<'_> {
    /// Sets `path` and `host` of each VM; they stay `None` where the account may not see the objects.
    pub(super) async fn add_paths(&self, found: &mut [Found]) -> Result<(), CallError> {
        let parents = distinct(found.iter().filter_map(|found| found.parent.clone()));
        let hosts = distinct(found.iter().filter_map(|found| {
            let id = found.vm.host_moref.as_ref()?;
            Some(Reference::new("HostSystem", id))
        }));
        if parents.is_empty() && hosts.is_empty() {
            return Ok(());
        }
        let source = ObjectSet::Traverse {
            from: &parents,
            steps: &TO_PARENTS,
            beside: &hosts,
        };
        let objects = property::retrieve(
            self.calls,
            self.open,
            source,
            &ANCESTOR_PROPERTIES,
            self.deadline,
        )
        .await?;
        let ancestry = Ancestry::from_iter(objects);
        for found in found {
            ancestry.complete(found, &self.open.service.root_folder);
        }
        Ok(())
    }

    /// The datacenter of a VM: two round trips on a vCenter, none on an ESXi.
    pub(crate) async fn datacenter(&self, vm: &Vm) -> Result<Datacenter, CallError> {
        if self.open.service.about.api_type == ApiType::Esxi {
            return Ok(Datacenter::of_esxi());
        }
        let found = self.found(&VmRef::Moref(vm.moref.clone())).await?;
        let source = ObjectSet::Traverse {
            from: found.parent.as_slice(),
            steps: &TO_PARENTS,
            beside: &[],
        };
        let objects = match &found.parent {
            Some(_) => {
                property::retrieve(
                    self.calls,
                    self.open,
                    source,
                    &ANCESTOR_PROPERTIES,
                    self.deadline,
                )
                .await?
            }
            None => Vec::new(),
        };
        let mut references = objects.iter().map(|object| object.reference.clone());
        let found = references.find(|reference| reference.kind == DATACENTER);
        let ancestry = Ancestry::from_iter(objects);
        let root = &self.open.service.root_folder;
        let datacenter = found.and_then(|at| {
            let path = ancestry.names(root, &at)?.join("/");
            Some(Datacenter {
                reference: at,
                path,
            })
        });
        datacenter.ok_or_else(|| {
            let error = Error::NoPermission {
                username: self.username.to_owned(),
                privilege: "System.View".to_owned(),
                object: format!("the datacenter of {}", vm.name),
            };
            error.into()
        })
    }
}

/// The datacenter of a VM's datastores.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Datacenter {
    pub(crate) reference: Reference,
    /// The inventory path without its leading slash, names escaped as the API does: the value of `dcPath`, as in govc.
    pub(crate) path: String,
}

impl Datacenter {
    /// An ESXi has only this one (`docs/webmks.md` 3.5).
    fn of_esxi() -> Self {
        Self {
            reference: Reference::new(DATACENTER, "ha-datacenter"),
            path: "ha-datacenter".to_owned(),
        }
    }
}

fn distinct(references: impl Iterator<Item = Reference>) -> Vec<Reference> {
    let mut seen = HashSet::new();
    references
        .filter(|reference| seen.insert(reference.clone()))
        .collect()
}

/// Ancestors are reached through `parent`; those of a vApp through `parentVApp` or `parentFolder`.
const TO_PARENTS: [TraversalSpec; 3] = [
    TraversalSpec {
        name: "up",
        from: "ManagedEntity",
        property: "parent",
    },
    TraversalSpec {
        name: "outerVApp",
        from: "VirtualApp",
        property: "parentVApp",
    },
    TraversalSpec {
        name: "vAppFolder",
        from: "VirtualApp",
        property: "parentFolder",
    },
];
