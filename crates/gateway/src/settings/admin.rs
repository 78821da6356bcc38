//! The `[admin]` section.

use std::net::SocketAddr;

use console::secret::Secret;

/// The HTTP listener for `/metrics` and `/healthz`.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Its address.
    pub listen: SocketAddr,
    /// The bearer token that requests need (RFC 6750); `None`: none.
    pub token: Option<Secret<String>>,
}

impl Admin {
    /// A listener without a token.
    pub const fn open(listen: SocketAddr) -> Self {
        Self {
            listen,
            token: None,
        }
    }
}
