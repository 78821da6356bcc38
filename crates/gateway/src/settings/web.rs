//! The `[web]` section.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use logins::api_keys::ApiKeys;

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
    /// The keys of the API; `None`: nobody may use it.
    pub api_keys: Option<Arc<ApiKeys>>,
    /// The host name at which native viewers reach console ports; `None`: the one by which the page was reached.
    pub viewer_host: Option<String>,
    /// The sources that may embed the page in a frame (CSP `frame-ancestors`); empty: none.
    pub frame_ancestors: Vec<String>,
    /// Connections at once from one source, except from reverse proxies: 1 or more.
    pub max_connections_per_source: usize,
    /// How many times the usual number of requests a user or a source may make: 1 or more.
    pub rate_limit_factor: u32,
    /// Pictures of VMs that are asked of one ESXi host at once: 1 to [`MAX_THUMBNAILS`](Self::MAX_THUMBNAILS).
    pub thumbnails_per_host: usize,
    /// How often a picture of one VM is asked for at most; zero: there are none.
    pub thumbnail_every: Duration,
}

impl Web {
    /// Of the four calls that are made to a vSphere at once, one is left for whoever opens a console.
    pub const MAX_THUMBNAILS: usize = 3;

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
            api_keys: None,
            viewer_host: None,
            frame_ancestors: Vec::new(),
            max_connections_per_source: 512,
            rate_limit_factor: 1,
            thumbnails_per_host: 2,
            thumbnail_every: Duration::from_secs(30),
        }
    }
}
