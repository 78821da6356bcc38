//! A way in: what it is, and what an `[auth.NAME]` must say to be one.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use rfb_proto::{SecurityType, VncPassword};
use secrecy::ExposeSecret;
use toml::Spanned;

use super::checked::{Source, unknown};
use super::{ConfigError, Secret, file, secrets};
use crate::front_door::users::Users;
use crate::reach::certificate;

/// The way in that stands for itself wherever an `[auth.NAME]` is named.
const NO_AUTH: &str = "none";

/// What each method is called, in the order in which viewers are offered them.
const STRONGEST_FIRST: [(&str, SecurityType); 5] = [
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
    pub(crate) fn asks_nothing(&self) -> bool {
        self.methods.iter().any(asks_nothing)
    }

    /// What its methods are called, in their order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.methods.iter().map(name)
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

const fn asks_nothing(method: &SecurityType) -> bool {
    matches!(method, SecurityType::None | SecurityType::X509None)
}

fn name(method: &SecurityType) -> &'static str {
    let named = STRONGEST_FIRST.iter().find(|(_, known)| known == method);
    named.map_or("unknown", |(name, _)| name)
}

impl Source<'_> {
    /// A table that bears the word for no auth would make it mean something else.
    pub(super) fn check_auth_names(
        &self,
        tables: &BTreeMap<String, Spanned<file::Auth>>,
    ) -> Result<(), ConfigError> {
        tables.get(NO_AUTH).map_or(Ok(()), |table| {
            let sentence =
                "[auth.none] cannot be: auth = \"none\" lets anybody in; choose another name";
            Err(self.wrong(table.span(), sentence))
        })
    }

    pub(super) fn auth(&self, table: Spanned<file::Auth>) -> Result<Auth, ConfigError> {
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

    pub(super) fn vnc_password(
        &self,
        file: &Spanned<PathBuf>,
    ) -> Result<Secret<VncPassword>, ConfigError> {
        let text = self.secret_file(file)?;
        VncPassword::new(text.expose_secret())
            .map(Secret::new)
            .map_err(|error| self.wrong_file(file, &error.to_string()))
    }

    fn users(&self, file: &Spanned<PathBuf>) -> Result<Users, ConfigError> {
        let path = self.beside(file.get_ref());
        let bytes = secrets::read(&path).map_err(|error| self.wrong_file(file, &error))?;
        let text = str::from_utf8(&bytes).map_err(|_| self.wrong_file(file, "it is not text"))?;
        let users = Users::parse(text).map_err(|error| self.wrong_file(file, &error))?;
        Ok(users.with_origin(path))
    }

    fn tls(
        &self,
        chain: &Spanned<PathBuf>,
        key: &Spanned<PathBuf>,
    ) -> Result<Arc<rustls::ServerConfig>, ConfigError> {
        let wrong = |file, error: String| self.wrong_file(file, &error);
        let certificates = secrets::read_public(&self.beside(chain.get_ref()))
            .and_then(|pem| certificate::chain(&pem))
            .map_err(|error| wrong(chain, error))?;
        secrets::read(&self.beside(key.get_ref()))
            .and_then(|pem| certificate::server(certificates, &pem))
            .map_err(|error| wrong(key, error))
    }

    /// Whoever passes the port is at the VM's keyboard: without a word about it, only this machine may.
    pub(super) fn console_auth(
        &self,
        table: &file::Console,
        listen: SocketAddr,
        is_private: bool,
        place: Range<usize>,
        auths: &BTreeMap<String, Auth>,
    ) -> Result<Auth, ConfigError> {
        let Some(name) = &table.auth else {
            if is_private {
                return Ok(Auth::none());
            }
            let sentence = format!(
                "{listen} can be reached from other machines: add auth = \"NAME\" of an [auth.NAME], or \
                 auth = \"none\" if anybody may use this console"
            );
            return Err(self.wrong(place, sentence));
        };
        match (name.get_ref().as_str(), auths.get(name.get_ref())) {
            (_, Some(auth)) if is_private || !auth.asks_nothing() => Ok(auth.clone()),
            (named, Some(auth)) => {
                let ways = auth.methods.iter().filter(|method| asks_nothing(method));
                let ways: Vec<&str> = ways.map(self::name).collect();
                let sentence = format!(
                    "{listen} can be reached from other machines and [auth.{named}] lets anybody in by {}: \
                     remove that method, or write auth = \"none\" here if that is meant",
                    ways.join(" and ")
                );
                Err(self.wrong(name.span(), sentence))
            }
            (NO_AUTH, None) => Ok(Auth::none()),
            (name_text, None) => {
                let known: Vec<&str> = auths.keys().map(String::as_str).chain([NO_AUTH]).collect();
                Err(self.wrong(name.span(), unknown("auth", name_text, &known)))
            }
        }
    }
}
