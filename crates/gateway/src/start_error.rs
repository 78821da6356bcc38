//! Why the gateway cannot start.

use std::io;
use std::net::SocketAddr;

/// Why the gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Binding an address failed.
    #[error("cannot listen on {address} for {what} ({source}): {}", remedy(source))]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The VM's name, or `[admin]`.
        what: String,
        /// The system's error.
        source: io::Error,
    },
    /// Two of the gateway's own addresses overlap.
    #[error(
        "cannot listen on {address} for {what}: this gateway listens on {beside} already; choose another port"
    )]
    Overlap {
        /// The address.
        address: SocketAddr,
        /// The VM's name, or `[admin]`.
        what: String,
        /// The other address.
        beside: SocketAddr,
    },
    /// A vSphere cannot be set up.
    #[error("[vsphere.{name}]: {source}")]
    Upstream {
        /// Its name.
        name: String,
        /// The cause.
        source: Box<console::Error>,
    },
    /// Starting a session thread failed.
    #[error(
        "cannot start a thread for sessions ({0}): raise the limit of processes and open files"
    )]
    Threads(io::Error),
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program listens there; stop it, or choose another port"
        }
        io::ErrorKind::AddrNotAvailable => "no interface of this machine has that address",
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege; choose a higher one",
        _ => "choose another address or port",
    }
}
