//! The properties of inventory objects that clients read on their way to a console.

use super::Inventory;
use crate::certificate::HOST_NAME;
use crate::inventory::vm::Vm;
use crate::kind::Kind;
use crate::placement::Placement;
use crate::power::Power;
use crate::vim25::value::{Fields, MoRef, Value};

/// The id of the host for [`Placement::OtherHost`], which is like the first one and in no cluster.
const OTHER_HOST: &str = "host-11";

impl Inventory {
    /// An object with all its properties; `None` if it does not exist.
    pub(crate) fn entity(&self, object: &MoRef) -> Option<Value> {
        if let Some(vm) = self.vm(object) {
            return Some(Value::Data("VirtualMachine", self.vm_properties(vm)));
        }
        let (kind, fields) = match object.kind.as_str() {
            "Folder" => ("Folder", self.folder_properties(&object.id)?),
            "Datacenter" if object.id == self.ids.datacenter => ("Datacenter", self.datacenter()),
            "HostSystem" if [self.ids.host, OTHER_HOST].contains(&object.id.as_str()) => {
                ("HostSystem", self.host())
            }
            "ResourcePool" if object.id == self.ids.pool => ("ResourcePool", self.pool()),
            kind if kind == self.compute_kind() && object.id == self.ids.compute => {
                (self.compute_kind(), self.compute())
            }
            _ => return None,
        };
        Some(Value::Data(kind, fields))
    }

    fn folder_properties(&self, id: &str) -> Option<Fields> {
        let ids = self.ids;
        let own = self.folders.iter().find(|folder| folder.id == id);
        let (name, parent) = match own {
            Some(folder) => (
                folder.name.as_str(),
                Some(MoRef::new("Folder", folder.parent.as_str())),
            ),
            None if id == ids.root => (root_name(self.kind), None),
            None if id == ids.vm_folder => ("vm", Some(MoRef::new("Datacenter", ids.datacenter))),
            None if id == ids.host_folder => {
                ("host", Some(MoRef::new("Datacenter", ids.datacenter)))
            }
            None => return None,
        };
        let mut fields = named(name, parent);
        fields.push((
            "childEntity",
            Value::Refs(self.children(&MoRef::new("Folder", id))),
        ));
        Some(fields)
    }

    fn datacenter(&self) -> Fields {
        let ids = self.ids;
        let mut fields = named(ids.datacenter_name, Some(self.root()));
        fields.push(("vmFolder", Value::Ref(MoRef::new("Folder", ids.vm_folder))));
        fields.push((
            "hostFolder",
            Value::Ref(MoRef::new("Folder", ids.host_folder)),
        ));
        fields
    }

    fn compute(&self) -> Fields {
        let ids = self.ids;
        let mut fields = named(HOST_NAME, Some(MoRef::new("Folder", ids.host_folder)));
        fields.push((
            "host",
            Value::Refs(vec![MoRef::new("HostSystem", ids.host)]),
        ));
        fields.push((
            "resourcePool",
            Value::Ref(MoRef::new("ResourcePool", ids.pool)),
        ));
        fields
    }

    fn host(&self) -> Fields {
        let compute = MoRef::new(self.compute_kind(), self.ids.compute);
        let runtime = vec![
            (
                "connectionState",
                Value::Word("HostSystemConnectionState", "connected"),
            ),
            (
                "powerState",
                Value::Word("HostSystemPowerState", "poweredOn"),
            ),
        ];
        let mut fields = named(HOST_NAME, Some(compute));
        fields.push(("vm", self.all_vms()));
        fields.push(("runtime", Value::Data("HostRuntimeInfo", runtime)));
        fields
    }

    fn pool(&self) -> Fields {
        let compute = MoRef::new(self.compute_kind(), self.ids.compute);
        let mut fields = named("Resources", Some(compute.clone()));
        fields.push(("owner", Value::Ref(compute)));
        fields.push(("vm", self.all_vms()));
        fields
    }

    fn all_vms(&self) -> Value {
        Value::Refs(self.existing().map(|vm| Self::vm_ref(vm)).collect())
    }

    fn vm_properties(&self, vm: &Vm) -> Fields {
        let name = vm.shown_name();
        let identity = |template| {
            vec![
                ("name", Value::text(escaped(&name))),
                ("template", Value::Bool(template)),
                ("uuid", Value::text(vm.uuid.as_str())),
                ("instanceUuid", Value::text(vm.instance_uuid.as_str())),
                ("guestFullName", Value::text("Other (64-bit)")),
            ]
        };
        let runtime = self.vm_runtime(vm);
        let summary = vec![
            ("vm", Value::Ref(Self::vm_ref(vm))),
            ("runtime", runtime.clone()),
            (
                "config",
                Value::Data("VirtualMachineConfigSummary", identity(false)),
            ),
            ("overallStatus", Value::Word("ManagedEntityStatus", "green")),
        ];
        let mut fields = named(&name, Some(MoRef::new("Folder", self.parent_of_vm(vm))));
        fields.push(("runtime", runtime));
        fields.push((
            "config",
            Value::Data("VirtualMachineConfigInfo", identity(false)),
        ));
        fields.push(("summary", Value::Data("VirtualMachineSummary", summary)));
        fields.push((
            "resourcePool",
            Value::Ref(MoRef::new("ResourcePool", self.ids.pool)),
        ));
        fields.push(("guest", Value::Data("GuestInfo", guest(vm))));
        fields.push(("overallStatus", Value::Word("ManagedEntityStatus", "green")));
        fields
    }

    fn vm_runtime(&self, vm: &Vm) -> Value {
        let state = |kind, word| Value::Word(kind, word);
        let (host, connection) = match vm.placement() {
            Placement::OtherHost => (OTHER_HOST, "connected"),
            Placement::LostHost => (self.ids.host, "disconnected"),
            Placement::FirstHost | Placement::Deleted => (self.ids.host, "connected"),
        };
        let mut fields = vec![
            ("host", Value::Ref(MoRef::new("HostSystem", host))),
            (
                "connectionState",
                state("VirtualMachineConnectionState", connection),
            ),
            (
                "powerState",
                state("VirtualMachinePowerState", vm.power().word()),
            ),
        ];
        let consoles = i32::try_from(vm.connections.list().len()).unwrap_or(i32::MAX);
        fields.push(("numMksConnections", Value::Int(consoles)));
        Value::Data("VirtualMachineRuntimeInfo", fields)
    }
}

/// What VMware Tools report.
fn guest(vm: &Vm) -> Fields {
    let told = |value: &Option<String>| value.clone().filter(|_| vm.power() == Power::On);
    let host_name = told(&vm.guest_host_name).map(|name| ("hostName", Value::Text(name)));
    let address = told(&vm.guest_address).map(|address| ("ipAddress", Value::Text(address)));
    host_name.into_iter().chain(address).collect()
}

fn root_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Esxi => "ha-folder-root",
        Kind::VCenter => "Datacenters",
    }
}

fn named(name: &str, parent: Option<MoRef>) -> Fields {
    let mut fields = vec![("name", Value::text(escaped(name)))];
    fields.extend(parent.map(|parent| ("parent", Value::Ref(parent))));
    fields
}

/// A name as vSphere stores it: `%`, `/` and `\` are escaped.
fn escaped(name: &str) -> String {
    name.replace('%', "%25")
        .replace('/', "%2f")
        .replace('\\', "%5c")
}
