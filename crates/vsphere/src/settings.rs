//! The settings of a client.

use std::{fmt, sync::Arc};

use secrecy::SecretString;
use url::Url;

use crate::session_store::SessionStore;

/// One vSphere endpoint and the account to use there.
#[derive(Clone)]
pub struct Settings {
    /// The name that the configuration gives it (`[vsphere.NAME]`), for logs.
    pub name: String,
    /// `https://host[:port]/sdk`. Only `https` is accepted: a password goes there.
    pub url: Url,
    /// The account's name.
    pub username: String,
    /// The password, for that account only. Without one, only a session of `sessions` can be used.
    pub password: Option<SecretString>,
    /// The TLS configuration, with which the caller decides how the endpoint's certificate is verified.
    pub tls: rustls::ClientConfig,
    /// An HTTP proxy to reach `/sdk` through, as in `http://proxy.example:3128`; environment variables are ignored.
    pub proxy: Option<Url>,
    /// Where the session is kept for other programs; `None`: it is logged out of.
    pub sessions: Option<Arc<dyn SessionStore>>,
}

impl Settings {
    /// `host` or `host:port`, as people write it; the port is left out where it is 443.
    pub(crate) fn address(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }
}

impl fmt::Debug for Settings {
    /// Leaves out the password, and user and password of the proxy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("name", &self.name)
            .field("address", &self.address())
            .field("username", &self.username)
            .field("proxy", &self.proxy.as_ref().and_then(Url::host_str))
            .finish_non_exhaustive()
    }
}
