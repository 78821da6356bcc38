//! What a VNC viewer shows of an error: short, without accounts and addresses, which only the log has.

use crate::error::Error;
use crate::runtime_info::Power;

impl Error {
    /// The error for the user of a viewer: at most 69 characters, cause and remedy, without names, addresses and
    /// fingerprints.
    pub const fn for_viewer(&self) -> &'static str {
        match self {
            Self::Settings { .. } => "the gateway cannot use this vSphere: ask the administrator",
            Self::Unreachable { .. } => "vSphere cannot be reached: try again later",
            Self::Proxy { .. } => "the proxy cannot connect to vSphere: try again later",
            Self::Closed { .. } => "vSphere closed the connection: try again later",
            Self::Timeout { .. } => "vSphere did not answer in time: try again later",
            Self::Certificate { .. } => {
                "the certificate of vSphere is not trusted: ask the administrator"
            }
            Self::Tls { .. } => "no TLS connection to vSphere: ask the administrator",
            Self::InvalidLogin { .. } | Self::RefusedBefore { .. } => {
                "vSphere refuses the gateway's login: ask the administrator"
            }
            Self::PasswordNeeded { .. } => {
                "the gateway has no password for vSphere: ask the administrator"
            }
            Self::NotAuthenticated { .. } => {
                "vSphere ends the gateway's sessions: ask the administrator"
            }
            Self::NoPermission { .. } => {
                "the gateway lacks a privilege on this VM: ask the administrator"
            }
            Self::NoSuchVm { .. } => "vSphere has no such VM: ask the administrator",
            Self::AmbiguousName { .. } => "several VMs have this name: ask the administrator",
            Self::InvalidPowerState { state, .. } => power_state(*state),
            Self::InvalidState { .. } => "the VM has no console now: check that it is powered on",
            Self::ConnectionLimit { .. } => {
                "all console connections of the VM are in use: close one"
            }
            Self::HostDisconnected { .. } => {
                "vCenter has no connection to the VM's host: try again later"
            }
            Self::Busy { .. } => "the VM is busy with another task: try again later",
            Self::CannotChangePower { .. } | Self::NoGuestTools { .. } => {
                "the VM's power cannot be changed: check its power state"
            }
            Self::StillRunning { .. } => "the VM's power is still being changed: try again later",
            Self::NoScreen { .. }
            | Self::NotWritten { .. }
            | Self::NotFetched { .. }
            | Self::NoFile { .. } => "no picture of the VM can be taken: ask the administrator",
            Self::Licence { .. } => "the host's licence forbids consoles: ask the administrator",
            Self::NotSupported { .. } => {
                "this vSphere does not offer consoles: ask the administrator"
            }
            Self::NotAVsphere { .. } => {
                "another server answers in place of vSphere: ask the administrator"
            }
            Self::Http { .. } => "vSphere answers with an HTTP error: try again later",
            Self::TooLarge { .. } | Self::Malformed { .. } => {
                "an answer of vSphere cannot be read: ask the administrator"
            }
            Self::Fault { .. } => "vSphere reports a fault: try again later",
        }
    }
}

const fn power_state(state: Option<Power>) -> &'static str {
    match state {
        Some(Power::Off) => "the VM is powered off: switch it on",
        Some(Power::Suspended) => "the VM is suspended: resume it",
        Some(Power::On) => "the VM is changing its power state: try again",
        None => "the VM is not powered on: switch it on",
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use super::*;

    const LONG: &str = "svc-mksgate@vsphere.local.example-with-a-very-long-name.vcenter.example:8443 sha256:aabbccdd";

    /// A list with one error per variant; a variant without an entry does not compile.
    macro_rules! each_variant {
        ($($name:ident { $($field:ident: $value:expr),* $(,)? }),* $(,)?) => {{
            let _complete = |error: &Error| match error {
                $(Error::$name { .. } => {})*
            };
            vec![$(Error::$name { $($field: $value),* }),*]
        }};
    }

    #[rustfmt::skip]
    fn each() -> Vec<Error> {
        let text = || LONG.to_owned();
        let source = || Arc::new(io::Error::other(LONG));
        let tls = || rustls::Error::General(text());
        each_variant![
            Settings { reason: text() },
            Unreachable { address: text(), reason: text(), source: source() },
            Proxy { proxy: text(), address: text(), reason: text(), source: source() },
            Closed { address: text(), when: LONG, source: source() },
            Timeout { address: text() },
            Certificate { address: text(), reason: text(), source: tls() },
            Tls { address: text(), reason: text(), source: tls() },
            InvalidLogin { username: text(), address: text() },
            RefusedBefore { username: text(), address: text() },
            PasswordNeeded { username: text(), address: text() },
            NotAuthenticated { username: text(), address: text() },
            NoPermission { username: text(), privilege: text(), object: text() },
            NoSuchVm { what: text(), username: text() },
            AmbiguousName { name: text(), paths: vec![text(); 9] },
            InvalidPowerState { vm: text(), state: Some(Power::Off) },
            InvalidState { vm: text(), message: text() },
            ConnectionLimit { vm: text(), limit: Some(u32::MAX), holders: vec![text(); 9] },
            HostDisconnected { vm: text(), message: text() },
            Busy { vm: text(), message: text() },
            CannotChangePower { vm: text(), action: crate::PowerAction::On, state: None },
            NoGuestTools { vm: text() },
            StillRunning { vm: text(), action: crate::PowerAction::On },
            NoScreen { address: text(), answered: text() },
            NotWritten { vm: text(), kind: text(), message: text() },
            NotFetched { path: text(), cause: Box::new(Error::Timeout { address: text() }) },
            NoFile { address: text(), answered: text() },
            Licence { address: text(), message: text() },
            NotSupported { address: text(), message: text() },
            NotAVsphere { address: text(), answered: text() },
            Http { address: text(), status: u16::MAX },
            TooLarge { address: text(), limit: usize::MAX },
            Malformed { address: text(), reason: text() },
            Fault { address: text(), kind: text(), message: text() },
        ]
    }

    #[test]
    fn every_error_has_a_short_text_without_names_for_viewers() {
        let states = [None, Some(Power::On), Some(Power::Suspended)];
        let states = states.map(|state| Error::InvalidPowerState {
            vm: LONG.into(),
            state,
        });
        for error in each().into_iter().chain(states) {
            let text = error.for_viewer();
            assert!((20..=69).contains(&text.len()), "{} {text}", text.len());
            for part in ["svc-", "example", "8443", "sha256", "aabb"] {
                assert!(!text.contains(part), "{text}");
            }
        }
    }
}
