//! The settings of a vSphere, and the console that a configuration entry refers to.

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
    /// The API's URL: `https://host[:port]/sdk`.
    pub url: url::Url,
    /// The account's name.
    pub username: String,
    /// The account's password; `None` where the user will be prompted for it.
    pub password: Option<SecretString>,
    /// How the certificate of `/sdk` is verified.
    pub trust: Trust,
    /// How the certificates of consoles are verified.
    pub console_trust: ConsoleTrust,
    /// Addresses to dial in place of names in tickets.
    pub console_address: BTreeMap<String, String>,
    /// The most open consoles on each ESXi host; at least 1.
    pub max_consoles: usize,
    /// Which record layer encrypts consoles' connections.
    pub tls_records: TlsRecords,
    /// An HTTP proxy for connections to `/sdk` and to consoles, with user and password where it requires them.
    pub proxy: Option<Secret<url::Url>>,
}

/// The TLS record layer after the handshake, which is always rustls'.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsRecords {
    /// rustls' own.
    #[default]
    Rustls,
    /// `tls_records`, which encrypts and decrypts in place (`docs/in-place-records.md`).
    InPlace,
}

impl VSphere {
    /// ESXi's reverse proxy allows 128 connections in all (`docs/webmks.md` 2.6): this leaves some for administrators.
    pub const MAX_CONSOLES: usize = 100;

    /// A vSphere with default settings.
    pub fn new(url: url::Url, username: String, password: SecretString) -> Self {
        Self {
            url,
            username,
            password: Some(password),
            trust: Trust::System,
            console_trust: ConsoleTrust::Ticket,
            console_address: BTreeMap::new(),
            max_consoles: Self::MAX_CONSOLES,
            tls_records: TlsRecords::Rustls,
            proxy: None,
        }
    }

    /// Whether all settings are equal, secrets included.
    pub fn is_same(&self, other: &Self) -> bool {
        let proxy = |one: &Self| one.proxy.as_ref().map(|proxy| proxy.expose().clone());
        self.url == other.url
            && self.username == other.username
            && self.password.as_ref().map(ExposeSecret::expose_secret)
                == other.password.as_ref().map(ExposeSecret::expose_secret)
            && self.trust == other.trust
            && self.console_trust == other.console_trust
            && self.console_address == other.console_address
            && self.max_consoles == other.max_consoles
            && self.tls_records == other.tls_records
            && proxy(self) == proxy(other)
    }
}

/// Which console a port leads to. As text it is the name in the log, in `check` and in the users file.
#[derive(Debug, Clone)]
pub enum Backend {
    /// A VM of a vSphere.
    Vm {
        /// The name of the vSphere in the configuration.
        vsphere: String,
        /// The VM.
        vm: VmRef,
        /// The VM's VNC password, for hosts that ask for it.
        password: Option<Secret<VncPassword>>,
    },
    /// A server at a URL.
    Url(Arc<Endpoint>),
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vm { vm, .. } => fmt::Display::fmt(vm, f),
            Self::Url(endpoint) => f.write_str(&endpoint.name),
        }
    }
}
