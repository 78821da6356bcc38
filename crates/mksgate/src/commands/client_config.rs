//! What a command that runs once works with: a configuration file, or the vSphere of the environment.

use std::collections::BTreeMap;
use std::sync::Arc;

use console::address::Address;
use console::settings::VSphere;
use console::slots::Slots;
use console::tls::Trust;
use console::upstream::Upstream;
use gateway::settings::{Config, ConsoleSettings, Limits};
use vsphere::SessionStore;

use super::CommandError;
use config::govc::{Environment, NAME, PASSWORD_MISSING};
use config::known_hosts::{self, KnownHost};
use config::session_cache::SessionCache;
use terminal::Terminal;

/// The parts of a configuration that client commands use.
pub(crate) struct ClientConfig {
    pub(crate) gateway: Limits,
    pub(crate) vspheres: BTreeMap<String, ClientVSphere>,
    pub(crate) consoles: Vec<ConsoleSettings>,
}

/// A vSphere, and what is kept of it in the user's own files.
pub(crate) struct ClientVSphere {
    pub(crate) settings: VSphere,
    /// Its line in `known_hosts.toml`, if its certificate is judged by that.
    pub(crate) known_host: Option<KnownHost>,
    /// Where its session is kept. `None`: it is logged out of.
    pub(crate) sessions: Option<Arc<dyn SessionStore>>,
}

impl From<VSphere> for ClientVSphere {
    fn from(settings: VSphere) -> Self {
        Self {
            settings,
            known_host: None,
            sessions: None,
        }
    }
}

/// A configuration file says whom to trust and has the passwords, so neither `known_hosts.toml` nor the cache is used with it.
impl From<Config> for ClientConfig {
    fn from(config: Config) -> Self {
        let vspheres = config.vspheres.into_iter();
        Self {
            gateway: config.gateway,
            vspheres: vspheres
                .map(|(name, settings)| (name, settings.into()))
                .collect(),
            consoles: config.consoles,
        }
    }
}

impl ClientConfig {
    /// Looks the vSphere of the environment up in `known_hosts.toml` and in the cache.
    pub(super) fn of_environment(
        environment: Environment,
        terminal: Terminal,
    ) -> Result<Self, CommandError> {
        let Environment {
            vsphere: mut settings,
            says_trust,
        } = environment;
        let address = Address::of(&settings.url).filter(|_| !says_trust);
        let known_host = match address {
            Some(address) => known_hosts::find(&address).map_err(CommandError::Usage)?,
            None => None,
        };
        if let Some(known_host) = &known_host {
            settings.trust = Trust::Pinned(known_host.thumbprint);
        }
        let sessions = SessionCache::of(&settings).unwrap_or_else(|error| {
            terminal.note(format!("mksgate: the session is not kept, since {error}"));
            None
        });
        let vsphere = ClientVSphere {
            settings,
            known_host,
            sessions: sessions.map(|cache| Arc::new(cache) as Arc<dyn SessionStore>),
        };
        Ok(Self {
            gateway: Limits::default(),
            vspheres: BTreeMap::from([(NAME.to_owned(), vsphere)]),
            consoles: Vec::new(),
        })
    }

    /// Asks for passwords that are missing, unless there is a session that needs none.
    pub(super) fn ask_passwords(
        mut self,
        ask: config::AskPassword<'_>,
    ) -> Result<Self, CommandError> {
        for vsphere in self.vspheres.values_mut() {
            let has_session = || {
                let sessions = vsphere.sessions.as_ref();
                sessions.is_some_and(|sessions| sessions.load().is_some())
            };
            if vsphere.settings.password.is_none() && !has_session() {
                let password = ask(&vsphere.prompt());
                let missing = || CommandError::Usage(PASSWORD_MISSING.to_owned());
                vsphere.settings.password = Some(password.ok_or_else(missing)?);
            }
        }
        Ok(self)
    }
}

impl ClientVSphere {
    /// Connects to nothing yet.
    pub(super) fn upstream(&self, name: &str) -> Result<Upstream, console::Error> {
        let (settings, sessions) = (self.settings.clone(), self.sessions.clone());
        Upstream::with_sessions(name, settings, Slots::default(), sessions)
    }

    /// The question for the password.
    pub(super) fn prompt(&self) -> String {
        let VSphere { username, url, .. } = &self.settings;
        let host = url.host_str().unwrap_or_default();
        match url.port() {
            Some(port) => format!("Password of {username} at {host}:{port}: "),
            None => format!("Password of {username} at {host}: "),
        }
    }
}
