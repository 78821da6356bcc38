//! The states in a VM's `VirtualMachineRuntimeInfo`.

use std::fmt;

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
    /// The host is connected and has the VM.
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
