//! An `[auth.NAME]` section: how viewers log in.

use std::path::PathBuf;
use std::sync::Arc;

use console::secret::Secret;
use rfb_proto::{SecurityType, VncPassword};

use logins::certificate::Chain;
use logins::users::Users;

/// The name that can be used in place of an `[auth.NAME]`: no authentication.
pub const NO_AUTH: &str = "none";

/// The names of the methods, in the order in which viewers are offered them.
pub const METHODS: [(&str, SecurityType); 5] = [
    ("x509-plain", SecurityType::X509Plain),
    ("x509-vnc", SecurityType::X509Vnc),
    ("x509-none", SecurityType::X509None),
    ("vnc-password", SecurityType::VncPassword),
    (NO_AUTH, SecurityType::None),
];

/// How viewers log in.
#[derive(Debug, Clone)]
pub struct Auth {
    /// The security types, in the order in which they are offered.
    pub methods: Vec<SecurityType>,
    /// The VNC password, for methods that use one.
    pub password: Option<Secret<VncPassword>>,
    /// The users, for methods with name and password.
    pub users: Option<Arc<Users>>,
    /// The TLS server configuration, for VeNCrypt methods.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Its chain, where it was read from a file; `check` reports when it expires.
    pub certificate: Option<CertificateFile>,
}

/// A certificate of the gateway, and the file that it was read from.
#[derive(Debug, Clone)]
pub struct CertificateFile {
    /// The file.
    pub path: PathBuf,
    /// The certificate, and those that lead from it to an authority.
    pub chain: Chain,
}

impl Auth {
    /// No authentication.
    pub fn none() -> Self {
        Self {
            methods: vec![SecurityType::None],
            password: None,
            users: None,
            tls: None,
            certificate: None,
        }
    }

    /// Whether a method needs no credentials.
    pub fn needs_no_credentials(&self) -> bool {
        self.methods.iter().any(Self::method_needs_no_credentials)
    }

    /// Whether `method` needs no credentials.
    pub const fn method_needs_no_credentials(method: &SecurityType) -> bool {
        matches!(method, SecurityType::None | SecurityType::X509None)
    }

    /// The name of `method` in the configuration.
    pub fn name_of(method: &SecurityType) -> &'static str {
        let named = METHODS.iter().find(|(_, known)| known == method);
        named.map_or("unknown", |(name, _)| name)
    }

    /// The names of its methods, in their order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.methods.iter().map(Self::name_of)
    }

    /// Name and password over TLS.
    pub fn x509_plain(users: Users, tls: Arc<rustls::ServerConfig>) -> Self {
        Self {
            methods: vec![SecurityType::X509Plain],
            password: None,
            users: Some(Arc::new(users)),
            tls: Some(tls),
            certificate: None,
        }
    }

    /// VNC authentication with `password`.
    pub fn vnc_password(password: VncPassword) -> Self {
        Self {
            methods: vec![SecurityType::VncPassword],
            password: Some(Secret::new(password)),
            users: None,
            tls: None,
            certificate: None,
        }
    }
}
