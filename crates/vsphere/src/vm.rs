//! A virtual machine's properties.

use crate::{
    runtime_info::{ConnectionState, Power},
    uuid::Uuid,
};

/// One VM, as of its last retrieval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vm {
    /// The managed object id: `vm-42` on vCenter, a plain number on ESXi.
    pub moref: String,
    /// The name, with the API's escapes `%2f`, `%5c` and `%25` decoded.
    pub name: String,
    /// Whether it runs.
    pub power: Power,
    /// Whether vCenter or the host can manage it.
    pub connection: ConnectionState,
    /// The name of the host that it is on; `None` when it was not requested, or the account may not see it.
    pub host: Option<String>,
    /// The managed object id of that host.
    pub host_moref: Option<String>,
    /// The inventory path (`/DC/vm/folder/name`), names escaped as the API does. Only [`crate::Client::find`] and
    /// [`crate::Client::vms`] request it, since a console does not need it.
    pub path: Option<String>,
    /// The BIOS UUID; absent while the VM's configuration cannot be read.
    pub uuid: Option<Uuid>,
    /// The instance UUID; absent while the VM's configuration cannot be read.
    pub instance_uuid: Option<Uuid>,
}
