//! Why a session failed: stage, blame, and one sentence.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

pub use console::Blame;

/// The stages of a session, as the log's and the metrics' `stage` name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// PROXY header, allow list, penalties.
    Accept,
    /// The viewer's RFB version, security type, TLS and credentials.
    Negotiate,
    /// Credentials against the configuration, rights and limits.
    Judge,
    /// A ticket from vSphere.
    Ticket,
    /// TCP, TLS, WebSocket and RFB handshake with ESXi.
    Dial,
    /// SecurityResult and ClientInit.
    Welcome,
    /// Both directions are relayed.
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

/// Why a session failed. `Display` is one sentence without secrets, cause first and remedy second, for the log; viewers
/// show [`Failure::for_viewer`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The viewer's address is in no `allow` list of this console.
    #[error("{0} may not use this console: add its network to allow")]
    NotAllowed(IpAddr),
    /// A PROXY header is required, and the connection has none or is not from a trusted balancer.
    #[error("no valid PROXY header ({0}): check proxy_from and the load balancer")]
    NotProxied(String),
    /// Too many wrong passwords from this source.
    #[error("too many failed logins from your address: try again in {} s", .0.as_secs() + 1)]
    Penalised(Duration),
    /// Too many wrong passwords for this console from all sources together, and too many logins queued.
    #[error("too many failed logins to this console: try again in {} s", .0.as_secs() + 1)]
    ConsolePenalised(Duration),
    /// Too many connections that have not logged in.
    #[error("too many connections are waiting to log in: try again")]
    LoginQueueFull,
    /// The gateway was shut down before the console was open.
    #[error("the gateway is shutting down: try again when it is back")]
    GatewayEnds,
    /// `max_sessions` is reached.
    #[error(
        "all {limit} sessions of this gateway are in use: try again later, or raise max_sessions"
    )]
    GatewayFull {
        /// `max_sessions`.
        limit: usize,
    },
    /// `max_sessions_per_vm` is reached.
    #[error("all {limit} sessions of {vm} are in use: close one, or raise max_sessions_per_vm")]
    VmFull {
        /// The VM's configured name.
        vm: String,
        /// `max_sessions_per_vm`.
        limit: usize,
    },
    /// TLS with the viewer failed.
    #[error("TLS with the viewer failed ({0})")]
    ViewerTls(String),
    /// The user has logged in, but may not open this console.
    #[error("{user} may not open this console: ask for it to be added to the users file")]
    NotForUser {
        /// The user's name.
        user: String,
    },
    /// The viewer broke the RFB protocol.
    #[error("{}", protocol_error(*.0))]
    NotAViewer(rfb_proto::Violation),
    /// The viewer closed the connection before it had logged in.
    #[error("the viewer closed the connection before it had logged in")]
    ViewerLeft,
    /// The viewer closed the connection before it sent a byte, as port scans and health checks do.
    #[error("the viewer closed the connection before it sent anything")]
    ViewerSilent,
    /// Reading or writing the viewer's socket failed.
    #[error("the viewer's connection failed ({})", vsphere::io_in_words(.0))]
    ViewerBroke(#[source] io::Error),
    /// The viewer did not log in within the login timeout.
    #[error("the viewer did not log in within {} s: connect again, or raise login_timeout", .0.as_secs())]
    ViewerSlow(Duration),
    /// The password was queued for hashing for the whole login timeout.
    #[error("the password was not checked within {} s: check that this machine is not overloaded, or raise login_timeout", .0.as_secs())]
    CheckSlow(Duration),
    /// The viewer has logged in, and did not send ClientInit within the handshake timeout.
    #[error("the viewer did not finish its handshake within {} s: try another viewer", .0.as_secs())]
    ViewerUnfinished(Duration),
    /// The VNC password is not the one configured.
    #[error("wrong password: try again (only the first 8 characters count)")]
    WrongPassword,
    /// One sentence for both causes, so that user names cannot be probed.
    #[error("wrong user name or password: try again")]
    WrongLogin,
    /// The console could not be opened, or was lost.
    #[error(transparent)]
    Console(#[from] console::Error),
    /// The configuration or the operating system does not allow a session.
    #[error("{0}")]
    Setup(String),
}

/// The stage at which a session failed, and why.
pub(crate) type Stopped = (Stage, Failure);

impl Failure {
    /// The name of the limit that was reached, as in the configuration; `None` where it was none.
    pub(crate) const fn limit(&self) -> Option<&'static str> {
        match self {
            Self::NotAllowed(_) => Some("allow"),
            Self::NotProxied(_) => Some("proxy_protocol"),
            Self::Penalised(_) | Self::ConsolePenalised(_) => Some("penalty"),
            Self::LoginQueueFull => Some("max_unauthenticated"),
            Self::GatewayFull { .. } => Some("max_sessions"),
            Self::VmFull { .. } => Some("max_sessions_per_vm"),
            Self::ViewerSlow(_) | Self::CheckSlow(_) => Some("login_timeout"),
            Self::ViewerUnfinished(_) => Some("handshake_timeout"),
            Self::Console(error) => error.limit(),
            _ => None,
        }
    }

    /// The stage of a failure between judgement and dial: rights and limits are checked again once the VM is known.
    pub(crate) const fn before_dial(&self) -> Stage {
        match self {
            Self::NotForUser { .. } | Self::VmFull { .. } => Stage::Judge,
            _ => Stage::Ticket,
        }
    }

    /// The party that has to fix it.
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
            Self::LoginQueueFull
            | Self::GatewayEnds
            | Self::GatewayFull { .. }
            | Self::VmFull { .. } => Blame::Gateway,
            Self::Setup(_) | Self::CheckSlow(_) => Blame::Gateway,
            Self::Console(error) => error.blame(),
        }
    }
}

/// A remedy for a VNC viewer; for another protocol, what this port is.
fn protocol_error(violation: rfb_proto::Violation) -> String {
    use rfb_proto::Violation;
    match violation {
        Violation::TooOldToEncrypt => violation.to_string(),
        // The handshake succeeded: it is a VNC viewer.
        Violation::UnknownMessage { .. }
        | Violation::TooManyEncodings(_)
        | Violation::Malformed(_) => {
            format!("the viewer sent an invalid message ({violation}): try another viewer")
        }
        other => format!("this is a VNC port, and {other}"),
    }
}

#[cfg(test)]
mod tests {
    use rfb_proto::Violation;

    use super::*;

    #[test]
    fn only_a_failed_handshake_says_that_this_is_a_vnc_port() {
        let unknown = Violation::UnknownMessage {
            kind: 255,
            sub: Some(255),
        };
        let text = Failure::NotAViewer(unknown).to_string();
        assert!(
            text.starts_with(
                "the viewer sent an invalid message (message type 255/255 is not known): "
            ),
            "{text}"
        );
        let text = Failure::NotAViewer(Violation::NotRfb).to_string();
        assert!(text.starts_with("this is a VNC port, and "), "{text}");
    }
}
