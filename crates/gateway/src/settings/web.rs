//! The `[web]` section.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ipnet::IpNet;

use super::{Auth, CertificateFile};

/// Where Debian's package installs noVNC.
const NOVNC: &str = "/usr/share/novnc";

/// The page: an HTTP or HTTPS server with the list of VMs and their consoles.
#[derive(Debug, Clone)]
pub struct Web {
    /// Its address.
    pub listen: SocketAddr,
    /// The TLS server configuration; `None`: plain HTTP, on loopback or behind a reverse proxy.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Its chain: `check` reads from it how long it is valid.
    pub certificate: Option<CertificateFile>,
    /// How users log in.
    pub auth: Auth,
    /// The names that a request's Host may have, in lower case, besides the address that was connected to. A first label
    /// `*` matches one label, as in certificates.
    pub hosts: Vec<String>,
    /// The folder with noVNC's `core/rfb.js`.
    pub novnc: PathBuf,
    /// The reverse proxies, whose X-Forwarded headers and PROXY headers are believed.
    pub proxy_from: Vec<IpNet>,
    /// The header in which a reverse proxy names the user whom it has authenticated, in lower case.
    pub user_header: Option<String>,
    /// The host name at which native viewers reach console ports; `None`: the one by which the page was reached.
    pub viewer_host: Option<String>,
    /// The sources that may embed the page in a frame (CSP `frame-ancestors`); empty: none.
    pub frame_ancestors: Vec<String>,
}

impl Web {
    /// A page over plain HTTP with default settings.
    pub fn new(listen: SocketAddr, auth: Auth) -> Self {
        Self {
            listen,
            tls: None,
            certificate: None,
            auth,
            hosts: Vec::new(),
            novnc: NOVNC.into(),
            proxy_from: Vec::new(),
            user_header: None,
            viewer_host: None,
            frame_ancestors: Vec::new(),
        }
    }
}
