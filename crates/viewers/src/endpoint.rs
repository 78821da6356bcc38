//! Private endpoints that viewers connect to.

use std::net::{IpAddr, SocketAddr};
#[cfg(unix)]
use std::path::PathBuf;

use secrecy::SecretString;

/// What a viewer program is pointed at.
pub enum Endpoint {
    /// A port with a VNC password.
    Port(PrivatePort),
    /// A Unix socket, protected by file permissions.
    #[cfg(unix)]
    Socket(PathBuf),
}

/// A port of one viewer, with a password made for it.
pub struct PrivatePort {
    /// On loopback.
    pub address: SocketAddr,
    /// Eight characters, the limit of VNC authentication.
    pub password: SecretString,
    /// Window title.
    pub title: String,
}

impl PrivatePort {
    /// The host part of a URL.
    pub(crate) fn host(&self) -> String {
        match self.address.ip() {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("[{v6}]"),
        }
    }

    /// VNC display number: port minus 5900.
    pub(crate) fn display(&self) -> i32 {
        i32::from(self.address.port()) - 5900
    }
}
