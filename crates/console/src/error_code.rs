//! The codes of this crate's errors, for scripts.

use rfb_proto::Refusal;

use crate::error::{Blame, Error};

impl Error {
    /// The code of this error, which stays the same when the sentence is reworded. docs/commands.md lists all codes.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::VSphere(error) => error.code(),
            Self::ApiCertificate { .. } => "vsphere-untrusted",
            Self::Setup(_) => "console-not-possible",
            Self::Slow { blame, .. } => match blame {
                Blame::Vcenter => "vsphere-timeout",
                Blame::Viewer | Blame::Esxi | Blame::Gateway => "host-timeout",
            },
            Self::NoUpdate { .. } => "no-update",
            Self::KeysUnconfirmed(_) => "keys-unconfirmed",
            Self::Unresolvable { .. } => "host-unresolvable",
            Self::HostFull { .. } => "host-consoles-in-use",
            Self::Unreachable { .. } => "host-unreachable",
            Self::Certificate { .. } => "host-untrusted",
            Self::Tls { .. } => "host-tls",
            Self::Upgrade { .. } | Self::UrlRefused { .. } => "websocket-refused",
            Self::UrlCommand(_) => "url-command-failed",
            Self::HostClosed { .. } => "host-closed",
            Self::RfbRefused { source, .. } => of_refusal(source),
            Self::VmPasswordNeeded { .. } => "vnc-password-needed",
            Self::Framing(_) | Self::Unreadable(_) | Self::Text => "host-protocol-error",
        }
    }

    /// The stage of a session at which this error occurs, as in the log.
    pub const fn stage(&self) -> &'static str {
        match self {
            Self::VSphere(_) | Self::ApiCertificate { .. } | Self::UrlCommand(_) => "ticket",
            Self::Slow { blame, .. } => match blame {
                Blame::Vcenter => "ticket",
                Blame::Viewer | Blame::Esxi | Blame::Gateway => "dial",
            },
            Self::NoUpdate { .. } | Self::KeysUnconfirmed(_) | Self::Unreadable(_) => "relay",
            Self::Setup(_)
            | Self::Unresolvable { .. }
            | Self::HostFull { .. }
            | Self::Unreachable { .. }
            | Self::Certificate { .. }
            | Self::Tls { .. }
            | Self::Upgrade { .. }
            | Self::UrlRefused { .. }
            | Self::HostClosed { .. }
            | Self::RfbRefused { .. }
            | Self::VmPasswordNeeded { .. }
            | Self::Framing(_)
            | Self::Text => "dial",
        }
    }
}

const fn of_refusal(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::PasswordNeeded => "vnc-password-needed",
        Refusal::Refused(_) => "vnc-login-refused",
        _ => "host-protocol-error",
    }
}
