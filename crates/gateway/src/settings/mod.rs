//! What the gateway is told to be: ports, consoles, ways in and limits, checked by whoever has read them.

mod admin;
pub(crate) mod auth;
mod doubts;
pub(crate) mod limits;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use console::settings::{Behind, VSphere};
use ipnet::IpNet;
use vsphere::{Vm, VmRef};

pub use admin::Admin;
pub use auth::{Auth, NO_AUTH, STRONGEST_FIRST};
pub use limits::Limits;

use crate::login::rights::Named;
use dialect::Habits;

/// Everything the gateway needs to know, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[gateway]`.
    pub gateway: Limits,
    /// `[admin]`: where metrics and health are served.
    pub admin: Option<Admin>,
    /// `[vsphere.NAME]`, by name.
    pub vspheres: BTreeMap<String, VSphere>,
    /// `[[console]]`, in the file's order.
    pub consoles: Vec<Console>,
}

/// One port and the console behind it.
#[derive(Debug, Clone)]
pub struct Console {
    /// Where viewers connect.
    pub listen: SocketAddr,
    /// What viewers get to see.
    pub behind: Behind,
    /// Who may.
    pub auth: Auth,
    /// From where; empty where that does not matter.
    pub allow: Vec<IpNet>,
    /// Keys, pointer and clipboard go nowhere.
    pub view_only: bool,
    /// Whether a viewer that asks for the console alone gets it.
    pub exclusive: bool,
    /// How keys and clipboards are treated; `None` where RFB is to pass as it is, whatever comes of it.
    pub habits: Option<Habits>,
}

impl Console {
    /// A console with every default.
    pub fn new(listen: SocketAddr, vsphere: impl Into<String>, vm: VmRef, auth: Auth) -> Self {
        let behind = Behind::Vm {
            vsphere: vsphere.into(),
            vm,
            password: None,
        };
        Self::leading_to(behind, listen, auth)
    }

    /// Likewise, whatever is behind it. What ESXi needs repaired, nobody else does.
    pub fn leading_to(behind: Behind, listen: SocketAddr, auth: Auth) -> Self {
        let is_vm = matches!(behind, Behind::Vm { .. });
        Self {
            listen,
            behind,
            auth,
            allow: Vec::new(),
            view_only: false,
            exclusive: false,
            habits: is_vm.then(Habits::default),
        }
    }

    /// What it is called: by the configuration, and where it was looked up, by its vSphere.
    pub(crate) fn named<'a>(&'a self, configured: &'a str, vm: Option<&'a Vm>) -> Named<'a> {
        let vsphere = match &self.behind {
            Behind::Vm { vsphere, .. } => Some(vsphere.as_str()),
            Behind::Url(_) => None,
        };
        Named {
            vsphere,
            configured,
            vm,
        }
    }

    /// What counts as the same console until it is looked up: a VM as it is named, or a port that leads to a URL.
    pub fn key(&self) -> (String, String) {
        let lead = match &self.behind {
            Behind::Vm { vsphere, .. } => vsphere.clone(),
            Behind::Url(_) => self.listen.to_string(),
        };
        (lead, self.behind.to_string())
    }
}

impl Config {
    /// One vSphere and no console.
    pub fn of_one(name: &str, vsphere: VSphere) -> Self {
        let vspheres = BTreeMap::from([(name.to_owned(), vsphere)]);
        Self {
            gateway: Limits::default(),
            admin: None,
            vspheres,
            consoles: Vec::new(),
        }
    }
}
