//! The product that a simulated host is.

/// Which product answers on `/sdk`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A standalone ESXi: `ha-*` ids, VMs with plain integers, apiType `HostAgent`.
    Esxi,
    /// A vCenter with one datacenter, one cluster and one host: `group-d1`, `vm-NN`, apiType `VirtualCenter`.
    VCenter,
}
