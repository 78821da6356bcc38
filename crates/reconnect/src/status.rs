//! What happened to a console and what is waited for, as a line for its viewer.

use std::time::Duration;

use crate::vm_change::VmChange;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The console's host closed it, and nothing is known of the VM yet.
    Closed,
    /// The connection to the console broke, and nothing is known of the VM yet.
    Broken,
    /// The VM is on, and its console is being opened.
    Opening,
    /// What became of the VM.
    Vm(VmChange),
    /// The VM is off, and Enter powers it on.
    PressEnter,
    /// The VM is being powered on.
    PoweringOn,
    /// The last attempt failed: cause and remedy, as [`console::Error::for_viewer`] has them.
    Failed(&'static str),
}

impl Status {
    /// Whether Enter is waited for.
    pub(crate) const fn offers_power_on(self) -> bool {
        matches!(self, Self::PressEnter)
    }

    /// The line, with the minutes and seconds since the loss. `vm` is the console's name.
    pub fn line(self, vm: &str, since: Duration) -> String {
        let seconds = since.as_secs();
        let clock = format!("{}:{:02}", seconds / 60, seconds % 60);
        let text = match self {
            Self::Closed => format!("{vm} has closed its console; waiting for it"),
            Self::Broken => format!("the connection to {vm} broke; connecting again"),
            Self::Opening => format!("{vm} is on; opening its console"),
            Self::Vm(change) => of_vm(vm, change),
            Self::PressEnter => format!("{vm} is off; press Enter to power it on"),
            Self::PoweringOn => format!("{vm} is being powered on"),
            Self::Failed(why) => {
                let cause = why.split_once(": ").map_or(why, |(cause, _)| cause);
                format!("{vm}: {cause}; trying again")
            }
        };
        format!("{text}... {clock}")
    }
}

fn of_vm(vm: &str, change: VmChange) -> String {
    match change {
        VmChange::PoweredOff => format!("{vm} is powered off; waiting until it is on"),
        VmChange::Suspended => format!("{vm} is suspended; waiting until it is on"),
        VmChange::Moved => format!("{vm} has moved to another host; connecting again"),
        VmChange::Deleted => format!("{vm} was deleted"),
        VmChange::HostDisconnected => format!("the host of {vm} does not respond; waiting for it"),
        VmChange::Inaccessible(state) => format!("{vm} is {state}; waiting for it"),
        VmChange::None => format!("{vm} is on; waiting for its console"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_happened_what_is_waited_for_and_since_when() {
        let after = |seconds| Duration::from_secs(seconds);
        assert_eq!(
            Status::Vm(VmChange::PoweredOff).line("vm08", after(7)),
            "vm08 is powered off; waiting until it is on... 0:07"
        );
        let failed = Status::Failed("the console's host cannot be reached: try again later");
        assert_eq!(
            failed.line("vm08", after(125)),
            "vm08: the console's host cannot be reached; trying again... 2:05"
        );
    }
}
