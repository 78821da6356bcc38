//! The inventory of a host: folders, datacenter, host and VMs as managed objects.

mod path;
mod properties;
mod service_content;
pub(crate) mod vm;

use std::collections::HashMap;
use std::sync::Arc;

use self::vm::Vm;
use crate::kind::Kind;
use crate::vim25::managed_type::is_a;
use crate::vim25::value::MoRef;
use crate::vim25::version::ApiVersion;

/// The inventory tree. Its folders are fixed when the host starts; VMs change.
pub(crate) struct Inventory {
    pub(crate) kind: Kind,
    pub(crate) api: ApiVersion,
    pub(crate) product_version: String,
    pub(crate) vms: Vec<Arc<Vm>>,
    pub(crate) ids: &'static Ids,
    folders: Vec<Folder>,
    /// Where each VM is in `vms`, by its id.
    positions: HashMap<String, usize>,
    /// The id of each VM's folder, by its own.
    parents: HashMap<String, String>,
    /// Where the VMs of each folder are in `vms`, by its id.
    members: HashMap<String, Vec<usize>>,
}

/// The ids of the objects of every host (`docs/webmks.md` 3.3; those below the root folder are guesses).
pub(crate) struct Ids {
    pub(crate) root: &'static str,
    pub(crate) property_collector: &'static str,
    pub(crate) session_manager: &'static str,
    pub(crate) search_index: &'static str,
    pub(crate) view_manager: &'static str,
    pub(crate) file_manager: &'static str,
    pub(crate) authorization_manager: &'static str,
    pub(crate) datacenter: &'static str,
    pub(crate) datacenter_name: &'static str,
    vm_folder: &'static str,
    host_folder: &'static str,
    compute: &'static str,
    host: &'static str,
    pool: &'static str,
}

const ESXI: Ids = Ids {
    root: "ha-folder-root",
    property_collector: "ha-property-collector",
    session_manager: "ha-sessionmgr",
    search_index: "ha-searchindex",
    view_manager: "ViewManager",
    file_manager: "ha-nfc-file-manager",
    authorization_manager: "ha-authmgr",
    datacenter: "ha-datacenter",
    datacenter_name: "ha-datacenter",
    vm_folder: "ha-folder-vm",
    host_folder: "ha-folder-host",
    compute: "ha-compute-res",
    host: "ha-host",
    pool: "ha-root-pool",
};

const VCENTER: Ids = Ids {
    root: "group-d1",
    property_collector: "propertyCollector",
    session_manager: "SessionManager",
    search_index: "SearchIndex",
    view_manager: "ViewManager",
    file_manager: "FileManager",
    authorization_manager: "AuthorizationManager",
    datacenter: "datacenter-3",
    datacenter_name: "DC",
    vm_folder: "group-v4",
    host_folder: "group-h5",
    compute: "domain-c8",
    host: "host-10",
    pool: "resgroup-9",
};

/// A VM folder below the datacenter's `vm` folder.
struct Folder {
    id: String,
    name: String,
    parent: String,
    path: String,
}

impl Inventory {
    pub(crate) fn new(
        kind: Kind,
        api: ApiVersion,
        product_version: String,
        vms: Vec<Arc<Vm>>,
    ) -> Self {
        let ids = match kind {
            Kind::Esxi => &ESXI,
            Kind::VCenter => &VCENTER,
        };
        let mut inventory = Self {
            kind,
            api,
            product_version,
            vms,
            ids,
            folders: Vec::new(),
            positions: HashMap::new(),
            parents: HashMap::new(),
            members: HashMap::new(),
        };
        let paths: Vec<String> = inventory
            .vms
            .iter()
            .filter_map(|vm| vm.folder.clone())
            .collect();
        for path in paths {
            inventory.make_folders(&path);
        }
        for (position, vm) in inventory.vms.iter().enumerate() {
            let parent = inventory.find_parent(vm).to_owned();
            inventory.positions.insert(vm.moref.clone(), position);
            let members = inventory.members.entry(parent.clone()).or_default();
            members.push(position);
            inventory.parents.insert(vm.moref.clone(), parent);
        }
        inventory
    }

    fn make_folders(&mut self, path: &str) {
        let mut parent = self.ids.vm_folder.to_owned();
        let mut so_far = String::new();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            so_far = format!("{so_far}/{name}");
            let known = self.folders.iter().find(|folder| folder.path == so_far);
            parent = match known {
                Some(folder) => folder.id.clone(),
                None => {
                    let id = format!("group-v{}", 100 + self.folders.len());
                    self.folders.push(Folder {
                        id: id.clone(),
                        name: name.to_owned(),
                        parent,
                        path: so_far.clone(),
                    });
                    id
                }
            };
        }
    }

    pub(crate) fn root(&self) -> MoRef {
        MoRef::new("Folder", self.ids.root)
    }

    /// The VMs that were not deleted.
    pub(crate) fn existing(&self) -> impl Iterator<Item = &Arc<Vm>> {
        self.vms.iter().filter(|vm| vm.exists())
    }

    pub(crate) fn vm(&self, object: &MoRef) -> Option<&Arc<Vm>> {
        let found = self.vms.get(*self.positions.get(&object.id)?)?;
        (object.kind == "VirtualMachine" && found.exists()).then_some(found)
    }

    pub(crate) fn vm_ref(vm: &Vm) -> MoRef {
        MoRef::new("VirtualMachine", vm.moref.as_str())
    }

    /// The direct children of an object.
    pub(crate) fn children(&self, object: &MoRef) -> Vec<MoRef> {
        let ids = self.ids;
        let id = object.id.as_str();
        if id == ids.root {
            vec![MoRef::new("Datacenter", ids.datacenter)]
        } else if id == ids.datacenter {
            vec![
                MoRef::new("Folder", ids.vm_folder),
                MoRef::new("Folder", ids.host_folder),
            ]
        } else if id == ids.host_folder {
            vec![MoRef::new(self.compute_kind(), ids.compute)]
        } else if id == ids.compute {
            vec![
                MoRef::new("HostSystem", ids.host),
                MoRef::new("ResourcePool", ids.pool),
            ]
        } else if object.kind == "Folder" {
            self.vm_folder_children(id)
        } else {
            Vec::new()
        }
    }

    fn vm_folder_children(&self, id: &str) -> Vec<MoRef> {
        let folders = self.folders.iter().filter(|folder| folder.parent == id);
        let folders = folders.map(|folder| MoRef::new("Folder", folder.id.as_str()));
        let members = self.members.get(id).into_iter().flatten();
        let vms = members.filter_map(|position| self.vms.get(*position));
        let vms = vms.filter(|vm| vm.exists());
        folders.chain(vms.map(|vm| Self::vm_ref(vm))).collect()
    }

    /// The objects below a container of these types, or of all where none is given, as a ContainerView has them.
    pub(crate) fn viewed(
        &self,
        container: &MoRef,
        recursive: bool,
        kinds: &[String],
    ) -> Vec<MoRef> {
        let mut objects = match recursive {
            true => self.descendants(container),
            false => self.children(container),
        };
        objects
            .retain(|object| kinds.is_empty() || kinds.iter().any(|kind| is_a(&object.kind, kind)));
        objects
    }

    /// All descendants of an object, breadth first.
    fn descendants(&self, object: &MoRef) -> Vec<MoRef> {
        let mut all = self.children(object);
        let mut next = 0;
        while let Some(object) = all.get(next) {
            let below = self.children(object);
            all.extend(below);
            next += 1;
        }
        all
    }

    fn compute_kind(&self) -> &'static str {
        match self.kind {
            Kind::Esxi => "ComputeResource",
            Kind::VCenter => "ClusterComputeResource",
        }
    }

    fn parent_of_vm(&self, vm: &Vm) -> &str {
        self.parents
            .get(&vm.moref)
            .map_or(self.ids.vm_folder, String::as_str)
    }

    fn find_parent(&self, vm: &Vm) -> &str {
        let path = vm
            .folder
            .as_ref()
            .map(|folder| format!("/{}", folder.trim_matches('/')));
        self.folders
            .iter()
            .find(|folder| Some(&folder.path) == path.as_ref())
            .map_or(self.ids.vm_folder, |folder| folder.id.as_str())
    }
}
