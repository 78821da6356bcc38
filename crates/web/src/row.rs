//! One console of the list: a VM, or a port whose VM is not known.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use console::printable::printable;
use gateway::{Console, ConsoleNames, User, VmNames};
use ipnet::IpNet;
use logins::source::is_in;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use vsphere::{Power, Vm};

/// What a row is about. Its text is the path of its page.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Key {
    /// A VM of a vSphere, by its managed object id.
    Vm(String, String),
    /// A console port: at a URL, or for a VM that the vSphere has not listed.
    Port(SocketAddr),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vm(vsphere, moref) => {
                let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
                write!(
                    f,
                    "vm/{}/{}",
                    encoded(vsphere.as_str()),
                    encoded(moref.as_str())
                )
            }
            Self::Port(listen) => write!(f, "port/{listen}"),
        }
    }
}

/// A console as the list shows it. Its JSON is what scripts show of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Row {
    #[serde(skip)]
    pub(crate) key: Key,
    /// The path of its page, relative to the root.
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) power: PowerState,
    pub(crate) power_text: &'static str,
    /// The host that it runs on; empty where it is not known, as the rest.
    pub(crate) host: String,
    /// The guest's operating system.
    pub(crate) guest: String,
    /// The guest's name and address.
    pub(crate) address: String,
    /// The native ports.
    pub(crate) ports: String,
    /// Who is on it.
    pub(crate) viewers: String,
    /// The folder in the inventory.
    #[serde(skip)]
    pub(crate) folder: String,
    #[serde(skip)]
    pub(crate) vsphere: Option<String>,
    /// Its consoles in the configuration.
    #[serde(skip)]
    pub(crate) consoles: Vec<Port>,
    #[serde(skip)]
    pub(crate) vm: Option<Vm>,
    /// The texts that are searched, in lower case.
    #[serde(skip)]
    search: String,
}

/// A native port.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Port {
    /// As configured.
    pub(crate) listen: SocketAddr,
    /// As bound.
    pub(crate) address: SocketAddr,
    pub(crate) name: String,
    pub(crate) methods: Vec<&'static str>,
    /// Nobody may do more there than watch.
    pub(crate) view_only: bool,
    /// The networks that viewers may connect from; empty: any.
    pub(crate) allow: Vec<IpNet>,
}

/// Whether a VM runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PowerState {
    On,
    Off,
    Suspended,
    Unknown,
}

impl PowerState {
    const fn text(self) -> &'static str {
        match self {
            Self::On => "On",
            Self::Off => "Off",
            Self::Suspended => "Suspended",
            Self::Unknown => "Unknown",
        }
    }

    /// As in classes of the stylesheet.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Suspended => "suspended",
            Self::Unknown => "unknown",
        }
    }
}

impl From<Option<Power>> for PowerState {
    fn from(power: Option<Power>) -> Self {
        match power {
            Some(Power::On) => Self::On,
            Some(Power::Off) => Self::Off,
            Some(Power::Suspended) => Self::Suspended,
            _ => Self::Unknown,
        }
    }
}

/// What is known of a VM's guest.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Guest {
    pub(crate) os: Option<String>,
    pub(crate) host_name: Option<String>,
    pub(crate) address: Option<String>,
}

impl Row {
    /// A VM, with the ports that are configured for it.
    pub(crate) fn of_vm(vsphere: &str, vm: &Vm, guest: &Guest, consoles: Vec<Port>) -> Self {
        let folder = vm
            .path
            .as_deref()
            .and_then(|path| Some(path.rsplit_once('/')?.0));
        let guest_names = [&guest.host_name, &guest.address];
        let guest_names: Vec<&str> = guest_names
            .into_iter()
            .filter_map(|name| name.as_deref())
            .collect();
        let power = PowerState::from(Some(vm.power));
        let mut row = Self::new(
            Key::Vm(vsphere.to_owned(), vm.moref.clone()),
            &vm.name,
            power,
        );
        // Whoever may rename a VM or a folder, or is in the guest, writes these.
        row.host = printable(vm.host.as_deref().unwrap_or_default());
        row.guest = printable(guest.os.as_deref().unwrap_or_default());
        row.address = printable(&guest_names.join(" · "));
        row.folder = printable(folder.unwrap_or_default());
        row.vsphere = Some(vsphere.to_owned());
        row.vm = Some(vm.clone());
        row.with_consoles(consoles)
    }

    /// A console whose VM is not known.
    pub(crate) fn of_port(console: &Console) -> Self {
        let key = Key::Port(console.listen);
        let mut row = Self::new(key, &console.name, PowerState::Unknown);
        row.vsphere = vsphere_of(console).map(str::to_owned);
        row.with_consoles(vec![Port::of(console)])
    }

    fn new(key: Key, name: &str, power: PowerState) -> Self {
        Self {
            path: key.to_string(),
            key,
            name: printable(name),
            power,
            power_text: power.text(),
            host: String::new(),
            guest: String::new(),
            address: String::new(),
            ports: String::new(),
            viewers: String::new(),
            folder: String::new(),
            vsphere: None,
            consoles: Vec::new(),
            vm: None,
            search: String::new(),
        }
    }

    fn with_consoles(mut self, consoles: Vec<Port>) -> Self {
        let ports: Vec<String> = consoles
            .iter()
            .map(|port| port.address.port().to_string())
            .collect();
        self.ports = ports.join(", ");
        self.consoles = consoles;
        self.search = [
            &self.name,
            &self.host,
            &self.guest,
            &self.address,
            &self.folder,
            &self.ports,
        ]
        .map(|text| text.to_lowercase())
        .join("\n");
        self
    }

    /// Whether the two are the same for rights.
    pub(crate) fn has_names_of(&self, other: &Self) -> bool {
        let [own, others] = [self, other].map(|row| row.vm.as_ref().map(VmNames::from));
        own == others && self.consoles == other.consoles
    }

    /// Whether the user has the right to it, by any of its names.
    pub(crate) fn is_for(&self, user: &User) -> bool {
        let names = |configured| ConsoleNames {
            vsphere: self.vsphere.as_deref(),
            configured,
            vm: self.vm.as_ref().map(VmNames::from),
        };
        let mut configured = self.consoles.iter().map(|port| port.name.as_str());
        match self.consoles.is_empty() {
            true => user.may_open(names("")),
            false => configured.any(|name| user.may_open(names(name))),
        }
    }

    /// Whether the user may only watch it: by its own rights, or because nobody may do more at its port.
    pub(crate) fn view_only_for(&self, user: &User) -> bool {
        user.view_only || self.port_for(user).is_some_and(|port| port.view_only)
    }

    /// Its first port that the user may open.
    pub(crate) fn port_for(&self, user: &User) -> Option<&Port> {
        self.ports_for(user).next()
    }

    /// Its ports that the user may open.
    pub(crate) fn ports_for<'a>(&'a self, user: &User) -> impl Iterator<Item = &'a Port> {
        let vm = self.vm.as_ref().map(VmNames::from);
        self.consoles.iter().filter(move |port| {
            user.may_open(ConsoleNames {
                vsphere: self.vsphere.as_deref(),
                configured: &port.name,
                vm,
            })
        })
    }

    /// Whether its console, as the page opens it for this user, accepts viewers from this address.
    pub(crate) fn admits(&self, user: &User, from: IpAddr) -> bool {
        let port = self.port_for(user);
        port.is_none_or(|port| port.allow.is_empty() || is_in(&port.allow, from))
    }

    /// The path of the picture of what it shows, if it is on.
    pub(crate) fn picture(&self, has_pictures: bool) -> Option<String> {
        let is_on = has_pictures && self.power == PowerState::On;
        let of_vm = self.path.strip_prefix("vm/").filter(|_| is_on)?;
        Some(format!("picture/{of_vm}"))
    }

    /// Whether each of the words, which are in lower case, is in one of its texts.
    pub(crate) fn has(&self, words: &[String]) -> bool {
        words.iter().all(|word| self.search.contains(word.as_str()))
    }
}

impl Port {
    pub(crate) fn of(console: &Console) -> Self {
        Self {
            listen: console.listen,
            address: console.address,
            name: console.name.clone(),
            methods: console.methods.clone(),
            view_only: console.view_only,
            allow: console.allow.clone(),
        }
    }
}

/// The vSphere of a console; `None`: it is at a URL.
pub(crate) fn vsphere_of(console: &Console) -> Option<&str> {
    match &console.backend {
        console::settings::Backend::Vm { vsphere, .. } => Some(vsphere),
        console::settings::Backend::Url(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_admits_the_networks_of_its_port() {
        let mut row = Row::new(Key::Vm("lab".into(), "5".into()), "vm", PowerState::On);
        let user = User::unrestricted("ada");
        let (inside, outside) = ("10.1.2.3".parse().unwrap(), "192.0.2.1".parse().unwrap());
        assert!(row.admits(&user, inside) && row.admits(&user, outside));
        row.consoles.push(Port {
            listen: "127.0.0.1:5901".parse().unwrap(),
            address: "127.0.0.1:5901".parse().unwrap(),
            name: "vm".into(),
            methods: Vec::new(),
            view_only: false,
            allow: vec!["10.0.0.0/8".parse().unwrap()],
        });
        assert!(row.admits(&user, inside) && !row.admits(&user, outside));
    }

    #[test]
    fn only_a_vm_that_is_on_has_a_picture_in_the_list() {
        let mut row = Row::new(Key::Vm("lab".into(), "vm-5".into()), "vm", PowerState::On);
        assert_eq!(row.picture(true).as_deref(), Some("picture/lab/vm%2D5"));
        assert_eq!(row.picture(false), None);
        row.power = PowerState::Off;
        assert_eq!(row.picture(true), None);
    }
}
