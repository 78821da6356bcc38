//! Why the gateway cannot start.

use std::io;
use std::net::SocketAddr;

/// Why the gateway cannot start. Nothing has been served then.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A port cannot be had.
    #[error("cannot listen on {address} for {what} ({source}): {}", remedy(source))]
    Bind {
        /// Which.
        address: SocketAddr,
        /// For which VM, or `[admin]`.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// A port cannot be had beside another one that is our own.
    #[error(
        "cannot listen on {address} for {what}: this gateway itself listens on {beside}; choose another port"
    )]
    Twice {
        /// Which.
        address: SocketAddr,
        /// For which VM, or `[admin]`.
        what: String,
        /// Which other one.
        beside: SocketAddr,
    },
    /// A vSphere cannot be set up.
    #[error("[vsphere.{name}]: {source}")]
    Upstream {
        /// Which.
        name: String,
        /// Why.
        source: Box<console::Error>,
    },
    /// A thread for sessions cannot be had.
    #[error(
        "cannot start a thread for sessions ({0}): raise the limit of processes and open files"
    )]
    Threads(io::Error),
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another program has it; end that one, or choose another port",
        io::ErrorKind::AddrNotAvailable => "no interface of this machine has that address",
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege; choose a higher one",
        _ => "choose another address or port",
    }
}
