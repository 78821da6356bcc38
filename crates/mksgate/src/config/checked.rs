//! From what the file says to what it means: the one place where a configuration is checked.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use secrecy::SecretString;
use toml::Spanned;

use gateway::overlap::overlap;

use super::scalar::Time;
use super::{Ask, ConfigError, file, secrets};
use console::settings::{Behind, VSphere};
use gateway::settings::{Auth, Config, Console, Limits};

/// The text, and where it stands, so that every error can point at its place.
pub(super) struct Source<'a> {
    text: &'a str,
    path: &'a Path,
    pub(super) ask: Ask<'a>,
}

/// Where consoles listen, by port.
type Taken = BTreeMap<u16, Vec<SocketAddr>>;

pub(super) fn check(text: &str, path: &Path, ask: Ask<'_>) -> Result<Config, ConfigError> {
    let file: file::File =
        toml::from_str(text).map_err(|error| ConfigError::toml(path, text, &error))?;
    let source = Source { text, path, ask };
    let bind = source.bind(&file.gateway)?;
    let gateway = source.limits(&file.gateway)?;
    let admin = file.admin.as_ref();
    let admin_listen = admin.map(|admin| source.admin_listen(admin)).transpose()?;
    let vspheres = source.each(file.vsphere, Source::vsphere)?;
    source.check_auth_names(&file.auth)?;
    let auths = source.each(file.auth, Source::auth)?;
    if file.console.is_empty() {
        return Err(ConfigError::whole(
            path,
            "it names no console: add a [[console]] with port, vsphere and vm (or url)",
        ));
    }
    let consoles = source.consoles(
        file.console,
        bind,
        admin_listen,
        &gateway,
        &vspheres,
        &auths,
    )?;
    let admin = admin.zip(admin_listen);
    let admin = admin
        .map(|(admin, listen)| source.admin(admin, listen))
        .transpose()?;
    Ok(Config {
        gateway,
        admin,
        vspheres,
        consoles,
    })
}

impl Source<'_> {
    pub(super) fn wrong(&self, span: Range<usize>, sentence: impl Into<String>) -> ConfigError {
        ConfigError::at(self.path, self.text, span, sentence)
    }

    pub(super) fn beside(&self, path: &Path) -> PathBuf {
        secrets::place(path, self.path)
    }

    fn each<T, U>(
        &self,
        tables: BTreeMap<String, Spanned<T>>,
        check: impl Fn(&Self, Spanned<T>) -> Result<U, ConfigError>,
    ) -> Result<BTreeMap<String, U>, ConfigError> {
        tables
            .into_iter()
            .map(|(name, table)| Ok((name, check(self, table)?)))
            .collect()
    }

    fn bind(&self, gateway: &file::Gateway) -> Result<IpAddr, ConfigError> {
        let Some(bind) = &gateway.bind else {
            return Ok(Ipv4Addr::LOCALHOST.into());
        };
        let text = bind.get_ref();
        text.parse().map_err(|_| {
            let sentence = match text.parse::<SocketAddr>() {
                Ok(_) => format!(
                    "bind = {text:?} has a port, which stands in each [[console]]: write the address alone"
                ),
                Err(_) => format!(
                    "bind = {text:?} is no IP address: write one, as \"127.0.0.1\" or \"::1\""
                ),
            };
            self.wrong(bind.span(), sentence)
        })
    }

    fn limits(&self, gateway: &file::Gateway) -> Result<Limits, ConfigError> {
        let default = Limits::default();
        Ok(Limits {
            max_sessions: self.at_least_one(
                gateway.max_sessions.as_ref(),
                "max_sessions",
                default.max_sessions,
            )?,
            max_sessions_per_vm: self.at_least_one(
                gateway.max_sessions_per_vm.as_ref(),
                "max_sessions_per_vm",
                default.max_sessions_per_vm,
            )?,
            max_unauthenticated: self.at_least_one(
                gateway.max_unauthenticated.as_ref(),
                "max_unauthenticated",
                default.max_unauthenticated,
            )?,
            idle_timeout: gateway.idle_timeout.filter(|timeout| !timeout.is_zero()),
            max_session_time: gateway.max_session_time.filter(|time| !time.is_zero()),
            proxy_from: self.proxy_from(gateway)?,
            login_timeout: self.longer_than_zero(
                gateway.login_timeout.as_ref(),
                "login_timeout",
                default.login_timeout,
            )?,
            handshake_timeout: self.longer_than_zero(
                gateway.handshake_timeout.as_ref(),
                "handshake_timeout",
                default.handshake_timeout,
            )?,
            drain_timeout: gateway.drain_timeout.unwrap_or(default.drain_timeout),
        })
    }

    fn longer_than_zero(
        &self,
        given: Option<&Spanned<Time>>,
        key: &str,
        default: Duration,
    ) -> Result<Duration, ConfigError> {
        match given {
            None => Ok(default),
            Some(zero) if zero.get_ref().0.is_zero() => Err(self.wrong(
                zero.span(),
                format!(
                    "{key} = \"0s\" lets nobody in: write \"{}s\", or leave it out",
                    default.as_secs()
                ),
            )),
            Some(given) => Ok(given.get_ref().0),
        }
    }

    /// Only whoever is named is believed: a header is as good as the address that it claims.
    fn proxy_from(&self, gateway: &file::Gateway) -> Result<Option<Vec<IpNet>>, ConfigError> {
        match (&gateway.proxy_from, gateway.proxy_protocol) {
            (None, false) => Ok(None),
            (Some(from), true) => self.networks(from.get_ref()).map(Some),
            (None, true) => Ok(Some(vec![IpNet::from(IpAddr::from(Ipv4Addr::LOCALHOST))])),
            (Some(from), false) => Err(self.wrong(
                from.span(),
                "proxy_from is of no use here: add proxy_protocol = true",
            )),
        }
    }

    fn networks(&self, texts: &[Spanned<String>]) -> Result<Vec<IpNet>, ConfigError> {
        let network = |text: &Spanned<String>| {
            let word = text.get_ref();
            let parsed = word
                .parse()
                .or_else(|_| word.parse().map(|address: IpAddr| IpNet::from(address)));
            parsed.map_err(|_| {
                self.wrong(
                    text.span(),
                    format!("{word:?} is no network: write one, as \"10.0.0.0/8\""),
                )
            })
        };
        texts.iter().map(network).collect()
    }

    fn exclusive(&self, word: Option<&Spanned<String>>) -> Result<bool, ConfigError> {
        match word.map(|word| (word.get_ref().as_str(), word)) {
            None | Some(("ignore", _)) => Ok(false),
            Some(("honour", _)) => Ok(true),
            Some((other, word)) => Err(self.wrong(
                word.span(),
                format!("{other:?} is not known here: write \"ignore\" or \"honour\""),
            )),
        }
    }

    pub(super) fn at_least_one(
        &self,
        given: Option<&Spanned<usize>>,
        key: &str,
        default: usize,
    ) -> Result<usize, ConfigError> {
        match given {
            Some(none) if *none.get_ref() == 0 => Err(self.wrong(
                none.span(),
                format!("{key} = 0 lets nobody in: write 1 or more"),
            )),
            given => Ok(given.map_or(default, |given| *given.get_ref())),
        }
    }

    fn consoles(
        &self,
        tables: Vec<Spanned<file::Console>>,
        bind: IpAddr,
        admin: Option<SocketAddr>,
        limits: &Limits,
        vspheres: &BTreeMap<String, VSphere>,
        auths: &BTreeMap<String, Auth>,
    ) -> Result<Vec<Console>, ConfigError> {
        let mut taken = Taken::new();
        let mut consoles = Vec::new();
        for table in tables {
            let span = table.span();
            let table = table.into_inner();
            let (listen, place) = self.listen(&table, span, bind)?;
            self.check_alone(listen, &place, admin, &taken)?;
            taken.entry(listen.port()).or_default().push(listen);
            let behind = self.behind(&table, place.clone(), vspheres)?;
            let auth =
                self.console_auth(&table, listen, limits.keep_private(listen), place, auths)?;
            consoles.push(Console {
                allow: self.networks(&table.allow)?,
                view_only: table.view_only,
                exclusive: self.exclusive(table.exclusive.as_ref())?,
                habits: self.habits(&table)?,
                ..Console::leading_to(behind, listen, auth)
            });
        }
        Ok(consoles)
    }

    /// Two ports of one number are for two addresses, neither of which includes the other.
    fn check_alone(
        &self,
        listen: SocketAddr,
        place: &Range<usize>,
        admin: Option<SocketAddr>,
        taken: &Taken,
    ) -> Result<(), ConfigError> {
        let same_port = taken.get(&listen.port()).into_iter().flatten();
        let mut others = same_port.filter(|other| overlap(&listen, other));
        let sentence = match (others.next(), admin.filter(|admin| overlap(&listen, admin))) {
            (Some(same), _) if *same == listen => {
                format!("{listen} has a console already: give each its own port")
            }
            (Some(other), _) => format!(
                "{listen} and {other}, which has a console already, are in each other's way: give each its own port"
            ),
            (None, Some(admin)) => {
                format!("[admin] listens on {admin} already: give each its own port")
            }
            (None, None) => return Ok(()),
        };
        Err(self.wrong(place.clone(), sentence))
    }

    /// A VM of a vSphere, or a URL: one of them, and whole.
    fn behind(
        &self,
        table: &file::Console,
        place: Range<usize>,
        vspheres: &BTreeMap<String, VSphere>,
    ) -> Result<Behind, ConfigError> {
        let (vsphere, vm) = match (&table.vsphere, &table.vm) {
            (None, None) => return self.endpoint(table, place).map(Behind::Url),
            (Some(vsphere), Some(vm)) => (vsphere, vm),
            (Some(vsphere), None) => {
                return Err(self.wrong(vsphere.span(), "this console has no vm: add it"));
            }
            (None, Some(vm)) => {
                return Err(self.wrong(vm.span(), "this console has no vsphere: add it"));
            }
        };
        self.no_endpoint(table)?;
        let name = vsphere.get_ref();
        if !vspheres.contains_key(name) {
            let known: Vec<&str> = vspheres.keys().map(String::as_str).collect();
            return Err(self.wrong(vsphere.span(), unknown("vsphere", name, &known)));
        }
        let parsed = vm.get_ref().parse();
        Ok(Behind::Vm {
            vsphere: name.clone(),
            vm: parsed.map_err(|error| self.wrong(vm.span(), format!("{error}")))?,
            password: self.vm_password(table)?,
        })
    }

    fn listen(
        &self,
        table: &file::Console,
        span: Range<usize>,
        bind: IpAddr,
    ) -> Result<(SocketAddr, Range<usize>), ConfigError> {
        let (listen, place) = match (&table.port, &table.listen) {
            (Some(port), None) => (SocketAddr::new(bind, *port.get_ref()), port.span()),
            (None, Some(listen)) => {
                let wrong = || {
                    format!(
                        "listen = {:?} is not ADDRESS:PORT, as \"0.0.0.0:5901\" or \"[::1]:5901\"",
                        listen.get_ref()
                    )
                };
                (
                    listen
                        .get_ref()
                        .parse()
                        .map_err(|_| self.wrong(listen.span(), wrong()))?,
                    listen.span(),
                )
            }
            (None, None) => {
                return Err(self.wrong(span, "this console has no port: add port or listen"));
            }
            (Some(_), Some(listen)) => {
                return Err(self.wrong(
                    listen.span(),
                    "this console has port and listen: keep one of them",
                ));
            }
        };
        match listen.port() {
            0 => Err(self.wrong(
                place,
                "port 0 is no port that a viewer could be pointed at: choose one",
            )),
            _ => Ok((listen, place)),
        }
    }

    pub(super) fn wrong_file(&self, file: &Spanned<PathBuf>, sentence: &str) -> ConfigError {
        let sentence = match file.get_ref().as_os_str().is_empty() {
            true => "this names no file: write its name".into(),
            false => format!("{}: {sentence}", self.beside(file.get_ref()).display()),
        };
        self.wrong(file.span(), sentence)
    }

    /// The first line of a file.
    pub(super) fn secret_file(&self, file: &Spanned<PathBuf>) -> Result<SecretString, ConfigError> {
        secrets::read_line(&self.beside(file.get_ref()))
            .map_err(|error| self.wrong_file(file, &error))
    }
}

pub(super) fn unknown(kind: &str, name: &str, known: &[&str]) -> String {
    match known {
        [] => format!("there is no [{kind}.{name}] in this file: add it"),
        known => format!(
            "there is no [{kind}.{name}] in this file: add it, or name one of {}",
            known.join(", ")
        ),
    }
}
