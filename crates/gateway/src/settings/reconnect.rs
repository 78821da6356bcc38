//! What happens while a VM has no console.

use std::time::Duration;

/// What happens to a viewer whose VM has no console. It applies to consoles of VMs whose RFB is translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reconnect {
    /// How long a console is waited for while its viewer stays connected; zero: the session ends with its console.
    pub reconnect_for: Duration,
    /// A viewer that connects while its VM is off, or its host does not respond, waits too. Otherwise it is refused.
    pub wait: bool,
    /// Enter powers on a VM that is off, where the viewer may control it and the account in vSphere has the privilege.
    pub ask_power_on: bool,
}

impl Reconnect {
    /// Whether consoles are waited for.
    pub const fn is_on(&self) -> bool {
        !self.reconnect_for.is_zero()
    }
}
