//! What a VNC viewer shows of an error: short, without accounts and addresses, which only the log has.

use crate::error::{Blame, Error};

impl Error {
    /// The error for the user of a viewer: at most 69 characters, cause and remedy, without names, addresses and
    /// fingerprints.
    pub const fn for_viewer(&self) -> &'static str {
        match self {
            Self::VSphere(error) => error.for_viewer(),
            Self::ApiCertificate { .. } => {
                "the certificate of vSphere is not trusted: ask the administrator"
            }
            Self::Setup(_) => "the configuration allows no console: ask the administrator",
            Self::Slow {
                blame: Blame::Vcenter,
                ..
            } => "vSphere did not answer in time: try again later",
            Self::Slow { .. } => "the console's host did not answer in time: try again later",
            Self::NoUpdate { .. } => "the console's host sent no picture: connect again",
            Self::KeysUnconfirmed(_) => "the console's host did not confirm the keys",
            Self::Unresolvable { .. } => {
                "the address of the console's host is unknown: ask the administrator"
            }
            Self::HostFull { .. } => "all consoles of this host are in use: try again later",
            Self::Unreachable { .. } => "the console's host cannot be reached: try again later",
            Self::Certificate { .. } => {
                "the host's certificate is not trusted: ask the administrator"
            }
            Self::Tls { .. } => "no TLS connection to the console's host: ask the administrator",
            Self::Upgrade { .. } => "ESXi refused the console: connect again",
            Self::UrlRefused { .. } => {
                "the console's host refused the WebSocket: ask the administrator"
            }
            Self::UrlCommand(_) => "the console's URL cannot be obtained: ask the administrator",
            Self::HostClosed { .. } => "the console's host closed the connection: connect again",
            Self::RfbRefused { .. } => {
                "the console's host refused the VNC login: ask the administrator"
            }
            Self::VmPasswordNeeded { .. } => {
                "the VM's VNC password is not configured: ask the administrator"
            }
            Self::Framing(_) | Self::Unreadable(_) | Self::Text => {
                "the console's host sent invalid data: connect again"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use rfb_proto::server_messages::ScanError;

    use super::*;

    const LONG: &str =
        "svc-mksgate@vsphere.local.example-with-a-very-long-name.esxi.example:8443 sha256:aabbccdd";

    /// A list with one error per entry; a variant without an entry does not compile.
    macro_rules! each_variant {
        ($($pattern:pat => $error:expr),* $(,)?) => {{
            let _complete = |error: &Error| match error {
                $($pattern => {})*
            };
            vec![$($error),*]
        }};
    }

    #[rustfmt::skip]
    fn each() -> Vec<Error> {
        use Error::{
            ApiCertificate, Certificate, Framing, HostClosed, HostFull, KeysUnconfirmed, NoUpdate, RfbRefused, Setup,
            Slow, Text, Tls, Unreachable, Unreadable, Unresolvable, Upgrade, UrlCommand, UrlRefused, VSphere,
            VmPasswordNeeded,
        };
        let text = || LONG.to_owned();
        let io = || io::Error::other(LONG);
        let refused = || ws_proto::UpgradeError::ProtocolNotOffered(LONG.into());
        each_variant![
            VSphere(_) => VSphere(vsphere::Error::Timeout { address: text() }),
            ApiCertificate { .. } => ApiCertificate { address: text(), reason: text(), remedy: Some(LONG) },
            Setup(_) => Setup(text()),
            Slow { blame: Blame::Vcenter, .. } => Slow { what: text(), blame: Blame::Vcenter, within: Duration::MAX },
            Slow { .. } => Slow { what: text(), blame: Blame::Esxi, within: Duration::MAX },
            NoUpdate { .. } => NoUpdate { which: LONG, within: Duration::MAX },
            KeysUnconfirmed(_) => KeysUnconfirmed(Duration::MAX),
            Unresolvable { .. } => Unresolvable { names: text() },
            HostFull { .. } => HostFull { host: text(), limit: usize::MAX },
            Unreachable { .. } => Unreachable { address: text(), source: io() },
            Certificate { .. } => Certificate { address: text(), reason: text(), key: LONG, remedy: Some(LONG) },
            Tls { .. } => Tls { address: text(), source: io() },
            Upgrade { .. } => Upgrade { address: text(), source: refused() },
            UrlRefused { .. } => UrlRefused { address: text(), has_ticket: true, source: refused() },
            UrlCommand(_) => UrlCommand(text()),
            HostClosed { .. } => HostClosed { address: text(), how: text() },
            RfbRefused { .. } => RfbRefused { address: text(), source: rfb_proto::Refusal::Refused(text()) },
            VmPasswordNeeded { .. } => VmPasswordNeeded { address: text() },
            Framing(_) => Framing(ws_proto::Violation::MaskedByServer),
            Unreadable(_) => Unreadable(ScanError::Pixels(9)),
            Text => Text,
        ]
    }

    #[test]
    fn every_error_has_a_short_text_without_names_for_viewers() {
        for error in each() {
            let text = error.for_viewer();
            assert!((20..=69).contains(&text.len()), "{} {text}", text.len());
            for part in ["svc-", "example", "8443", "sha256", "aabb"] {
                assert!(!text.contains(part), "{text}");
            }
        }
    }
}
