//! The identity of a VM, independent of how the configuration names it.

use vsphere::{Uuid, Vm};

/// A VM of a vSphere, identified by its instance UUID, which vCenter keeps unique.
#[derive(Debug, Clone)]
pub struct VmIdentity {
    /// The name of the vSphere in the configuration.
    pub vsphere: String,
    /// The managed object id; a VM that is registered again gets a new one.
    pub moref: String,
    /// Absent while the VM's configuration cannot be read.
    pub instance_uuid: Option<Uuid>,
}

impl VmIdentity {
    /// The identity of a VM that was looked up.
    pub fn new(vsphere: &str, vm: &Vm) -> Self {
        Self {
            vsphere: vsphere.to_owned(),
            moref: vm.moref.clone(),
            instance_uuid: vm.instance_uuid,
        }
    }

    /// Whether both are the same VM. Where either has no instance UUID, the managed object ids are compared.
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
    fn identity_is_the_vsphere_and_the_instance_uuid() {
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
