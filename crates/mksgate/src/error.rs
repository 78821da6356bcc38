//! Why a session did not come to its end in peace: at which stage, by whose fault, in one sentence.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use crate::reach::tls;

/// Where a session was. The names are those of the log's `stage`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Where the viewer comes from, and whether it may from there.
    Accept,
    /// Version, security type and credentials of the viewer.
    Negotiate,
    /// Whether what it claims lets it in.
    Judge,
    /// A ticket from vSphere.
    Ticket,
    /// TCP, TLS, WebSocket and RFB handshake with ESXi.
    Dial,
    /// The viewer is told that it is in.
    Welcome,
    /// Bytes go both ways.
    Relay,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "accept",
            Self::Negotiate => "negotiate",
            Self::Judge => "judge",
            Self::Ticket => "ticket",
            Self::Dial => "dial",
            Self::Welcome => "welcome",
            Self::Relay => "relay",
        })
    }
}

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

/// Why a session failed. As text it is one sentence, the cause first and the remedy second, and without a
/// secret: the same one for the viewer and for the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The viewer's address is in no `allow` list of this console.
    #[error("{0} may not use this console: add its network to allow")]
    NotAllowed(IpAddr),
    /// A PROXY header is due and the connection is not from who may send one, or holds none.
    #[error("a PROXY header was due, and {0}: see proxy_from and the load balancer")]
    NotProxied(String),
    /// Too many wrong passwords from there.
    #[error("too many failed logins from your address: try again in {} s", .0.as_secs() + 1)]
    Penalised(Duration),
    /// Too many wrong passwords for this console, from whatever addresses, and too many wait for their turn.
    #[error("too many failed logins to this console: try again in {} s", .0.as_secs() + 1)]
    ConsolePenalised(Duration),
    /// Too many connections that have not logged in.
    #[error("too many connections are waiting to log in: try again")]
    Crowded,
    /// The gateway was told to end before the viewer had its console.
    #[error("the gateway ends: try again when it is back")]
    GatewayEnds,
    /// Too many sessions.
    #[error(
        "all {limit} sessions of this gateway are in use: try again later, or raise max_sessions"
    )]
    HouseFull {
        /// `max_sessions`.
        limit: usize,
    },
    /// Too many sessions on this VM.
    #[error("all {limit} sessions of {vm} are in use: close one, or raise max_sessions_per_vm")]
    VmFull {
        /// Which.
        vm: String,
        /// `max_sessions_per_vm`.
        limit: usize,
    },
    /// TLS with the viewer failed.
    #[error("no TLS with the viewer ({0})")]
    ViewerTls(String),
    /// The user exists and the password is right, but this console is not among those of the user.
    #[error("{user} may not open this console: ask for it to be added to the users file")]
    NotForUser {
        /// Who.
        user: String,
    },
    /// The viewer's first bytes are not what a viewer sends.
    #[error("{}", misled(*.0))]
    NotAViewer(rfb_proto::Violation),
    /// The viewer ended the connection before it was let in.
    #[error("the viewer closed the connection before it had logged in")]
    ViewerLeft,
    /// The viewer's connection ended before a byte came from it.
    #[error("the viewer closed the connection before it sent anything")]
    ViewerSilent,
    /// The viewer's connection broke.
    #[error("the viewer's connection broke ({0})")]
    ViewerBroke(#[source] io::Error),
    /// The viewer did not log in within the login timeout.
    #[error("the viewer did not log in within {} s: connect again, or raise login_timeout", .0.as_secs())]
    ViewerSlow(Duration),
    /// So many passwords had to be checked that this one was not within the login timeout.
    #[error("the password was not checked within {} s: see that this machine is not overloaded, or raise login_timeout", .0.as_secs())]
    CheckSlow(Duration),
    /// The viewer was let in, and did not send the rest of its handshake within the handshake timeout.
    #[error("the viewer did not finish its handshake within {} s: try another viewer", .0.as_secs())]
    ViewerUnfinished(Duration),
    /// The VNC password is not the one configured.
    #[error("wrong password: try again, and mind that only the first 8 characters count")]
    WrongPassword,
    /// Which of the two it is, is not told.
    #[error("wrong user name or password: try again")]
    WrongLogin,
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
        /// At which stage.
        stage: Stage,
        /// The handshake timeout.
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
    /// The connection to the console's host broke.
    #[error("the connection to the console's host broke ({0})")]
    EsxiBroke(#[source] io::Error),
    /// The console's host ended the connection without a WebSocket Close.
    #[error("the console's host ended the connection without saying goodbye")]
    EsxiVanished,
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
    /// The console's host sent RFB that cannot be followed, in the middle of what was being repaired for the viewer.
    #[error(
        "what the console's host sends cannot be made into what this viewer asked for ({0}): ask for full colours, or set transparent = true for this console"
    )]
    Astray(rfb_proto::update::Lost),
}

impl From<vsphere::Error> for Failure {
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

impl Failure {
    /// The limit that was met, where it was one: its name in the configuration, as far as it has one.
    pub(crate) const fn limit(&self) -> Option<&'static str> {
        match self {
            Self::NotAllowed(_) => Some("allow"),
            Self::NotProxied(_) => Some("proxy_protocol"),
            Self::Penalised(_) | Self::ConsolePenalised(_) => Some("penalty"),
            Self::Crowded => Some("max_unauthenticated"),
            Self::HouseFull { .. } => Some("max_sessions"),
            Self::VmFull { .. } => Some("max_sessions_per_vm"),
            Self::HostFull { .. } => Some("max_consoles"),
            Self::ViewerSlow(_) | Self::CheckSlow(_) => Some("login_timeout"),
            Self::Slow { .. } | Self::Unheard(_) | Self::ViewerUnfinished(_) => {
                Some("handshake_timeout")
            }
            _ => None,
        }
    }

    /// Whose fault it is.
    pub const fn blame(&self) -> Blame {
        match self {
            Self::NotAViewer(_)
            | Self::ViewerLeft
            | Self::ViewerSilent
            | Self::ViewerBroke(_)
            | Self::ViewerSlow(_)
            | Self::ViewerUnfinished(_) => Blame::Viewer,
            Self::NotAllowed(_) | Self::NotProxied(_) | Self::Penalised(_) | Self::ViewerTls(_) => {
                Blame::Viewer
            }
            Self::ConsolePenalised(_)
            | Self::WrongPassword
            | Self::WrongLogin
            | Self::NotForUser { .. } => Blame::Viewer,
            Self::Crowded | Self::GatewayEnds | Self::HouseFull { .. } | Self::VmFull { .. } => {
                Blame::Gateway
            }
            Self::Setup(_)
            | Self::CheckSlow(_)
            | Self::UrlCommand(_)
            | Self::ApiCertificate { .. }
            | Self::Unresolvable { .. }
            | Self::HostFull { .. } => Blame::Gateway,
            Self::VSphere(error) => blame_of_vsphere(error),
            Self::Slow {
                stage: Stage::Ticket,
                ..
            } => Blame::Vcenter,
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

/// Who meant to be here is told what to do; who did not, where it is.
fn misled(violation: rfb_proto::Violation) -> String {
    use rfb_proto::Violation;
    match violation {
        Violation::TooOldToEncrypt => violation.to_string(),
        // Whoever comes as far as to send messages is a viewer.
        Violation::UnknownMessage { .. }
        | Violation::TooManyEncodings(_)
        | Violation::Malformed(_) => {
            format!("the viewer sent what cannot be read ({violation}): try another viewer")
        }
        other => format!("this is a VNC port, and {other}"),
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

#[cfg(test)]
mod tests {
    use rfb_proto::Violation;

    use super::*;

    #[test]
    fn who_is_a_viewer_is_not_told_that_this_is_a_vnc_port() {
        let unknown = Violation::UnknownMessage {
            kind: 255,
            sub: Some(255),
        };
        let said = Failure::NotAViewer(unknown).to_string();
        assert!(
            said.starts_with(
                "the viewer sent what cannot be read (message type 255/255 is not known): "
            ),
            "{said}"
        );
        let said = Failure::NotAViewer(Violation::NotRfb).to_string();
        assert!(said.starts_with("this is a VNC port, and "), "{said}");
    }
}
