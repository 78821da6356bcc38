//! Why a console cannot be had, or was lost: by whose fault, in one sentence.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::tls;

/// Whose fault it is. The names are those of the log's `blame`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The viewer, or whoever sits before it.
    Viewer,
    /// The host that has the console.
    Esxi,
    /// The vSphere API, be it a vCenter's or an ESXi's own.
    Vcenter,
    /// The gateway, or its configuration.
    Gateway,
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Viewer => "viewer",
            Self::Esxi => "esxi",
            Self::Vcenter => "vcenter",
            Self::Gateway => "gateway",
        })
    }
}

/// Why there is no console. As text it is one sentence, the cause first and the remedy second, and without a
/// secret: the same one for the viewer, the log and the command line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// vSphere did not hand out a ticket.
    #[error(transparent)]
    VSphere(vsphere::Error),
    /// vSphere's certificate is not one that `trust` believes.
    #[error(
        "the certificate of {address} is not trusted ({trouble}): compare it with what `mksgate trust {address}` shows, and change trust"
    )]
    ApiCertificate {
        /// `host`, or `host:port`.
        address: String,
        /// What is wrong with it.
        trouble: String,
    },
    /// The configuration, or what vSphere said, does not allow a connection.
    #[error("{0}")]
    Setup(String),
    /// vSphere or the console's host took longer than the handshake timeout.
    #[error("{what} did not answer within {} s: see that it is not overloaded, or raise handshake_timeout", .within.as_secs())]
    Slow {
        /// Who was waited for.
        what: String,
        /// Whose fault that is.
        blame: Blame,
        /// The handshake timeout.
        within: Duration,
    },
    /// The console's host was asked for the screen, and sent no update.
    #[error(
        "no {which} update came within {} s of being asked for: see in a viewer that the guest's screen is on, and show what `mksgate probe --report FILE --thorough` writes",
        .within.as_secs()
    )]
    NoUpdate {
        /// The first or the second.
        which: &'static str,
        /// How long it was waited for.
        within: Duration,
    },
    /// All keys were sent, and the console's host did not say within the handshake timeout that it has read them.
    #[error("ESXi did not confirm the keys within {} s: see on the console which of them it has taken", .0.as_secs())]
    Unheard(Duration),
    /// No name in the ticket can be resolved and there is no other address.
    #[error(
        "cannot find the address of {names}: add it to console_address, or to this machine's DNS"
    )]
    Unresolvable {
        /// The names that were tried.
        names: String,
    },
    /// The host's front door has no room for another console.
    #[error(
        "{host} has all {limit} consoles open that max_consoles allows: close one, or raise it"
    )]
    HostFull {
        /// `host:port`.
        host: String,
        /// `max_consoles`.
        limit: usize,
    },
    /// No TCP connection to the console's host.
    #[error("cannot reach {address} ({source}): see that this machine may connect to it")]
    Unreachable {
        /// `host:port`.
        address: String,
        /// What the last attempt met.
        source: io::Error,
    },
    /// The console's host has another certificate than expected.
    #[error(
        "the certificate of {address} is not trusted ({trouble}): see who answers there, or change {key}"
    )]
    Certificate {
        /// `host:port`.
        address: String,
        /// What is wrong with it.
        trouble: String,
        /// What of the configuration decides.
        key: &'static str,
    },
    /// No TLS with the console's host for another reason.
    #[error(
        "no TLS connection to {address} ({source}): see that this is the HTTPS port of the console's host"
    )]
    Tls {
        /// `host:port`.
        address: String,
        /// What TLS met.
        source: io::Error,
    },
    /// ESXi did not open the WebSocket.
    #[error("ESXi {address} refused the WebSocket ({source}): connect again for a fresh ticket")]
    Upgrade {
        /// `host:port`.
        address: String,
        /// Which part of the answer was not as it must be.
        source: ws_proto::UpgradeError,
    },
    /// The server at a configured URL did not open the WebSocket.
    #[error(
        "{address} refused the WebSocket ({source}): {}",
        remedy_of_url(source)
    )]
    UrlRefused {
        /// `host:port`.
        address: String,
        /// Which part of the answer was not as it must be.
        source: ws_proto::UpgradeError,
    },
    /// `url_command` did not give a URL that can be used.
    #[error(
        "the program that prints the URL {0}: run it by hand, as the user that the gateway runs as"
    )]
    UrlCommand(String),
    /// The console's host ended the connection before the console was ready.
    #[error(
        "{address} ended the connection before the console was ready ({how}): connect again, and see its log"
    )]
    EsxiLeft {
        /// `host:port`.
        address: String,
        /// How, or with what words.
        how: String,
    },
    /// The console's host did not let us in.
    #[error("{address} did not let us in: {source}")]
    EsxiRefused {
        /// `host:port`.
        address: String,
        /// What it said.
        source: rfb_proto::Refusal,
    },
    /// The console's host asks for the VM's VNC password.
    #[error(
        "{address} asks for the VM's VNC password, and none is configured: set vnc_password_file for this console (on the command line --vnc-password-file)"
    )]
    VmPasswordNeeded {
        /// `host:port`.
        address: String,
    },
    /// The console's host broke the WebSocket protocol.
    #[error("the console's host broke the WebSocket protocol: {0}")]
    Framing(#[from] ws_proto::Violation),
    /// The console's host sent RFB that is not understood here.
    #[error(
        "the console's host sent what cannot be read ({0}): see whether a VNC viewer shows this console"
    )]
    Unreadable(#[from] rfb_proto::update::Lost),
    /// The console's host sent text, and RFB is bytes.
    #[error("the console's host sent a text message, and RFB is bytes")]
    Text,
}

impl From<vsphere::Error> for Error {
    fn from(error: vsphere::Error) -> Self {
        match error {
            vsphere::Error::Certificate {
                address,
                reason,
                source,
            } => {
                let trouble = tls::certificate_trouble(&source).unwrap_or(reason);
                Self::ApiCertificate { address, trouble }
            }
            other => Self::VSphere(other),
        }
    }
}

impl Error {
    /// The limit that was met, where it was one: its name in the configuration, as far as it has one.
    pub const fn limit(&self) -> Option<&'static str> {
        match self {
            Self::HostFull { .. } => Some("max_consoles"),
            Self::Slow { .. } | Self::Unheard(_) => Some("handshake_timeout"),
            _ => None,
        }
    }

    /// Whose fault it is.
    pub const fn blame(&self) -> Blame {
        match self {
            Self::Setup(_)
            | Self::UrlCommand(_)
            | Self::ApiCertificate { .. }
            | Self::Unresolvable { .. }
            | Self::HostFull { .. } => Blame::Gateway,
            Self::VSphere(error) => blame_of_vsphere(error),
            Self::Slow { blame, .. } => *blame,
            _ => Blame::Esxi,
        }
    }
}

/// What may be wrong with a URL, by the answer that it got.
const fn remedy_of_url(error: &ws_proto::UpgradeError) -> &'static str {
    use ws_proto::UpgradeError;
    match error {
        UpgradeError::Status {
            code: 401 | 403 | 407,
            ..
        } => "it wants to know who asks, see cookie and headers",
        UpgradeError::Status {
            code: 300..=399, ..
        } => {
            "it points elsewhere, as a login page does, see cookie, headers and the path of its url"
        }
        UpgradeError::Status { code: 404, .. } => "see the path of its url",
        UpgradeError::NoProtocol(_) | UpgradeError::ProtocolNotOffered(_) => {
            "set subprotocol to the one that it speaks, or to \"none\""
        }
        _ => "see that its url leads to VNC in a WebSocket, and its subprotocol",
    }
}

/// What only a change of the configuration can mend is the gateway's own fault.
const fn blame_of_vsphere(error: &vsphere::Error) -> Blame {
    use vsphere::Error;
    match error {
        Error::Settings { .. }
        | Error::InvalidLogin { .. }
        | Error::NoSuchVm { .. }
        | Error::AmbiguousName { .. }
        | Error::NoPermission { .. } => Blame::Gateway,
        _ => Blame::Vcenter,
    }
}
