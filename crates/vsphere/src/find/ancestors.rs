//! Inventory paths of VMs, built from their ancestors (folders, vApps, datacenters), which are read in one round trip.

use std::collections::{HashMap, HashSet};

use super::{Finder, Found};
use crate::{
    about::ApiType,
    call::CallError,
    error::Error,
    inventory_path::unescape_name,
    property::{self, Object, ObjectSet, PropertySpec, TraversalSpec},
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
        let ancestors = ancestors(&objects);
        for found in found {
            found.vm.host = found
                .vm
                .host_moref
                .as_deref()
                .and_then(|id| host_name(&ancestors, id));
            found.vm.path = path(&ancestors, &self.open.service.root_folder, found);
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
        let references = objects.iter().map(|object| &object.reference);
        let mut datacenters = references.filter(|reference| reference.kind == DATACENTER);
        let ancestors = ancestors(&objects);
        let root = &self.open.service.root_folder;
        let datacenter = datacenters.next().and_then(|at| {
            let names = names(&ancestors, root, at)?;
            Some(Datacenter {
                reference: at.clone(),
                path: names.join("/"),
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

/// An ancestor of a VM, or the host of one.
struct Ancestor {
    name: String,
    parent: Option<Reference>,
}

fn ancestors(objects: &[Object]) -> HashMap<&str, Ancestor> {
    let up = |object: &Object| {
        // The `parent` of a vApp is a resource pool, which is not part of inventory paths.
        ["parentVApp", "parentFolder", "parent"]
            .iter()
            .find_map(|property| object.reference(property))
    };
    let ancestor = |object: &Object| Ancestor {
        name: object.text("name").unwrap_or_default().to_owned(),
        parent: up(object),
    };
    objects
        .iter()
        .map(|object| (object.reference.id.as_str(), ancestor(object)))
        .collect()
}

fn host_name(ancestors: &HashMap<&str, Ancestor>, id: &str) -> Option<String> {
    let name = &ancestors.get(id)?.name;
    (!name.is_empty()).then(|| unescape_name(name))
}

/// `None` if an ancestor is missing: a path without it would name another object.
fn path(ancestors: &HashMap<&str, Ancestor>, root: &Reference, found: &Found) -> Option<String> {
    let mut names = names(ancestors, root, found.parent.as_ref()?)?;
    names.push(&found.raw_name);
    Some(format!("/{}", names.join("/")))
}

/// The names below the root, down to and including `at`.
fn names<'a>(
    ancestors: &'a HashMap<&str, Ancestor>,
    root: &Reference,
    mut at: &'a Reference,
) -> Option<Vec<&'a str>> {
    let mut names = Vec::new();
    while at != root {
        if names.len() >= MAX_LEVELS {
            return None;
        }
        let ancestor = ancestors.get(at.id.as_str())?;
        names.push(ancestor.name.as_str());
        at = ancestor.parent.as_ref()?;
    }
    names.reverse();
    Some(names)
}

fn distinct(references: impl Iterator<Item = Reference>) -> Vec<Reference> {
    let mut seen = HashSet::new();
    references
        .filter(|reference| seen.insert(reference.clone()))
        .collect()
}

const DATACENTER: &str = "Datacenter";

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

const ANCESTOR_PROPERTIES: [PropertySpec; 4] = [
    PropertySpec {
        kind: "Folder",
        properties: &["name", "parent"],
    },
    PropertySpec {
        kind: DATACENTER,
        properties: &["name", "parent"],
    },
    PropertySpec {
        kind: "VirtualApp",
        properties: &["name", "parentVApp", "parentFolder"],
    },
    PropertySpec {
        kind: "HostSystem",
        properties: &["name"],
    },
];

/// The most ancestors: a faulty server may report a cycle.
const MAX_LEVELS: usize = 100;
