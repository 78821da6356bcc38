//! Lookup of virtual machines by name, path, UUID or id, each with as few calls as possible.

pub(crate) mod ancestors;

use crate::{
    call::{Call, CallError, Calls},
    error::Error,
    fault::FaultKind,
    found::{Found, is_template},
    inventory_path::{is_same_path, unescape_name},
    object::{Object, PropertySpec},
    open_session::OpenSession,
    property::{self, ObjectSet},
    reference::Reference,
    transport::Deadline,
    uuid::Uuid,
    vm::Vm,
    vm_ref::VmRef,
};

/// A search within one session.
pub(crate) struct Finder<'a> {
    pub(crate) calls: &'a Calls,
    pub(crate) open: &'a OpenSession,
    pub(crate) username: &'a str,
    pub(crate) deadline: Deadline,
}

/// The result of locating a VM.
pub(crate) enum Located {
    /// The VM without path and host name.
    Described(Found),
    /// Only its reference.
    At(Reference),
}

impl Finder<'_> {
    /// The one VM that matches, without path and host name. By name and by id this takes one round trip, by path and by UUID
    /// two.
    pub(crate) async fn one(&self, wanted: &VmRef) -> Result<Vm, CallError> {
        Ok(self.found(wanted).await?.vm)
    }

    /// The one VM that matches, with path and host name, which takes one more round trip.
    pub(crate) async fn one_with_path(&self, wanted: &VmRef) -> Result<Vm, CallError> {
        let mut found = [self.found(wanted).await?];
        self.add_paths(&mut found).await?;
        let [found] = found;
        Ok(found.vm)
    }

    /// Every VM that the account can see, without templates, with paths and host names, by path.
    pub(crate) async fn all(&self) -> Result<Vec<Vm>, CallError> {
        let mut found = self.inventory().await?;
        self.add_paths(&mut found).await?;
        let mut vms: Vec<Vm> = found.into_iter().map(|found| found.vm).collect();
        vms.sort_by(|a, b| (&a.path, &a.name, &a.moref).cmp(&(&b.path, &b.name, &b.moref)));
        Ok(vms)
    }

    /// Locates the one VM that matches, with one round trip at most.
    pub(crate) async fn locate(&self, wanted: &VmRef) -> Result<Located, CallError> {
        match wanted {
            VmRef::Name(name) => self.by_name(name).await.map(Located::Described),
            VmRef::Path(path) => self.by_path(path).await,
            VmRef::Uuid(uuid) => self.by_uuid(*uuid, false, wanted).await,
            VmRef::InstanceUuid(uuid) => self.by_uuid(*uuid, true, wanted).await,
            VmRef::Moref(id) => Ok(Located::At(Reference::new(VIRTUAL_MACHINE, id))),
        }
    }

    /// Reads the properties of the VM at `at`.
    pub(crate) async fn describe(
        &self,
        at: &Reference,
        wanted: &VmRef,
    ) -> Result<Found, CallError> {
        match self.properties(std::slice::from_ref(at)).await {
            Err(CallError::Fault(fault)) if fault.kind == FaultKind::ManagedObjectNotFound => {
                Err(self.no_such_vm(wanted).into())
            }
            found => self.only(found?, wanted).await,
        }
    }

    async fn found(&self, wanted: &VmRef) -> Result<Found, CallError> {
        match self.locate(wanted).await? {
            Located::Described(found) => Ok(found),
            Located::At(reference) => self.describe(&reference, wanted).await,
        }
    }

    async fn by_name(&self, name: &str) -> Result<Found, CallError> {
        let plain = unescape_name(name);
        let found = self.inventory().await?;
        let found = found
            .into_iter()
            .filter(|f| f.vm.name == name || f.vm.name == plain);
        self.only(found.collect(), &VmRef::Name(name.to_owned()))
            .await
    }

    async fn by_path(&self, path: &str) -> Result<Located, CallError> {
        let wanted = VmRef::Path(path.to_owned());
        let response = self
            .calls
            .call(self.search("FindByInventoryPath"), |out| {
                out.value("inventoryPath", path)
            })
            .await?;
        let hit = response.child("returnval").and_then(Reference::read);
        match hit.filter(|hit| hit.kind == VIRTUAL_MACHINE) {
            Some(hit) => Ok(Located::At(hit)),
            // SearchIndex does not find paths through a vApp.
            None => self
                .by_path_in_inventory(path, &wanted)
                .await
                .map(Located::Described),
        }
    }

    async fn by_path_in_inventory(&self, path: &str, wanted: &VmRef) -> Result<Found, CallError> {
        let mut found = self.inventory().await?;
        self.add_paths(&mut found).await?;
        let same = |found: &Found| {
            found
                .vm
                .path
                .as_deref()
                .is_some_and(|own| is_same_path(own, path))
        };
        self.only(found.into_iter().filter(same).collect(), wanted)
            .await
    }

    async fn by_uuid(
        &self,
        uuid: Uuid,
        instance: bool,
        wanted: &VmRef,
    ) -> Result<Located, CallError> {
        let response = self
            .calls
            .call(self.search("FindAllByUuid"), |out| {
                out.value("uuid", &uuid.to_string());
                out.value("vmSearch", "true");
                out.value("instanceUuid", if instance { "true" } else { "false" });
            })
            .await?;
        let mut hits: Vec<Reference> = response
            .children("returnval")
            .filter_map(Reference::read)
            .collect();
        if hits.len() > 1 {
            let found = self.only(self.properties(&hits).await?, wanted).await?;
            return Ok(Located::Described(found));
        }
        let hit = hits.pop().ok_or_else(|| self.no_such_vm(wanted))?;
        Ok(Located::At(hit))
    }

    /// The only match; an error where there are none or several.
    async fn only(&self, mut found: Vec<Found>, wanted: &VmRef) -> Result<Found, CallError> {
        if found.len() > 1 {
            return Err(self.ambiguous(found, wanted).await?.into());
        }
        found.pop().ok_or_else(|| self.no_such_vm(wanted).into())
    }

    async fn ambiguous(&self, mut found: Vec<Found>, wanted: &VmRef) -> Result<Error, CallError> {
        found.truncate(MAX_PATHS_LISTED);
        self.add_paths(&mut found).await?;
        let place = |found: Found| {
            let id = found.vm.moref;
            found.vm.path.unwrap_or_else(|| format!("moref:{id}"))
        };
        let mut paths: Vec<String> = found.into_iter().map(place).collect();
        paths.sort_unstable();
        Ok(Error::AmbiguousName {
            name: wanted.to_string(),
            paths,
        })
    }

    fn no_such_vm(&self, wanted: &VmRef) -> Error {
        Error::NoSuchVm {
            what: wanted.to_string(),
            username: self.username.to_owned(),
        }
    }

    /// All VMs but templates: one round trip for each page, and one more the first time in a session.
    ///
    /// ManagedObjectNotFound may concern a VM that was deleted meanwhile, or the view. In both cases the view is created again,
    /// which fails with NotAuthenticated if the session has ended.
    async fn inventory(&self) -> Result<Vec<Found>, CallError> {
        for _ in 1..MAX_READINGS {
            let view = self.view().await?;
            match self.seen_in(&view).await {
                Err(CallError::Fault(fault)) if fault.kind == FaultKind::ManagedObjectNotFound => {
                    if fault.missing.is_none_or(|missing| missing == view.id) {
                        self.open.view.forget(&view).await;
                    }
                }
                other => return other,
            }
        }
        self.seen_in(&self.view().await?).await
    }

    async fn seen_in(&self, view: &Reference) -> Result<Vec<Found>, CallError> {
        let source = ObjectSet::View(view);
        let objects =
            property::retrieve(self.calls, self.open, source, &VM_PROPERTIES, self.deadline)
                .await?;
        let no_template = |object: &&Object| !is_template(object);
        Ok(objects
            .iter()
            .filter(no_template)
            .filter_map(Found::read)
            .collect())
    }

    /// The view of everything that this crate reads, which all calls in a session share.
    pub(crate) async fn view(&self) -> Result<Reference, CallError> {
        self.open.view.get_or_make(|| self.create_view()).await
    }

    async fn create_view(&self) -> Result<Reference, CallError> {
        let this = &self.open.service.view_manager;
        let call = self.open.call("CreateContainerView", this, self.deadline);
        let response = self
            .calls
            .call(call, |out| {
                self.open.service.root_folder.write("container", out);
                for kind in VIEWED {
                    out.value("type", kind);
                }
                out.value("recursive", "true");
            })
            .await?;
        let view = response.child("returnval").and_then(Reference::read);
        view.ok_or_else(|| self.calls.malformed("there is no view in it").into())
    }

    async fn properties(&self, vms: &[Reference]) -> Result<Vec<Found>, CallError> {
        let source = ObjectSet::Objects(vms);
        let objects =
            property::retrieve(self.calls, self.open, source, &VM_PROPERTIES, self.deadline)
                .await?;
        Ok(objects.iter().filter_map(Found::read).collect())
    }

    fn search(&self, method: &'static str) -> Call<'_> {
        let this = &self.open.service.search_index;
        self.open.call(method, this, self.deadline)
    }
}

const VIRTUAL_MACHINE: &str = "VirtualMachine";

/// The types of objects in the view. A filter reports those only for which it has properties (vim25, `PropertySpec`).
const VIEWED: [&str; 5] = [
    VIRTUAL_MACHINE,
    "Folder",
    "Datacenter",
    "VirtualApp",
    "HostSystem",
];

const VM_PROPERTIES: [PropertySpec; 1] = [PropertySpec {
    kind: VIRTUAL_MACHINE,
    properties: &[
        "name",
        "runtime.powerState",
        "runtime.connectionState",
        "runtime.host",
        "config.uuid",
        "config.instanceUuid",
        "config.template",
        "parent",
        "parentVApp",
    ],
}];

/// How many matches an error lists: a viewer's message box has little space.
const MAX_PATHS_LISTED: usize = 8;

/// How often reading is repeated after a VM was deleted meanwhile.
const MAX_READINGS: usize = 3;
