//! The configuration: what a `gateway.toml` means. A [`Config`] that exists is valid.

mod auth;
mod checked;
mod doubts;
mod endpoint;
mod error;
mod file;
mod habits;
pub(crate) mod scalar;
pub(crate) mod secrets;
mod vsphere;

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::vsphere::VmRef;
use ipnet::IpNet;
use rfb_proto::VncPassword;
use secrecy::{ExposeSecret, SecretString};

pub use auth::Auth;
pub use error::ConfigError;
pub(crate) use vsphere::sdk_url;

use crate::named_file;
use crate::reach::endpoint::Endpoint;
use crate::reach::tls::{ConsoleTrust, Trust};
pub use crate::repair::Habits;

/// Everything the gateway needs to know, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// `[gateway]`.
    pub gateway: Limits,
    /// `[admin]`: where metrics and health are served.
    pub admin: Option<SocketAddr>,
    /// `[vsphere.NAME]`, by name.
    pub vspheres: BTreeMap<String, VSphere>,
    /// `[[console]]`, in the file's order.
    pub consoles: Vec<Console>,
}

/// What bounds the whole gateway.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Sessions at once, all ports together: 1 or more.
    pub max_sessions: usize,
    /// Sessions at once on one VM: 1 or more.
    pub max_sessions_per_vm: usize,
    /// Connections at once that have not logged in yet, all ports together: 1 or more.
    pub max_unauthenticated: usize,
    /// From a viewer's arrival until its password is judged: a person's time.
    pub login_timeout: Duration,
    /// From then until its console is open: the time of vSphere and the console's host.
    pub handshake_timeout: Duration,
    /// How long a viewer may send nothing; `None` where it may for ever.
    pub idle_timeout: Option<Duration>,
    /// How long a session may last; `None` where it may for ever.
    pub max_session_time: Option<Duration>,
    /// Who must begin each connection with a PROXY header; `None` where nobody may.
    pub proxy_from: Option<Vec<IpNet>>,
    /// How long open sessions may go on after SIGTERM.
    pub drain_timeout: Duration,
}

impl Limits {
    /// Whether only this machine can reach a port on `listen`: not where a balancer brings others there.
    pub(crate) fn keep_private(&self, listen: SocketAddr) -> bool {
        listen.ip().is_loopback() && self.proxy_from.is_none()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_sessions: 1024,
            max_sessions_per_vm: 8,
            max_unauthenticated: 64,
            idle_timeout: None,
            max_session_time: None,
            proxy_from: None,
            login_timeout: Duration::from_secs(120),
            handshake_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(30),
        }
    }
}

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
    pub(crate) fn is_same(&self, other: &Self) -> bool {
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
        /// The key in [`Config::vspheres`].
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

/// One port and the console behind it.
#[derive(Debug, Clone)]
pub struct Console {
    /// Where viewers connect.
    pub listen: SocketAddr,
    /// What viewers get to see.
    pub behind: Behind,
    /// Who may.
    pub auth: Auth,
    /// From where; empty where that does not matter.
    pub allow: Vec<IpNet>,
    /// Keys, pointer and clipboard go nowhere.
    pub view_only: bool,
    /// Whether a viewer that asks for the console alone gets it.
    pub exclusive: bool,
    /// How keys and clipboards are treated; `None` where RFB is to pass as it is, whatever comes of it.
    pub habits: Option<Habits>,
}

impl Console {
    /// A console with every default.
    pub fn new(listen: SocketAddr, vsphere: impl Into<String>, vm: VmRef, auth: Auth) -> Self {
        let behind = Behind::Vm {
            vsphere: vsphere.into(),
            vm,
            password: None,
        };
        Self::leading_to(behind, listen, auth)
    }

    /// Likewise, whatever is behind it. What ESXi needs repaired, nobody else does.
    pub fn leading_to(behind: Behind, listen: SocketAddr, auth: Auth) -> Self {
        let is_vm = matches!(behind, Behind::Vm { .. });
        Self {
            listen,
            behind,
            auth,
            allow: Vec::new(),
            view_only: false,
            exclusive: false,
            habits: is_vm.then(Habits::default),
        }
    }

    /// What counts as the same console: a VM, or a port that leads to a URL.
    pub(crate) fn key(&self) -> (String, String) {
        let lead = match &self.behind {
            Behind::Vm { vsphere, .. } => vsphere.clone(),
            Behind::Url(_) => self.listen.to_string(),
        };
        (lead, self.behind.to_string())
    }
}

/// Asks a person, with this prompt, for a password; `None` where nobody is there.
pub(crate) type Ask<'a> = &'a dyn Fn(&str) -> Option<SecretString>;

/// A secret that may stand in a printable thing, and is not printed with it.
#[derive(Clone)]
pub struct Secret<T>(Arc<T>);

impl<T> Secret<T> {
    /// Hides `value`.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }

    /// The secret itself, for whoever has to check or send it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Config {
    /// One vSphere and no console.
    pub(crate) fn of_one(name: &str, vsphere: VSphere) -> Self {
        let vspheres = BTreeMap::from([(name.to_owned(), vsphere)]);
        Self {
            gateway: Limits::default(),
            admin: None,
            vspheres,
            consoles: Vec::new(),
        }
    }

    /// Reads and checks a configuration file and the secrets that it names.
    ///
    /// # Errors
    /// [`ConfigError`] at the first thing that is wrong: nothing of the file has taken effect then.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        Self::load_asking(path, &|_| None)
    }

    /// As [`Config::load`], and asks for a vSphere's password that the file leaves out.
    pub(crate) fn load_asking(path: &Path, ask: Ask<'_>) -> Result<Self, ConfigError> {
        let mut text = String::new();
        let read = named_file::open(path)
            .and_then(|file| file.take(named_file::MOST + 1).read_to_string(&mut text));
        match read.map_err(|error| ConfigError::unreadable(path, &error))? {
            read if u64::try_from(read).is_ok_and(|read| read <= named_file::MOST) => {
                checked::check(&text, path, ask)
            }
            _ => Err(ConfigError::whole(
                path,
                format!(
                    "it has more than {} bytes: name another with --config FILE",
                    named_file::MOST
                ),
            )),
        }
    }

    /// Checks the text of a configuration file that is, or would be, at `path`: other paths in it are
    /// relative to that one's folder.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        checked::check(text, path, &|_| None)
    }
}
