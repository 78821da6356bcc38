//! Checks of `[auth.NAME]`, and of the `auth` of each console.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use rfb_proto::{SecurityType, VncPassword};
use secrecy::ExposeSecret;
use toml::Spanned;

use crate::error::ConfigError;
use crate::source::{Source, unknown};
use crate::{file, secrets};
use console::secret::Secret;
use gateway::Users;
use gateway::certificate;
use gateway::settings::{Auth, METHODS, NO_AUTH};

impl Source<'_> {
    /// `none` is reserved: it means no authentication.
    pub(crate) fn check_auth_names(
        &self,
        tables: &BTreeMap<String, Spanned<file::Auth>>,
    ) -> Result<(), ConfigError> {
        tables.get(NO_AUTH).map_or(Ok(()), |table| {
            let sentence =
                "[auth.none] cannot be: auth = \"none\" lets anybody in; choose another name";
            Err(self.wrong(table.span(), sentence))
        })
    }

    pub(crate) fn auth(&self, table: Spanned<file::Auth>) -> Result<Auth, ConfigError> {
        let table = table.into_inner();
        let methods = self.methods(&table.methods)?;
        let is_way_in =
            |wanted: &[SecurityType]| methods.iter().any(|method| wanted.contains(method));
        let by_vnc = is_way_in(&[SecurityType::VncPassword, SecurityType::X509Vnc]);
        let by_name = is_way_in(&[SecurityType::X509Plain]);
        let encrypted = methods.iter().any(|method| method.is_encrypted());
        let needed =
            |given, is_needed, key| self.required_only_if(given, is_needed, key, &table.methods);
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

    /// In order of strength, whatever order the file has.
    fn methods(
        &self,
        texts: &Spanned<Vec<Spanned<String>>>,
    ) -> Result<Vec<SecurityType>, ConfigError> {
        for text in texts.get_ref() {
            if !METHODS.iter().any(|(name, _)| name == text.get_ref()) {
                let known = METHODS.map(|(name, _)| name).join(", ");
                return Err(self.wrong(
                    text.span(),
                    format!("{:?} is not a method: known are {known}", text.get_ref()),
                ));
            }
        }
        let is_named = |name: &str| texts.get_ref().iter().any(|text| text.get_ref() == name);
        let methods: Vec<SecurityType> = METHODS
            .into_iter()
            .filter(|(name, _)| is_named(name))
            .map(|(_, method)| method)
            .collect();
        match methods.is_empty() {
            true => Err(self.wrong(
                texts.span(),
                "methods is empty, so no viewer can log in: name one",
            )),
            false => Ok(methods),
        }
    }

    /// Requires the key if the methods use it, and refuses it otherwise.
    fn required_only_if<'a>(
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
                format!("{key} has no effect with these methods: remove it, or add a method"),
            )),
            (given, _) => Ok(given.as_ref()),
        }
    }

    pub(crate) fn vnc_password(
        &self,
        file: &Spanned<PathBuf>,
    ) -> Result<Secret<VncPassword>, ConfigError> {
        let text = self.secret_file(file)?;
        VncPassword::new(text.expose_secret())
            .map(Secret::new)
            .map_err(|error| self.wrong_file(file, &error.to_string()))
    }

    fn users(&self, file: &Spanned<PathBuf>) -> Result<Users, ConfigError> {
        let path = self.resolve(file.get_ref());
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
        let certificates = secrets::read_public(&self.resolve(chain.get_ref()))
            .and_then(|pem| certificate::chain(&pem))
            .map_err(|error| wrong(chain, error))?;
        secrets::read(&self.resolve(key.get_ref()))
            .and_then(|pem| certificate::server(certificates, &pem))
            .map_err(|error| wrong(key, error))
    }

    /// Without `auth`, only loopback listeners are allowed: a viewer controls the VM's keyboard.
    pub(crate) fn console_auth(
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
            (_, Some(auth)) if is_private || !auth.needs_no_credentials() => Ok(auth.clone()),
            (named, Some(auth)) => {
                let ways = auth
                    .methods
                    .iter()
                    .filter(|method| Auth::method_needs_no_credentials(method));
                let ways: Vec<&str> = ways.map(Auth::name_of).collect();
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
