//! What the buttons for the power of a VM do.

use serde::Deserialize;
use vsphere::{FIRMWARE_PRIVILEGE, PowerAction};

/// What the buttons do.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    On,
    Off,
    Reset,
    Shutdown,
    Suspend,
    /// Into the firmware's setup when the VM starts next, once.
    Firmware,
}

impl Action {
    /// In the order of the buttons.
    pub(crate) const ALL: [Self; 6] = [
        Self::On,
        Self::Shutdown,
        Self::Suspend,
        Self::Firmware,
        Self::Reset,
        Self::Off,
    ];

    /// The privilege that the account of the vSphere needs on the VM.
    pub(crate) const fn privilege(self) -> &'static str {
        match self.power() {
            Some(action) => action.privilege(),
            None => FIRMWARE_PRIVILEGE,
        }
    }

    /// `None`: it is no change of the power.
    pub(crate) const fn power(self) -> Option<PowerAction> {
        Some(match self {
            Self::On => PowerAction::On,
            Self::Off => PowerAction::Off,
            Self::Reset => PowerAction::Reset,
            Self::Shutdown => PowerAction::ShutDownGuest,
            Self::Suspend => PowerAction::Suspend,
            Self::Firmware => return None,
        })
    }
}
