//! The consoles that the page can open.

use std::net::SocketAddr;

use console::settings::Backend;
use ipnet::IpNet;
use vsphere::{Vm, VmRef, canonical_path};

use crate::current::Port;
use logins::rights::VmNames;
use logins::users::User;

/// A console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsoleId {
    /// That of a `[[console]]`, by the address in its `listen`.
    Port(SocketAddr),
    /// That of a VM without a port, with default settings.
    Vm {
        /// The vSphere's name in the configuration.
        vsphere: String,
        /// The VM, with all of its names: what restricts a port that is configured for it holds here, too.
        vm: Box<Vm>,
    },
}

/// What a token stands for: who may open which console.
#[derive(Debug, Clone)]
pub struct ConsoleGrant {
    /// The user, whose rights are checked again when the console is opened.
    pub user: User,
    /// The console.
    pub console: ConsoleId,
    /// Input events and clipboard are dropped, as well as where the user or the console is view-only.
    pub view_only: bool,
}

/// A `[[console]]` as the page shows it.
#[derive(Debug, Clone)]
pub struct Console {
    /// Its name in the configuration.
    pub name: String,
    /// The address in the configuration.
    pub listen: SocketAddr,
    /// The address that is bound.
    pub address: SocketAddr,
    /// The VM or URL.
    pub backend: Backend,
    /// The names of the methods by which viewers log in.
    pub methods: Vec<&'static str>,
    /// Input events and clipboards of all viewers are dropped.
    pub view_only: bool,
    /// The networks that viewers may connect from; empty: any.
    pub allow: Vec<IpNet>,
}

impl Console {
    pub(super) fn of(port: &Port) -> Self {
        let address = port.address;
        let port = &port.entrance;
        let console = &port.console;
        Self {
            name: console.name.clone(),
            listen: port.listen,
            address,
            backend: console.dialer.backend(),
            methods: port.auth.names().collect(),
            view_only: console.view_only,
            allow: port.allow.clone(),
        }
    }

    /// Whether it may be configured for this VM of the vSphere: a name of the VM that is not known may be that one.
    pub(super) fn may_be_of(&self, vsphere: &str, vm: VmNames<'_>) -> bool {
        let Backend::Vm {
            vsphere: own,
            vm: configured,
            ..
        } = &self.backend
        else {
            return false;
        };
        let is_unknown = match configured {
            VmRef::Name(_) | VmRef::Moref(_) => false,
            VmRef::Path(_) => vm.path.is_none(),
            VmRef::Uuid(_) => vm.uuid.is_none(),
            VmRef::InstanceUuid(_) => vm.instance_uuid.is_none(),
        };
        own == vsphere && is_unknown || self.is_of(vsphere, vm)
    }

    /// Whether it is configured for this VM of the vSphere.
    pub fn is_of(&self, vsphere: &str, vm: VmNames<'_>) -> bool {
        let Backend::Vm {
            vsphere: own,
            vm: configured,
            ..
        } = &self.backend
        else {
            return false;
        };
        own == vsphere
            && match configured {
                VmRef::Name(name) => name == vm.name,
                VmRef::Path(path) => vm.path.map(canonical_path) == Some(canonical_path(path)),
                VmRef::Uuid(uuid) => vm.uuid == Some(*uuid),
                VmRef::InstanceUuid(uuid) => vm.instance_uuid == Some(*uuid),
                VmRef::Moref(moref) => moref == vm.moref,
            }
    }
}
