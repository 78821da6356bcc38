//! Where metrics and health are served.

use std::net::SocketAddr;

use console::secret::Secret;

/// Where `/metrics` and `/healthz` are served, and to whom.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Where.
    pub listen: SocketAddr,
    /// What has to stand in `Authorization: Bearer`; `None` where nothing is asked for.
    pub token: Option<Secret<String>>,
}

impl Admin {
    /// To whoever can connect.
    pub const fn open(listen: SocketAddr) -> Self {
        Self {
            listen,
            token: None,
        }
    }
}
