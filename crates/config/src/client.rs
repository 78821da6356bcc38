//! What a client command works with: a configuration file, or the vSphere of the environment, and the user's own files.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use console::address::Address;
use console::settings::VSphere;
use console::slots::Slots;
use console::tls::Trust;
use console::upstream::Upstream;
use gateway::settings::{Config, ConsoleSettings, Limits};
use vsphere::SessionStore;

use crate::govc::{Environment, NAME};
use crate::known_hosts::{self, KnownHost};
use crate::omitted::Omitted;
use crate::session_cache::SessionCache;

/// The parts of a configuration that client commands use.
pub struct ClientConfig {
    /// The limits.
    pub gateway: Limits,
    /// The vSpheres, by name.
    pub vspheres: BTreeMap<String, ClientVSphere>,
    /// The consoles of the file.
    pub consoles: Vec<ConsoleSettings>,
}

/// A vSphere, and what is kept of it in the user's own files.
pub struct ClientVSphere {
    /// Its settings; without a password where none is given: it is asked for when a login needs it.
    pub settings: VSphere,
    /// Its line in `known_hosts.toml`, if its certificate is judged by that.
    pub known_host: Option<KnownHost>,
    /// Where its session is kept. `None`: it is logged out of.
    pub sessions: Option<Arc<dyn SessionStore>>,
    /// The error if a login needs a password and there is no terminal to ask for it.
    pub password_missing: String,
}

/// A configuration file as client commands read it.
pub struct ClientFile {
    pub(crate) config: Config,
    /// For each vSphere.
    pub(crate) omitted: BTreeMap<String, Omitted>,
}

impl ClientConfig {
    /// Looks the vSpheres of the file up in `known_hosts.toml` and in the session cache; `note` shows a line to the user.
    ///
    /// # Errors
    /// A sentence: `known_hosts.toml` cannot be used.
    pub fn of_file(file: ClientFile, note: &dyn Fn(String)) -> Result<Self, String> {
        let ClientFile {
            config,
            mut omitted,
        } = file;
        let vspheres = config.vspheres.into_iter();
        let vspheres = vspheres.filter_map(|(name, settings)| {
            let omitted = omitted.remove(&name)?;
            Some((name, settings, omitted))
        });
        Ok(Self {
            gateway: config.gateway,
            vspheres: look_up(vspheres, note)?,
            consoles: config.consoles,
        })
    }

    /// Likewise, the vSphere of the environment.
    ///
    /// # Errors
    /// As [`ClientConfig::of_file`].
    pub fn of_environment(environment: Environment, note: &dyn Fn(String)) -> Result<Self, String> {
        let Environment { vsphere, omitted } = environment;
        Ok(Self {
            gateway: Limits::default(),
            vspheres: look_up([(NAME.to_owned(), vsphere, omitted)], note)?,
            consoles: Vec::new(),
        })
    }
}

fn look_up(
    vspheres: impl IntoIterator<Item = (String, VSphere, Omitted)>,
    note: &dyn Fn(String),
) -> Result<BTreeMap<String, ClientVSphere>, String> {
    // The same reason once, however many vSpheres there are.
    let mut noted = BTreeSet::new();
    let mut found = BTreeMap::new();
    for (name, mut settings, omitted) in vspheres {
        let address = Address::of(&settings.url).filter(|_| omitted.trust);
        let known_host = match address {
            Some(address) => known_hosts::find(&address)?,
            None => None,
        };
        if let Some(known_host) = &known_host {
            settings.trust = Trust::Pinned(known_host.thumbprint);
        }
        let sessions = SessionCache::of(&settings).unwrap_or_else(|reason| {
            if noted.insert(reason.clone()) {
                note(format!("mksgate: the session is not kept, since {reason}"));
            }
            None
        });
        let vsphere = ClientVSphere {
            settings,
            known_host,
            sessions: sessions.map(|cache| Arc::new(cache) as Arc<dyn SessionStore>),
            password_missing: omitted.password_missing,
        };
        found.insert(name, vsphere);
    }
    Ok(found)
}

impl ClientVSphere {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// As [`Upstream::new`].
    pub fn upstream(&self, name: &str) -> Result<Upstream, console::Error> {
        let (settings, sessions) = (self.settings.clone(), self.sessions.clone());
        Upstream::with_sessions(name, settings, Slots::default(), sessions)
    }

    /// The question for the password.
    pub fn prompt(&self) -> String {
        let VSphere { username, url, .. } = &self.settings;
        let host = url.host_str().unwrap_or_default();
        match url.port() {
            Some(port) => format!("Password of {username} at {host}:{port}: "),
            None => format!("Password of {username} at {host}: "),
        }
    }
}
