//! Why a console cannot be opened or was lost, and which party caused it.

use std::fmt;
use std::io;
use std::time::Duration;

use vsphere::io_in_words;
use ws_proto::UpgradeError;

use crate::certificate;

/// Which party caused an error. As text it is the value of the log field `blame`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The viewer or its user.
    Viewer,
    /// The console's host.
    Esxi,
    /// The vSphere API, of a vCenter or of an ESXi.
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

/// Why there is no console. Its text is one sentence, cause first and remedy second, without secrets, for the log and the
/// command line; viewers show [`Error::for_viewer`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// vSphere did not issue a ticket.
    #[error(transparent)]
    VSphere(vsphere::Error),
    /// vSphere's certificate does not pass `trust`.
    #[error(
        "the certificate of {address} is not trusted ({reason}): {}",
        remedy.map_or_else(|| format!("compare it with what `mksgate trust {address}` shows, and change trust"), str::to_owned)
    )]
    ApiCertificate {
        /// `host`, or `host:port`.
        address: String,
        /// What is wrong with it.
        reason: String,
        /// What helps against exactly this, if known.
        remedy: Option<&'static str>,
    },
    /// The configuration, or an answer of vSphere, does not allow a connection.
    #[error("{0}")]
    Setup(String),
    /// vSphere or the console's host took longer than the handshake timeout.
    #[error("{what} did not answer within {} s: check that it is not overloaded, or raise handshake_timeout", .within.as_secs())]
    Slow {
        /// Which party did not answer.
        what: String,
        /// Which party caused it.
        blame: Blame,
        /// The handshake timeout.
        within: Duration,
    },
    /// The console's host answered a FramebufferUpdateRequest with no update.
    #[error(
        "the console's host sent no {which} update within {} s: check in a viewer that the guest's screen is on, and see `mksgate probe --report FILE --thorough`",
        .within.as_secs()
    )]
    NoUpdate {
        /// "first" or "second".
        which: &'static str,
        /// How long the update was waited for.
        within: Duration,
    },
    /// All keys were sent, and the console's host sent no update after them within the handshake timeout.
    #[error("ESXi did not confirm the keys within {} s: check on the console which of them arrived", .0.as_secs())]
    KeysUnconfirmed(Duration),
    /// No name in the ticket can be resolved, and there is no other address.
    #[error("cannot resolve {names}: add them to console_address, or to DNS")]
    Unresolvable {
        /// The names that were tried.
        names: String,
    },
    /// `max_consoles` consoles are open on the host.
    #[error("all {limit} consoles of {host} are in use: close one, or raise max_consoles")]
    HostFull {
        /// `host:port`.
        host: String,
        /// `max_consoles`.
        limit: usize,
    },
    /// No TCP connection to the console's host.
    #[error(
        "cannot reach {address} ({}): check that this machine may connect to it",
        io_in_words(source)
    )]
    Unreachable {
        /// `host:port`.
        address: String,
        /// The error of the last attempt.
        source: io::Error,
    },
    /// The certificate of the console's host was refused.
    #[error(
        "the certificate of {address} is not trusted ({reason}): {}",
        remedy.map_or_else(|| format!("check which server answers there, or change {key}"), str::to_owned)
    )]
    Certificate {
        /// `host:port`.
        address: String,
        /// What is wrong with it.
        reason: String,
        /// What helps against exactly this, if known.
        remedy: Option<&'static str>,
        /// The configuration key that decides.
        key: &'static str,
    },
    /// The TLS handshake with the console's host failed for another reason.
    #[error("{}", no_tls(address, source))]
    Tls {
        /// `host:port`.
        address: String,
        /// The error of TLS or TCP.
        source: io::Error,
    },
    /// ESXi refused the WebSocket upgrade.
    #[error("{}", refused_ticket(address, source))]
    Upgrade {
        /// `host:port`.
        address: String,
        /// What is wrong with the answer.
        source: UpgradeError,
    },
    /// The server at a configured URL refused the WebSocket upgrade.
    #[error("{}", refused_url(address, source, *has_ticket))]
    UrlRefused {
        /// `host:port`.
        address: String,
        /// Whether the URL's path is one of tickets: `/ticket/…`.
        has_ticket: bool,
        /// What is wrong with the answer.
        source: UpgradeError,
    },
    /// `url_command` printed no usable URL.
    #[error(
        "the program that prints the URL {0}: run it by hand, as the user that the gateway runs as"
    )]
    UrlCommand(String),
    /// The console's host ended the connection before the console was ready.
    #[error(
        "{address} ended the connection before the console was ready ({how}): see its log, and connect again"
    )]
    HostClosed {
        /// `host:port`.
        address: String,
        /// The error, or the reason in the host's Close frame.
        how: String,
    },
    /// The RFB security handshake with the console's host failed.
    #[error("{address} refused the VNC login: {source}")]
    RfbRefused {
        /// `host:port`.
        address: String,
        /// Why it failed.
        source: rfb_proto::Refusal,
    },
    /// The console's host asks for the VM's VNC password.
    #[error(
        "{address} asks for the VM's VNC password, and none is configured: set vnc_password_file (on the command line --vnc-password-file)"
    )]
    VmPasswordNeeded {
        /// `host:port`.
        address: String,
    },
    /// The console's host broke the WebSocket protocol.
    #[error(
        "the console's host violated the WebSocket protocol ({0}): connect again, and see its log"
    )]
    Framing(#[from] ws_proto::Violation),
    /// The console's host sent RFB that cannot be decoded.
    #[error(
        "the console's host sent RFB that cannot be decoded ({0}): check whether a VNC viewer shows this console"
    )]
    Unreadable(#[from] rfb_proto::server_messages::ScanError),
    /// The console's host sent a WebSocket text message; RFB uses binary messages.
    #[error("the console's host sent a WebSocket text message, but RFB needs binary ones")]
    Text,
}

impl From<vsphere::Error> for Error {
    fn from(error: vsphere::Error) -> Self {
        match error {
            vsphere::Error::Certificate {
                address,
                reason,
                source,
            } => Self::ApiCertificate {
                address,
                reason: certificate::refusal_of(&source).unwrap_or(reason),
                remedy: certificate::remedy_for(&source),
            },
            other => Self::VSphere(other),
        }
    }
}

impl Error {
    /// The configuration key of the limit that was reached, if the error is about a limit.
    pub const fn limit(&self) -> Option<&'static str> {
        match self {
            Self::HostFull { .. } => Some("max_consoles"),
            Self::Slow { .. } | Self::KeysUnconfirmed(_) => Some("handshake_timeout"),
            _ => None,
        }
    }

    /// Which party caused it.
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

fn no_tls(address: &str, error: &io::Error) -> String {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
    match tls.is_some_and(vsphere::is_not_tls) {
        true => format!("{address} does not speak TLS: check the port"),
        false => format!(
            "no TLS connection to {address} ({}): check that this is the HTTPS port of the console's host",
            io_in_words(error)
        ),
    }
}

/// What the statuses mean at `/ticket/…` of an ESXi host is a guess: none was ever seen.
fn refused_ticket(address: &str, error: &UpgradeError) -> String {
    match error {
        UpgradeError::Status { code: 503, .. } => {
            format!("{address} has no console for this VM (HTTP 503): see the VM's log")
        }
        UpgradeError::Status { code: 404, .. } => format!(
            "{address} does not accept the ticket (HTTP 404): ticket used or expired, connect again for a new one"
        ),
        other => format!(
            "{address} refused the WebSocket ({other}): connect again for a new ticket, and see the host's log"
        ),
    }
}

fn refused_url(address: &str, error: &UpgradeError, has_ticket: bool) -> String {
    match error {
        UpgradeError::Status { code: 404, .. } if has_ticket => format!(
            "{address} does not accept the ticket (HTTP 404): ticket used or expired, get a new one"
        ),
        UpgradeError::Status { code: 503, .. } if has_ticket => {
            format!("{address} has no console for this VM (HTTP 503): see the VM's log")
        }
        other => format!(
            "{address} refused the WebSocket ({other}): {}",
            remedy_of_url(other)
        ),
    }
}

/// The remedy for a refused upgrade at a URL, by the server's answer.
const fn remedy_of_url(error: &UpgradeError) -> &'static str {
    match error {
        UpgradeError::Status {
            code: 401 | 403 | 407,
            ..
        } => "it requires credentials, set cookie or headers",
        UpgradeError::Status {
            code: 300..=399, ..
        } => "it redirects, as to a login page, check cookie, headers and the URL's path",
        UpgradeError::Status { code: 404, .. } => "check the URL's path",
        UpgradeError::Status {
            code: 500..=599, ..
        } => "see its log",
        UpgradeError::NoProtocol(_) | UpgradeError::ProtocolNotOffered(_) => {
            "set subprotocol to one that it supports, or to \"none\""
        }
        _ => "check that the URL leads to VNC in a WebSocket, and its subprotocol",
    }
}

/// Errors that only a change of the configuration can remedy are the gateway's.
const fn blame_of_vsphere(error: &vsphere::Error) -> Blame {
    use vsphere::Error;
    match error {
        Error::Settings { .. }
        | Error::InvalidLogin { .. }
        | Error::RefusedBefore { .. }
        | Error::PasswordNeeded { .. }
        | Error::NoSuchVm { .. }
        | Error::AmbiguousName { .. }
        | Error::NoPermission { .. } => Blame::Gateway,
        _ => Blame::Vcenter,
    }
}
