//! Why a session did not come to its end in peace: at which stage, by whose fault, in one sentence.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

pub use console::Blame;

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
    #[error("the viewer's connection broke ({})", vsphere::io_in_words(.0))]
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
    /// The console cannot be had, or was lost.
    #[error(transparent)]
    Console(#[from] console::Error),
    /// The configuration, or this machine, does not allow a session.
    #[error("{0}")]
    Setup(String),
}

/// How far a session came, and why no further.
pub(crate) type Stopped = (Stage, Failure);

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
            Self::ViewerSlow(_) | Self::CheckSlow(_) => Some("login_timeout"),
            Self::ViewerUnfinished(_) => Some("handshake_timeout"),
            Self::Console(error) => error.limit(),
            _ => None,
        }
    }

    /// The stage that it belongs to, where it was met on the way to a ticket: who may is judged once more there.
    pub(crate) const fn before_dial(&self) -> Stage {
        match self {
            Self::NotForUser { .. } | Self::VmFull { .. } => Stage::Judge,
            _ => Stage::Ticket,
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
            Self::Setup(_) | Self::CheckSlow(_) => Blame::Gateway,
            Self::Console(error) => error.blame(),
        }
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
