//! Where a VM is, and whether its host can be reached.

/// Where a VM is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// On the host that it was created on.
    FirstHost,
    /// On the other host, as after vMotion. Its console is at the same address.
    OtherHost,
    /// Its host does not respond, so its `connectionState` is `disconnected`; the rest of its state stays as it was.
    LostHost,
    /// Deleted or unregistered: it is in no folder, and calls on it fail with ManagedObjectNotFound.
    Deleted,
}
