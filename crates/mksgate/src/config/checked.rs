//! From what the file says to what it means: the one place where a configuration is checked.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ipnet::IpNet;
use rfb_proto::{SecurityType, VncPassword};
use secrecy::{ExposeSecret, SecretString};
use toml::Spanned;
use url::Url;

use super::{Auth, Config, ConfigError, Console, Limits, Secret, VSphere, file, secrets};
use crate::certificate;
use crate::tls::{ConsoleTrust, Trust};
use crate::users::Users;

/// The way in that stands for itself wherever an `[auth.NAME]` is named.
const NO_AUTH: &str = "none";

/// The text, and where it stands, so that every error can point at its place.
struct Source<'a> {
    text: &'a str,
    path: &'a Path,
}

pub(super) fn check(text: &str, path: &Path) -> Result<Config, ConfigError> {
    let file: file::File =
        toml::from_str(text).map_err(|error| ConfigError::toml(path, text, &error))?;
    let source = Source { text, path };
    let bind = source.bind(&file.gateway)?;
    let gateway = source.limits(&file.gateway)?;
    let admin = source.admin(file.admin.as_ref())?;
    let vspheres = source.each(file.vsphere, Source::vsphere)?;
    let auths = source.each(file.auth, Source::auth)?;
    if file.console.is_empty() {
        return Err(ConfigError::whole(
            path,
            "it names no console: add a [[console]] with port, vsphere and vm",
        ));
    }
    let consoles = source.consoles(file.console, bind, &vspheres, &auths)?;
    Ok(Config {
        gateway,
        admin,
        vspheres,
        consoles,
    })
}

impl Source<'_> {
    fn wrong(&self, span: Range<usize>, sentence: impl Into<String>) -> ConfigError {
        ConfigError::at(self.path, self.text, span, sentence)
    }

    fn beside(&self, path: &Path) -> PathBuf {
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
        bind.get_ref().parse().map_err(|_| {
            self.wrong(
                bind.span(),
                format!(
                    "bind = {:?} is no IP address: write one, as \"127.0.0.1\"",
                    bind.get_ref()
                ),
            )
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
            handshake_timeout: gateway
                .handshake_timeout
                .unwrap_or(default.handshake_timeout),
            drain_timeout: gateway.drain_timeout.unwrap_or(default.drain_timeout),
        })
    }

    fn admin(&self, admin: Option<&file::Admin>) -> Result<Option<SocketAddr>, ConfigError> {
        let Some(listen) = admin.map(|admin| &admin.listen) else {
            return Ok(None);
        };
        let sentence = || {
            format!(
                "listen = {:?} is not ADDRESS:PORT, as \"127.0.0.1:9590\"",
                listen.get_ref()
            )
        };
        listen
            .get_ref()
            .parse()
            .map(Some)
            .map_err(|_| self.wrong(listen.span(), sentence()))
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

    fn at_least_one(
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

    /// The text is not repeated in the error: it may hold a password.
    fn proxy(&self, given: Option<&Spanned<String>>) -> Result<Option<Secret<Url>>, ConfigError> {
        let Some(given) = given else { return Ok(None) };
        let url = Url::parse(given.get_ref())
            .ok()
            .filter(|url| url.scheme() == "http" && url.has_host());
        match url {
            Some(url) => Ok(Some(Secret::new(url))),
            None => Err(self.wrong(given.span(), "this is no proxy: write \"http://HOST:PORT\"")),
        }
    }

    fn vsphere(&self, table: Spanned<file::VSphere>) -> Result<VSphere, ConfigError> {
        let span = table.span();
        let table = table.into_inner();
        let password = match (&table.password_file, &table.password_env) {
            (Some(file), None) => self.secret_file(file)?,
            (None, Some(variable)) => self.secret_variable(variable)?,
            (None, None) => {
                return Err(self.wrong(
                    span,
                    "it has no password: add password_file or password_env",
                ));
            }
            (Some(_), Some(env)) => {
                return Err(self.wrong(
                    env.span(),
                    "it has two passwords: keep password_file or password_env",
                ));
            }
        };
        let url = sdk_url(table.address.get_ref()).ok_or_else(|| {
            let address = table.address.get_ref();
            self.wrong(
                table.address.span(),
                format!("{address:?} is no address: write host, host:port or an https URL"),
            )
        })?;
        Ok(VSphere {
            url,
            username: table.username,
            password,
            trust: self.trust(table.trust.as_ref())?,
            console_trust: self.console_trust(table.console_trust.as_ref())?,
            console_address: table.console_address,
            max_consoles: self.at_least_one(
                table.max_consoles.as_ref(),
                "max_consoles",
                VSphere::MAX_CONSOLES,
            )?,
            proxy: self.proxy(table.proxy.as_ref())?,
        })
    }

    fn trust(&self, word: Option<&Spanned<String>>) -> Result<Trust, ConfigError> {
        let Some(word) = word else {
            return Ok(Trust::System);
        };
        Trust::parse(word.get_ref(), |path| self.beside(path))
            .map_err(|error| self.wrong(word.span(), error))
    }

    fn console_trust(&self, word: Option<&Spanned<String>>) -> Result<ConsoleTrust, ConfigError> {
        match word {
            None => Ok(ConsoleTrust::Ticket),
            Some(word) if word.get_ref() == "ticket" => Ok(ConsoleTrust::Ticket),
            other => self.trust(other).map(ConsoleTrust::Fixed),
        }
    }

    fn auth(&self, table: Spanned<file::Auth>) -> Result<Auth, ConfigError> {
        let table = table.into_inner();
        let methods = self.methods(&table.methods)?;
        let is_way_in =
            |wanted: &[SecurityType]| methods.iter().any(|method| wanted.contains(method));
        let by_vnc = is_way_in(&[SecurityType::VncPassword, SecurityType::X509Vnc]);
        let by_name = is_way_in(&[SecurityType::X509Plain]);
        let encrypted = methods.iter().any(|method| method.is_encrypted());
        let needed =
            |given, is_needed, key| self.exactly_when(given, is_needed, key, &table.methods);
        let password = needed(&table.password_file, by_vnc, "password_file")?;
        let users = needed(&table.users_file, by_name, "users_file")?;
        let certificate = needed(&table.certificate, encrypted, "certificate")?;
        let key = needed(&table.private_key, encrypted, "private_key")?;
        Ok(Auth {
            password: password.map(|file| self.vnc_password(file)).transpose()?,
            users: users
                .map(|file| self.users(file))
                .transpose()?
                .map(Arc::new),
            tls: certificate
                .zip(key)
                .map(|(certificate, key)| self.tls(certificate, key))
                .transpose()?,
            methods,
        })
    }

    /// The strongest first, in whatever order they are written.
    fn methods(
        &self,
        texts: &Spanned<Vec<Spanned<String>>>,
    ) -> Result<Vec<SecurityType>, ConfigError> {
        const STRONGEST_FIRST: [(&str, SecurityType); 5] = [
            ("x509-plain", SecurityType::X509Plain),
            ("x509-vnc", SecurityType::X509Vnc),
            ("x509-none", SecurityType::X509None),
            ("vnc-password", SecurityType::VncPassword),
            (NO_AUTH, SecurityType::None),
        ];
        for text in texts.get_ref() {
            if !STRONGEST_FIRST
                .iter()
                .any(|(name, _)| name == text.get_ref())
            {
                let known = STRONGEST_FIRST.map(|(name, _)| name).join(", ");
                return Err(self.wrong(
                    text.span(),
                    format!("{:?} is no method: known are {known}", text.get_ref()),
                ));
            }
        }
        let is_named = |name: &str| texts.get_ref().iter().any(|text| text.get_ref() == name);
        let methods: Vec<SecurityType> = STRONGEST_FIRST
            .into_iter()
            .filter(|(name, _)| is_named(name))
            .map(|(_, method)| method)
            .collect();
        match methods.is_empty() {
            true => Err(self.wrong(
                texts.span(),
                "methods is empty, which lets nobody in: name one",
            )),
            false => Ok(methods),
        }
    }

    /// A key that must be there where it is needed and not elsewhere: what is of no use was meant otherwise.
    fn exactly_when<'a>(
        &self,
        given: &'a Option<Spanned<PathBuf>>,
        is_needed: bool,
        key: &str,
        methods: &Spanned<Vec<Spanned<String>>>,
    ) -> Result<Option<&'a Spanned<PathBuf>>, ConfigError> {
        match (given, is_needed) {
            (None, true) => Err(self.wrong(
                methods.span(),
                format!("these methods need a {key}: add it"),
            )),
            (Some(file), false) => Err(self.wrong(
                file.span(),
                format!("{key} is of no use with these methods: remove it, or add a method"),
            )),
            (given, _) => Ok(given.as_ref()),
        }
    }

    fn vnc_password(&self, file: &Spanned<PathBuf>) -> Result<Secret<VncPassword>, ConfigError> {
        let text = self.secret_file(file)?;
        VncPassword::new(text.expose_secret())
            .map(Secret::new)
            .map_err(|error| self.wrong_file(file, &error.to_string()))
    }

    fn users(&self, file: &Spanned<PathBuf>) -> Result<Users, ConfigError> {
        let bytes = secrets::read(&self.beside(file.get_ref()))
            .map_err(|error| self.wrong_file(file, &error))?;
        let text = str::from_utf8(&bytes).map_err(|_| self.wrong_file(file, "it is not text"))?;
        Users::parse(text).map_err(|error| self.wrong_file(file, &error))
    }

    fn tls(
        &self,
        chain: &Spanned<PathBuf>,
        key: &Spanned<PathBuf>,
    ) -> Result<Arc<rustls::ServerConfig>, ConfigError> {
        let path = self.beside(chain.get_ref());
        let read = std::fs::read(&path)
            .map_err(|error| format!("it cannot be read ({error}): correct its name"));
        let chain_bytes = read.map_err(|error| self.wrong_file(chain, &error))?;
        let key_bytes = secrets::read(&self.beside(key.get_ref()))
            .map_err(|error| self.wrong_file(key, &error))?;
        certificate::server(&chain_bytes, &key_bytes)
            .map_err(|error| self.wrong(chain.span(), error))
    }

    fn wrong_file(&self, file: &Spanned<PathBuf>, sentence: &str) -> ConfigError {
        self.wrong(
            file.span(),
            format!("{}: {sentence}", self.beside(file.get_ref()).display()),
        )
    }

    fn consoles(
        &self,
        tables: Vec<Spanned<file::Console>>,
        bind: IpAddr,
        vspheres: &BTreeMap<String, VSphere>,
        auths: &BTreeMap<String, Auth>,
    ) -> Result<Vec<Console>, ConfigError> {
        let mut taken = BTreeSet::new();
        let mut consoles = Vec::new();
        for table in tables {
            let span = table.span();
            let table = table.into_inner();
            let (listen, place) = self.listen(&table, span, bind)?;
            if !taken.insert(listen) {
                return Err(self.wrong(
                    place,
                    format!("{listen} has a console already: give each its own port"),
                ));
            }
            let vsphere = table.vsphere.get_ref().clone();
            if !vspheres.contains_key(&vsphere) {
                let known: Vec<&str> = vspheres.keys().map(String::as_str).collect();
                return Err(self.wrong(table.vsphere.span(), unknown("vsphere", &vsphere, &known)));
            }
            let auth = self.console_auth(&table, listen, place, auths)?;
            let vm = table
                .vm
                .get_ref()
                .parse()
                .map_err(|error| self.wrong(table.vm.span(), format!("{error}")))?;
            consoles.push(Console {
                allow: self.networks(&table.allow)?,
                view_only: table.view_only,
                exclusive: self.exclusive(table.exclusive.as_ref())?,
                ..Console::new(listen, vsphere, vm, auth)
            });
        }
        Ok(consoles)
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
                        "listen = {:?} is not ADDRESS:PORT, as \"0.0.0.0:5901\"",
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

    /// Whoever passes the port is at the VM's keyboard: without a word about it, only this machine may.
    fn console_auth(
        &self,
        table: &file::Console,
        listen: SocketAddr,
        place: Range<usize>,
        auths: &BTreeMap<String, Auth>,
    ) -> Result<Auth, ConfigError> {
        let Some(name) = &table.auth else {
            if listen.ip().is_loopback() {
                return Ok(Auth::none());
            }
            let sentence = format!(
                "{listen} can be reached from other machines: add auth = \"NAME\" of an [auth.NAME], or \
                 auth = \"none\" if anybody may use this console"
            );
            return Err(self.wrong(place, sentence));
        };
        match (name.get_ref().as_str(), auths.get(name.get_ref())) {
            (_, Some(auth)) if listen.ip().is_loopback() || !auth.asks_nothing() => {
                Ok(auth.clone())
            }
            (_, Some(_)) => Err(self.wrong(
                name.span(),
                format!("{listen} can be reached from other machines and this lets anybody in: write auth = \"none\" here if that is meant"),
            )),
            (NO_AUTH, None) => Ok(Auth::none()),
            (name_text, None) => {
                let known: Vec<&str> = auths.keys().map(String::as_str).chain([NO_AUTH]).collect();
                Err(self.wrong(name.span(), unknown("auth", name_text, &known)))
            }
        }
    }

    /// The first line of a file.
    fn secret_file(&self, file: &Spanned<PathBuf>) -> Result<SecretString, ConfigError> {
        secrets::read_line(&self.beside(file.get_ref()))
            .map_err(|error| self.wrong_file(file, &error))
    }

    fn secret_variable(&self, name: &Spanned<String>) -> Result<SecretString, ConfigError> {
        match std::env::var(name.get_ref()) {
            Ok(value) if !value.is_empty() => Ok(value.into()),
            _ => Err(self.wrong(
                name.span(),
                format!(
                    "the environment variable {} is not set: set it to the password",
                    name.get_ref()
                ),
            )),
        }
    }
}

/// `host`, `host:port` or an https URL, as people write it.
pub(crate) fn sdk_url(address: &str) -> Option<Url> {
    let text = if address.contains("://") {
        address.to_owned()
    } else {
        format!("https://{address}")
    };
    let mut url = Url::parse(&text)
        .ok()
        .filter(|url| url.scheme() == "https" && url.has_host())?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return None;
    }
    if matches!(url.path(), "" | "/") {
        url.set_path("/sdk");
    }
    Some(url)
}

fn unknown(kind: &str, name: &str, known: &[&str]) -> String {
    match known {
        [] => format!("there is no [{kind}.{name}] in this file: add it"),
        known => format!(
            "there is no [{kind}.{name}] in this file: add it, or name one of {}",
            known.join(", ")
        ),
    }
}
