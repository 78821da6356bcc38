//! Changes of a VM's power, and the privileges that they take (vim25, `VirtualMachine`).

/// What [`crate::Client::power`] does with a VM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PowerAction {
    /// Switches it on, or resumes it.
    On,
    /// Switches it off without asking its guest.
    Off,
    /// Switches it off and on.
    Reset,
    /// Asks its guest to shut down, which takes VMware Tools.
    ShutDownGuest,
    /// Suspends it to disk.
    Suspend,
}

/// The privilege that [`crate::Client::boot_into_firmware_once`] takes.
pub const FIRMWARE_PRIVILEGE: &str = "VirtualMachine.Config.Settings";

impl PowerAction {
    /// The privilege that it takes on the VM.
    pub const fn privilege(self) -> &'static str {
        match self {
            Self::On => "VirtualMachine.Interact.PowerOn",
            Self::Off | Self::ShutDownGuest => "VirtualMachine.Interact.PowerOff",
            Self::Reset => "VirtualMachine.Interact.Reset",
            Self::Suspend => "VirtualMachine.Interact.Suspend",
        }
    }

    pub(crate) const fn method(self) -> &'static str {
        match self {
            Self::On => "PowerOnVM_Task",
            Self::Off => "PowerOffVM_Task",
            Self::Reset => "ResetVM_Task",
            Self::ShutDownGuest => "ShutdownGuest",
            Self::Suspend => "SuspendVM_Task",
        }
    }

    /// As in "it cannot be …".
    pub(crate) const fn participle(self) -> &'static str {
        match self {
            Self::On => "switched on",
            Self::Off => "switched off",
            Self::Reset => "reset",
            Self::ShutDownGuest => "shut down",
            Self::Suspend => "suspended",
        }
    }
}
