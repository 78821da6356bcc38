//! Inventory paths, from the parents of VMs: folders, vApps and datacenters, read in one round trip.

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
    /// Fills in `path` and `host` of each; what the account may not see stays `None`.
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
            steps: &UPWARDS,
            beside: &hosts,
        };
        let objects =
            property::retrieve(self.calls, self.open, source, &NAMED, self.deadline).await?;
        let places = places(&objects);
        for found in found {
            found.vm.host = found
                .vm
                .host_moref
                .as_deref()
                .and_then(|id| host_name(&places, id));
            found.vm.path = path(&places, &self.open.service.root_folder, found);
        }
        Ok(())
    }

    /// The datacenter that a VM is in: two round trips on a vCenter, none on an ESXi.
    pub(crate) async fn datacenter(&self, vm: &Vm) -> Result<Datacenter, CallError> {
        if self.open.service.about.api_type == ApiType::Esxi {
            return Ok(Datacenter::of_esxi());
        }
        let found = self.found(&VmRef::Moref(vm.moref.clone())).await?;
        let source = ObjectSet::Traverse {
            from: found.parent.as_slice(),
            steps: &UPWARDS,
            beside: &[],
        };
        let objects = match &found.parent {
            Some(_) => {
                property::retrieve(self.calls, self.open, source, &NAMED, self.deadline).await?
            }
            None => Vec::new(),
        };
        let there = objects.iter().map(|object| &object.reference);
        let mut there = there.filter(|reference| reference.kind == DATACENTER);
        let places = places(&objects);
        let root = &self.open.service.root_folder;
        let datacenter = there.next().and_then(|at| {
            let names = names(&places, root, at)?;
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
    /// The inventory path, names escaped as the API does, without a slash before it: `dcPath`, as govc writes it.
    pub(crate) path: String,
}

impl Datacenter {
    /// The only one that an ESXi has (`docs/webmks.md` 3.5).
    fn of_esxi() -> Self {
        Self {
            reference: Reference::new(DATACENTER, "ha-datacenter"),
            path: "ha-datacenter".to_owned(),
        }
    }
}

/// An ancestor of a VM.
struct Place {
    name: String,
    parent: Option<Reference>,
}

fn places(objects: &[Object]) -> HashMap<&str, Place> {
    let up = |object: &Object| {
        // A vApp's plain parent is a resource pool, which is on no VM's path.
        ["parentVApp", "parentFolder", "parent"]
            .iter()
            .find_map(|property| object.reference(property))
    };
    let place = |object: &Object| Place {
        name: object.text("name").unwrap_or_default().to_owned(),
        parent: up(object),
    };
    objects
        .iter()
        .map(|object| (object.reference.id.as_str(), place(object)))
        .collect()
}

fn host_name(places: &HashMap<&str, Place>, id: &str) -> Option<String> {
    let name = &places.get(id)?.name;
    (!name.is_empty()).then(|| unescape_name(name))
}

/// `None` where the chain does not reach the root: a partial path would name another object.
fn path(places: &HashMap<&str, Place>, root: &Reference, found: &Found) -> Option<String> {
    let mut names = names(places, root, found.parent.as_ref()?)?;
    names.push(&found.raw_name);
    Some(format!("/{}", names.join("/")))
}

/// The names from the root, which has none here, down to that place and with it.
fn names<'a>(
    places: &'a HashMap<&str, Place>,
    root: &Reference,
    mut at: &'a Reference,
) -> Option<Vec<&'a str>> {
    let mut names = Vec::new();
    while at != root {
        if names.len() >= MAX_LEVELS {
            return None;
        }
        let place = places.get(at.id.as_str())?;
        names.push(place.name.as_str());
        at = place.parent.as_ref()?;
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

/// Whatever is on the way has a `parent`, but for vApps, whose way to their folder is another.
const UPWARDS: [TraversalSpec; 3] = [
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

const NAMED: [PropertySpec; 4] = [
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

/// Ends a cycle of parents, which a faulty server might report.
const MAX_LEVELS: usize = 100;
