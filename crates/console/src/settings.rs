//! What is configured of a vSphere, and which console is meant.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use rfb_proto::VncPassword;
use secrecy::{ExposeSecret, SecretString};
use vsphere::VmRef;

use crate::endpoint::Endpoint;
use crate::secret::Secret;
use crate::tls::{ConsoleTrust, Trust};

/// One ESXi or vCenter.
#[derive(Debug, Clone)]
pub struct VSphere {
    /// Its SDK: `https://host[:port]/sdk`.
    pub url: url::Url,
    /// Whom to log in as.
    pub username: String,
    /// With what.
    pub password: SecretString,
    /// How `/sdk` is verified.
    pub trust: Trust,
    /// How consoles are verified.
    pub console_trust: ConsoleTrust,
    /// Where to dial instead of the names that tickets hold.
    pub console_address: BTreeMap<String, String>,
    /// Consoles at once on each ESXi host: 1 or more.
    pub max_consoles: usize,
    /// Who opens and makes the TLS records of consoles.
    pub tls_records: TlsRecords,
    /// An HTTP proxy on the way to `/sdk` and to consoles, with user and password where it wants them.
    pub proxy: Option<Secret<url::Url>>,
}

/// Who opens and makes TLS records once the handshake, which is always rustls', is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsRecords {
    /// rustls.
    #[default]
    Rustls,
    /// The gateway itself, where they lie (`docs/in-place-records.md`).
    InPlace,
}

impl VSphere {
    /// The front door of an ESXi allows 128 connections in all (`docs/webmks.md` 2.6): this leaves some for
    /// its administrators.
    pub const MAX_CONSOLES: usize = 100;

    /// An endpoint with every default.
    pub fn new(url: url::Url, username: String, password: SecretString) -> Self {
        Self {
            url,
            username,
            password,
            trust: Trust::System,
            console_trust: ConsoleTrust::Ticket,
            console_address: BTreeMap::new(),
            max_consoles: Self::MAX_CONSOLES,
            tls_records: TlsRecords::Rustls,
            proxy: None,
        }
    }

    /// Whether nothing at all differs, secrets included.
    pub fn is_same(&self, other: &Self) -> bool {
        let proxy = |one: &Self| one.proxy.as_ref().map(|proxy| proxy.expose().clone());
        self.url == other.url
            && self.username == other.username
            && self.password.expose_secret() == other.password.expose_secret()
            && self.trust == other.trust
            && self.console_trust == other.console_trust
            && self.console_address == other.console_address
            && self.max_consoles == other.max_consoles
            && self.tls_records == other.tls_records
            && proxy(self) == proxy(other)
    }
}

/// What is behind a port. As text, it is as the log, `check` and the users file name it.
#[derive(Debug, Clone)]
pub enum Behind {
    /// A VM of a vSphere.
    Vm {
        /// Its name in the configuration.
        vsphere: String,
        /// Which VM.
        vm: VmRef,
        /// The VM's VNC password, for a host that asks for it.
        password: Option<Secret<VncPassword>>,
    },
    /// A server at a URL.
    Url(Arc<Endpoint>),
}

impl fmt::Display for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vm { vm, .. } => fmt::Display::fmt(vm, f),
            Self::Url(endpoint) => f.write_str(&endpoint.name),
        }
    }
}
