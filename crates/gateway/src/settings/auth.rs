//! A way in: how a viewer proves that it may.

use std::sync::Arc;

use console::secret::Secret;
use rfb_proto::{SecurityType, VncPassword};

use crate::login::users::Users;

/// The way in that stands for itself wherever an `[auth.NAME]` is named.
pub const NO_AUTH: &str = "none";

/// What each method is called, in the order in which viewers are offered them.
pub const STRONGEST_FIRST: [(&str, SecurityType); 5] = [
    ("x509-plain", SecurityType::X509Plain),
    ("x509-vnc", SecurityType::X509Vnc),
    ("x509-none", SecurityType::X509None),
    ("vnc-password", SecurityType::VncPassword),
    (NO_AUTH, SecurityType::None),
];

/// How a viewer proves that it may.
#[derive(Debug, Clone)]
pub struct Auth {
    /// The ways in, as they are offered.
    pub methods: Vec<SecurityType>,
    /// The VNC password, where that is a way in.
    pub password: Option<Secret<VncPassword>>,
    /// Who may by name and password, where that is a way in.
    pub users: Option<Arc<Users>>,
    /// Our certificate, where a way in is encrypted.
    pub tls: Option<Arc<rustls::ServerConfig>>,
}

impl Auth {
    /// Anybody may.
    pub fn none() -> Self {
        Self {
            methods: vec![SecurityType::None],
            password: None,
            users: None,
            tls: None,
        }
    }

    /// Whether there is a way in for whoever can connect.
    pub fn asks_nothing(&self) -> bool {
        self.methods.iter().any(Self::asks_nothing_by)
    }

    /// Whether `method` lets in whoever can connect.
    pub const fn asks_nothing_by(method: &SecurityType) -> bool {
        matches!(method, SecurityType::None | SecurityType::X509None)
    }

    /// What `method` is called in the configuration.
    pub fn name_of(method: &SecurityType) -> &'static str {
        let named = STRONGEST_FIRST.iter().find(|(_, known)| known == method);
        named.map_or("unknown", |(name, _)| name)
    }

    /// What its methods are called, in their order.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.methods.iter().map(Self::name_of)
    }

    /// Whoever gives one of these users' name and password may, encrypted by `tls`.
    pub fn x509_plain(users: Users, tls: Arc<rustls::ServerConfig>) -> Self {
        Self {
            methods: vec![SecurityType::X509Plain],
            password: None,
            users: Some(Arc::new(users)),
            tls: Some(tls),
        }
    }

    /// Whoever knows `password` may.
    pub fn vnc_password(password: VncPassword) -> Self {
        Self {
            methods: vec![SecurityType::VncPassword],
            password: Some(Secret::new(password)),
            users: None,
            tls: None,
        }
    }
}
