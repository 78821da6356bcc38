//! A virtual machine's properties.

use std::fmt;

use crate::uuid::Uuid;

/// One VM, as of its last retrieval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vm {
    /// The managed object id: `vm-42` on vCenter, a plain number on ESXi.
    pub moref: String,
    /// The name, with the API's escapes `%2f`, `%5c` and `%25` decoded.
    pub name: String,
    /// Whether it runs.
    pub power: Power,
    /// Whether its host can do anything with it.
    pub connection: ConnectionState,
    /// The name of the host that it is on; `None` when that was not asked for or may not be seen.
    pub host: Option<String>,
    /// The managed object id of that host.
    pub host_moref: Option<String>,
    /// The inventory path (`/DC/vm/folder/name`), names escaped as the API does. Only [`crate::Client::find`] and
    /// [`crate::Client::vms`] ask for it, since a console does not need it.
    pub path: Option<String>,
    /// The BIOS UUID; absent while the VM's configuration cannot be read.
    pub uuid: Option<Uuid>,
    /// The instance UUID; absent while the VM's configuration cannot be read.
    pub instance_uuid: Option<Uuid>,
}

/// `VirtualMachinePowerState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Power {
    /// It runs; the only state with a console.
    On,
    /// It does not.
    Off,
    /// It was suspended to disk.
    Suspended,
}

impl Power {
    /// Reads the API's word; an unknown one is `None`.
    pub(crate) fn from_api(word: &str) -> Option<Self> {
        match word {
            "poweredOn" => Some(Self::On),
            "poweredOff" => Some(Self::Off),
            "suspended" => Some(Self::Suspended),
            _ => None,
        }
    }
}

impl fmt::Display for Power {
    /// The API's own word, as in `poweredOn`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::On => "poweredOn",
            Self::Off => "poweredOff",
            Self::Suspended => "suspended",
        })
    }
}

/// `VirtualMachineConnectionState`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectionState {
    /// The host is there and has the VM.
    Connected,
    /// vCenter has lost the host.
    Disconnected,
    /// The host has lost the VM.
    Orphaned,
    /// The VM's files cannot be read.
    Inaccessible,
    /// The VM's files are not those of a VM.
    Invalid,
}

impl ConnectionState {
    /// Reads the API's word; an unknown one is `None`.
    pub(crate) fn from_api(word: &str) -> Option<Self> {
        match word {
            "connected" => Some(Self::Connected),
            "disconnected" => Some(Self::Disconnected),
            "orphaned" => Some(Self::Orphaned),
            "inaccessible" => Some(Self::Inaccessible),
            "invalid" => Some(Self::Invalid),
            _ => None,
        }
    }
}

impl fmt::Display for ConnectionState {
    /// The API's own word, as in `connected`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connected => "connected",
            Self::Disconnected => "disconnected",
            Self::Orphaned => "orphaned",
            Self::Inaccessible => "inaccessible",
            Self::Invalid => "invalid",
        })
    }
}

/// Undoes the API's escapes in an entity's name: `%2f` is a slash, `%5c` a backslash, `%25` a percent sign (vim25,
/// `ManagedEntity.name`). Any other percent sign stands for itself.
pub(crate) fn unescape_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let escape = after.get(..2).unwrap_or_default();
        let (character, skip) = match escape {
            "2f" | "2F" => ('/', 2),
            "5c" | "5C" => ('\\', 2),
            "25" => ('%', 2),
            _ => ('%', 0),
        };
        out.push(character);
        rest = after.get(skip..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_the_apis_escapes_and_nothing_else() {
        for (api, shown) in [
            ("plain", "plain"),
            ("a%2fb%2Fc", "a/b/c"),
            ("a%5cb", "a\\b"),
            ("100%25", "100%"),
            ("%252f", "%2f"),
            ("50% off%", "50% off%"),
            ("%ü", "%ü"),
        ] {
            assert_eq!(unescape_name(api), shown, "{api:?}");
        }
    }
}
