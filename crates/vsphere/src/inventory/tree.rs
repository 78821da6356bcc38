//! The inventory as the PropertyCollector reports it: VMs, and the objects that their paths and host names come from.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::InventoryVm;
use crate::{
    ancestry::{ANCESTOR_PROPERTIES, Ancestry},
    found::{Found, is_template},
    object::{Object, PropertySpec},
    reference::Reference,
    xml::Element,
};

/// All reported objects.
pub(crate) struct Tree {
    root: Reference,
    vms: HashMap<Arc<str>, Object>,
    ancestry: Ancestry,
    /// The VMs that may have changed since [`Tree::take_touched`]; `None`: all.
    touched: Option<BTreeSet<Arc<str>>>,
}

impl Tree {
    /// An empty tree below the root folder.
    pub(crate) fn new(root: Reference) -> Self {
        Self {
            root,
            vms: HashMap::new(),
            ancestry: Ancestry::default(),
            touched: None,
        }
    }

    /// The number of objects.
    pub(crate) fn len(&self) -> usize {
        self.vms.len() + self.ancestry.len()
    }

    /// Applies an `ObjectUpdate`.
    pub(crate) fn apply(&mut self, update: &Element) {
        let Some(reference) = update.child("obj").and_then(Reference::read) else {
            return;
        };
        let kind = update.text_of("kind").unwrap_or_default();
        if reference.kind == VIRTUAL_MACHINE {
            self.apply_to_vm(reference, kind, update);
            return;
        }
        if kind == "leave" {
            self.ancestry.remove(&reference.id);
        } else {
            self.ancestry.entry(&reference).apply(update, &PROPERTIES);
        }
        // It may be in the path of any VM, and it changes rarely.
        self.touched = None;
    }

    fn apply_to_vm(&mut self, reference: Reference, kind: &str, update: &Element) {
        let id: Arc<str> = reference.id.as_str().into();
        match kind {
            "leave" => {
                self.vms.remove(&id);
            }
            _ => {
                let vm = self.vms.entry(Arc::clone(&id));
                vm.or_insert_with(|| Object::new(reference))
                    .apply(update, &PROPERTIES);
            }
        }
        if let Some(touched) = &mut self.touched {
            touched.insert(id);
        }
    }

    /// The VMs that may have changed since the last call; `None`: all, and those of an earlier tree.
    pub(crate) fn take_touched(&mut self) -> Option<BTreeSet<Arc<str>>> {
        self.touched.replace(BTreeSet::new())
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = Arc<str>> {
        self.vms.keys().cloned()
    }

    /// The VM; `None` where there is none, or a template.
    pub(crate) fn vm(&self, id: &str) -> Option<InventoryVm> {
        let object = self.vms.get(id).filter(|object| !is_template(object))?;
        let mut found = Found::read(object)?;
        self.ancestry.complete(&mut found, &self.root);
        let text = |property| object.text(property).map(str::to_owned);
        Some(InventoryVm {
            vm: found.vm,
            guest_os: text("config.guestFullName"),
            guest_host_name: text("guest.hostName"),
            guest_address: text("guest.ipAddress"),
        })
    }
}

const VIRTUAL_MACHINE: &str = "VirtualMachine";

/// The properties of all objects of the tree. None of them changes while nobody does anything to the object.
pub(crate) const PROPERTIES: [PropertySpec; 5] = {
    let [folder, datacenter, v_app, host] = ANCESTOR_PROPERTIES;
    [VM_PROPERTIES, folder, datacenter, v_app, host]
};

const VM_PROPERTIES: PropertySpec = PropertySpec {
    kind: VIRTUAL_MACHINE,
    properties: &[
        "name",
        "runtime.powerState",
        "runtime.connectionState",
        "runtime.host",
        "config.uuid",
        "config.instanceUuid",
        "config.template",
        "config.guestFullName",
        "guest.hostName",
        "guest.ipAddress",
        "parent",
        "parentVApp",
    ],
};
