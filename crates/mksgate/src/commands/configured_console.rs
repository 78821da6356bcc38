//! The configured console of a VM.

use console::settings::Backend;
use vsphere::{Vm, VmRef};

/// Whether `backend` refers to the VM `found` of the vSphere `name`.
pub(crate) fn serves_vm(backend: &Backend, name: &str, found: &Vm) -> bool {
    match backend {
        Backend::Vm { vsphere, vm, .. } => vsphere == name && refers_to(vm, found),
        Backend::Url(_) => false,
    }
}

fn refers_to(vm_ref: &VmRef, vm: &Vm) -> bool {
    match vm_ref {
        VmRef::Name(name) => *name == vm.name,
        VmRef::Path(path) => Some(path) == vm.path.as_ref(),
        VmRef::Uuid(uuid) => Some(*uuid) == vm.uuid,
        VmRef::InstanceUuid(uuid) => Some(*uuid) == vm.instance_uuid,
        VmRef::Moref(moref) => *moref == vm.moref,
    }
}
