//! The codes of this crate's errors, for scripts.

use crate::error::Error;
use crate::runtime_info::Power;

impl Error {
    /// The code of this error, which stays the same when the sentence is reworded. docs/commands.md lists all codes.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Settings { .. } => "vsphere-settings",
            Self::Unreachable { .. } => "vsphere-unreachable",
            Self::Proxy { .. } => "proxy-failed",
            Self::Closed { .. } => "vsphere-closed",
            Self::Timeout { .. } => "vsphere-timeout",
            Self::Certificate { .. } => "vsphere-untrusted",
            Self::Tls { .. } => "vsphere-tls",
            Self::InvalidLogin { .. } | Self::RefusedBefore { .. } => "login-refused",
            Self::PasswordNeeded { .. } => "password-needed",
            Self::NotAuthenticated { .. } => "session-refused",
            Self::NoPermission { .. } => "no-permission",
            Self::NoSuchVm { .. } => "no-such-vm",
            Self::AmbiguousName { .. } => "vm-ambiguous",
            Self::InvalidPowerState { state, .. } => of_power_state(*state),
            Self::InvalidState { .. } => "vm-invalid-state",
            Self::ConnectionLimit { .. } => "vm-consoles-in-use",
            Self::HostDisconnected { .. } => "host-disconnected",
            Self::Busy { .. } => "vm-busy",
            Self::CannotChangePower { .. } => "vm-power-state",
            Self::NoGuestTools { .. } => "no-guest-tools",
            Self::StillRunning { .. } => "vm-task-running",
            Self::NoScreen { .. } => "no-screen",
            Self::NotWritten { .. } => "screenshot-not-written",
            Self::NotFetched { .. } | Self::NoFile { .. } => "screenshot-not-fetched",
            Self::Licence { .. } => "licence",
            Self::NotSupported { .. } => "not-supported",
            Self::NotAVsphere { .. } => "not-a-vsphere",
            Self::Http { .. } => "vsphere-http-status",
            Self::TooLarge { .. } | Self::Malformed { .. } => "vsphere-invalid-answer",
            Self::Fault { .. } => "vsphere-fault",
        }
    }
}

/// A VM whose state the server did not report is off or suspended; which of them makes no difference to its console.
const fn of_power_state(state: Option<Power>) -> &'static str {
    match state {
        Some(Power::Suspended) => "vm-suspended",
        Some(Power::On) => "vm-invalid-state",
        Some(Power::Off) | None => "vm-powered-off",
    }
}
