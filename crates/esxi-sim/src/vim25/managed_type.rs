//! The types of managed objects.

/// Whether managed object type `kind` is or extends `wanted`.
pub(crate) fn is_a(kind: &str, wanted: &str) -> bool {
    kind == wanted
        || (wanted == "ManagedEntity" && ENTITIES.contains(&kind))
        || (wanted == "ComputeResource" && kind == "ClusterComputeResource")
        || (wanted == "View" && kind == "ContainerView")
}

const ENTITIES: &[&str] = &[
    "Folder",
    "Datacenter",
    "ComputeResource",
    "ClusterComputeResource",
    "HostSystem",
    "ResourcePool",
    "VirtualMachine",
];
