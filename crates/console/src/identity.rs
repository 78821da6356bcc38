//! Which VM it is, however the configuration names it.

use vsphere::{Uuid, Vm};

/// A VM of a vSphere. It is the same as long as its instance UUID is, which vCenter keeps unique.
#[derive(Debug, Clone)]
pub struct VmIdentity {
    /// The name of the vSphere in the configuration.
    pub vsphere: String,
    /// The managed object id. A VM that is registered anew gets another.
    pub moref: String,
    /// Absent while the VM's configuration cannot be read.
    pub instance_uuid: Option<Uuid>,
}

impl VmIdentity {
    /// Of a VM that was looked up.
    pub fn new(vsphere: &str, vm: &Vm) -> Self {
        Self {
            vsphere: vsphere.to_owned(),
            moref: vm.moref.clone(),
            instance_uuid: vm.instance_uuid,
        }
    }

    /// Whether the two are one VM. Where one of them has no instance UUID, the managed object id decides.
    pub fn is(&self, other: &Self) -> bool {
        let same = match (self.instance_uuid, other.instance_uuid) {
            (Some(own), Some(other)) => own == other,
            _ => self.moref == other.moref,
        };
        same && self.vsphere == other.vsphere
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vm_is_its_vsphere_and_its_instance_uuid() {
        let uuid = |last: char| {
            format!("564d1c4e-0b02-6e1a-3f5c-0d5c0b1a2f3{last}")
                .parse()
                .ok()
        };
        let vm = |vsphere: &str, moref: &str, instance_uuid| VmIdentity {
            vsphere: vsphere.into(),
            moref: moref.into(),
            instance_uuid,
        };
        let own = vm("lab", "vm-1", uuid('a'));
        for (other, same) in [
            (vm("lab", "vm-1", uuid('a')), true),
            (vm("lab", "vm-2", uuid('a')), true),
            (vm("lab", "vm-1", uuid('b')), false),
            (vm("lab", "vm-1", None), true),
            (vm("lab", "vm-2", None), false),
            (vm("other", "vm-1", uuid('a')), false),
        ] {
            assert_eq!((own.is(&other), other.is(&own)), (same, same), "{other:?}");
        }
    }
}
