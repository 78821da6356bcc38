//! The gateway's settings: ports, consoles, authentication and limits. The reader of the configuration has validated them.

mod admin;
pub(crate) mod auth;
pub(crate) mod limits;
mod reconnect;
mod rights;
mod warnings;
mod web;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use console::settings::{Backend, VSphere};
use ipnet::IpNet;
use vsphere::{Vm, VmRef};

pub use admin::Admin;
pub use auth::{Auth, CertificateFile, METHODS, NO_AUTH};
pub use limits::Limits;
pub use reconnect::Reconnect;
pub use rights::unmatched_rights;
pub use web::Web;

use dialect::InputSettings;
use logins::rights::{ConsoleNames, VmNames};

/// All settings.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[gateway]`.
    pub gateway: Limits,
    /// `[admin]`.
    pub admin: Option<Admin>,
    /// `[web]`.
    pub web: Option<Web>,
    /// `[vsphere.NAME]`, by name.
    pub vspheres: BTreeMap<String, VSphere>,
    /// `[[console]]`, in the order of the file.
    pub consoles: Vec<ConsoleSettings>,
}

/// One `[[console]]`: a port and the console behind it.
#[derive(Debug, Clone)]
pub struct ConsoleSettings {
    /// The address that viewers connect to.
    pub listen: SocketAddr,
    /// The VM or URL that the port leads to.
    pub backend: Backend,
    /// How viewers log in.
    pub auth: Auth,
    /// The networks that viewers may connect from; empty: any.
    pub allow: Vec<IpNet>,
    /// Input events and clipboards of viewers are dropped.
    pub view_only: bool,
    /// Whether a viewer's ClientInit may disconnect the others (RFC 6143 section 7.3.1).
    pub exclusive: bool,
    /// How keys and clipboards are treated; `None` where RFB passes unchanged.
    pub input_settings: Option<InputSettings>,
    /// What happens while the VM has no console; `None`: what [`Limits::reconnect`] says.
    pub reconnect: Option<Reconnect>,
}

impl ConsoleSettings {
    /// A VM's console with default settings.
    pub fn new(listen: SocketAddr, vsphere: impl Into<String>, vm: VmRef, auth: Auth) -> Self {
        let backend = Backend::Vm {
            vsphere: vsphere.into(),
            vm,
            password: None,
        };
        Self::with_defaults(backend, listen, auth)
    }

    /// A console with default settings. Only ESXi needs the dialect, so it is off for URLs.
    pub fn with_defaults(backend: Backend, listen: SocketAddr, auth: Auth) -> Self {
        let is_vm = matches!(backend, Backend::Vm { .. });
        Self {
            listen,
            backend,
            auth,
            allow: Vec::new(),
            view_only: false,
            exclusive: false,
            input_settings: is_vm.then(InputSettings::default),
            reconnect: None,
        }
    }

    /// Its names, in the configuration and, where it was looked up, at its vSphere.
    pub(crate) fn names<'a>(&'a self, configured: &'a str, vm: Option<&'a Vm>) -> ConsoleNames<'a> {
        let vsphere = match &self.backend {
            Backend::Vm { vsphere, .. } => Some(vsphere.as_str()),
            Backend::Url(_) => None,
        };
        ConsoleNames {
            vsphere,
            configured,
            vm: vm.map(VmNames::from),
        }
    }

    /// Identifies the console until its VM is looked up: the VM's configured name, or the port of a URL.
    pub fn key(&self) -> (String, String) {
        let lead = match &self.backend {
            Backend::Vm { vsphere, .. } => vsphere.clone(),
            Backend::Url(_) => self.listen.to_string(),
        };
        (lead, self.backend.to_string())
    }
}
