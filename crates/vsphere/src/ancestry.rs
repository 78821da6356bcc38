//! Inventory paths and host names, from the folders, datacenters, vApps and hosts that VMs refer to.

use std::collections::HashMap;

use crate::{
    found::Found,
    inventory_path::unescape_name,
    object::{Object, PropertySpec},
    reference::Reference,
};

/// Ancestors and hosts of VMs, by their managed object ids.
#[derive(Default)]
pub(crate) struct Ancestry(HashMap<String, Object>);

impl Ancestry {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The object of that reference, which is added where it is not known.
    pub(crate) fn entry(&mut self, reference: &Reference) -> &mut Object {
        let entry = self.0.entry(reference.id.clone());
        entry.or_insert_with(|| Object::new(reference.clone()))
    }

    pub(crate) fn remove(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// Sets the VM's path and host name, each only where its objects are known: a path without one of them would name another
    /// object.
    pub(crate) fn complete(&self, found: &mut Found, root: &Reference) {
        found.vm.host = found.vm.host_moref.as_deref().and_then(|id| self.host(id));
        found.vm.path = self.path(root, found);
    }

    /// The names below the root, down to and including `at`.
    pub(crate) fn names(&self, root: &Reference, at: &Reference) -> Option<Vec<&str>> {
        let (mut names, mut at) = (Vec::new(), at.clone());
        while at != *root {
            if names.len() >= MAX_LEVELS {
                return None;
            }
            let ancestor = self.0.get(&at.id)?;
            names.push(ancestor.text("name").unwrap_or_default());
            at = parent(ancestor)?;
        }
        names.reverse();
        Some(names)
    }

    fn host(&self, id: &str) -> Option<String> {
        let name = self.0.get(id)?.text("name").unwrap_or_default();
        (!name.is_empty()).then(|| unescape_name(name))
    }

    fn path(&self, root: &Reference, found: &Found) -> Option<String> {
        let mut names = self.names(root, found.parent.as_ref()?)?;
        names.push(&found.raw_name);
        let length: usize = names.iter().map(|name| name.len() + 1).sum();
        (length <= MAX_PATH).then(|| format!("/{}", names.join("/")))
    }
}

impl FromIterator<Object> for Ancestry {
    fn from_iter<I: IntoIterator<Item = Object>>(objects: I) -> Self {
        let by_id = |object: Object| (object.reference.id.clone(), object);
        Self(objects.into_iter().map(by_id).collect())
    }
}

/// The `parent` of a vApp is a resource pool, which is not part of inventory paths.
fn parent(object: &Object) -> Option<Reference> {
    ["parentVApp", "parentFolder", "parent"]
        .iter()
        .find_map(|property| object.reference(property))
}

pub(crate) const DATACENTER: &str = "Datacenter";

/// What paths and host names take.
pub(crate) const ANCESTOR_PROPERTIES: [PropertySpec; 4] = [
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

/// Each VM has a path, so that long names of folders cost a multiple of what they weigh; ten levels of the longest names fit.
const MAX_PATH: usize = 4096;
