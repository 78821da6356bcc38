//! Where a viewer finds a console: on this machine, and for this user alone.

use std::net::{IpAddr, SocketAddr};
#[cfg(unix)]
use std::path::PathBuf;

use secrecy::SecretString;

/// What a viewer has to be told.
pub(crate) enum Endpoint {
    /// A port that asks for a password.
    Port(PrivatePort),
    /// A Unix socket, which asks for nothing: who may reach it, the file system says.
    #[cfg(unix)]
    Socket(PathBuf),
}

/// A port, and what opens it.
pub(crate) struct PrivatePort {
    /// Where it is.
    pub(crate) address: SocketAddr,
    /// Eight letters.
    pub(crate) password: SecretString,
    /// What it is called in a window's title.
    pub(crate) title: String,
}

impl PrivatePort {
    /// The address, as a URL or a viewer takes it.
    pub(super) fn host(&self) -> String {
        match self.address.ip() {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("[{v6}]"),
        }
    }

    /// Its number as VNC counts displays: from port 5900 on.
    pub(super) fn display(&self) -> i32 {
        i32::from(self.address.port()) - 5900
    }
}
