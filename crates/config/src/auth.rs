//! Checks of `[auth.NAME]`, and of the `auth` of each console.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use rfb_proto::{SecurityType, VncPassword};
use secrecy::ExposeSecret;
use toml::Spanned;

use crate::document::{Document, no_such_section};
use crate::error::ConfigError;
use crate::{file, secret_file};
use console::secret::Secret;
use gateway::Users;
use gateway::api_keys::ApiKeys;
use gateway::certificate;
use gateway::settings::{Auth, CertificateFile, METHODS, NO_AUTH};

impl Document<'_> {
    /// The name `none` means no authentication.
    pub(crate) fn check_auth_names(
        &self,
        tables: &BTreeMap<String, Spanned<file::Auth>>,
    ) -> Result<(), ConfigError> {
        tables.get(NO_AUTH).map_or(Ok(()), |table| {
            let sentence =
                "[auth.none] is reserved: auth = \"none\" means no authentication; choose another name";
            Err(self.error_at(table.span(), sentence))
        })
    }

    pub(crate) fn auth(&self, table: Spanned<file::Auth>) -> Option<Auth> {
        let span = table.span();
        let table = table.into_inner();
        let texts = self.required(table.methods.as_ref(), "methods", &span)?;
        let methods = self.methods(texts);
        let has_any = |types: &[SecurityType]| methods.iter().any(|method| types.contains(method));
        let has_vnc_password = has_any(&[SecurityType::VncPassword, SecurityType::X509Vnc]);
        let has_users = has_any(&[SecurityType::X509Plain]);
        let encrypted = methods.iter().any(|method| method.is_encrypted());
        let required =
            |given, is_needed, key| self.keep(self.required_only_if(given, is_needed, key, texts));
        let password = required(&table.password_file, has_vnc_password, "password_file").flatten();
        let users = required(&table.users_file, has_users, "users_file").flatten();
        let certificate = required(&table.certificate, encrypted, "certificate").flatten();
        let key = required(&table.private_key, encrypted, "private_key").flatten();
        let read = (
            password.map(|file| self.vnc_password(file)).transpose(),
            users.map(|file| self.users(file)).transpose(),
            certificate
                .zip(key)
                .map(|(certificate, key)| self.tls(certificate, key))
                .transpose(),
        );
        let (certificate, tls) = self.keep(read.2).flatten().unzip();
        Some(Auth {
            password: self.keep(read.0).flatten(),
            users: self.keep(read.1).flatten().map(Arc::new),
            tls,
            certificate,
            methods,
        })
    }

    /// The methods that are known, strongest first.
    fn methods(&self, texts: &Spanned<Vec<Spanned<String>>>) -> Vec<SecurityType> {
        for text in texts.get_ref() {
            if !is_known(text) {
                let known = METHODS.map(|(name, _)| name).join(", ");
                let sentence = format!("unknown method {:?}: write one of {known}", text.get_ref());
                self.record(self.error_at(text.span(), sentence));
            }
        }
        let is_named = |name: &str| texts.get_ref().iter().any(|text| text.get_ref() == name);
        if texts.get_ref().is_empty() {
            let sentence = "methods is empty, so no viewer can log in: name one";
            self.record(self.error_at(texts.span(), sentence).missing());
        }
        let methods = METHODS.into_iter().filter(|(name, _)| is_named(name));
        methods.map(|(_, method)| method).collect()
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
            (None, true) => {
                let sentence = format!("these methods need a {key}: add it");
                Err(self.error_at(methods.span(), sentence).missing())
            }
            // One of the methods may be misspelt.
            (file, false) if !methods.get_ref().iter().all(is_known) => Ok(file.as_ref()),
            (Some(file), false) => {
                let sentence =
                    format!("{key} has no effect with these methods: remove it, or add a method");
                Err(self.error_at(file.span(), sentence).missing())
            }
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
            .map_err(|error| self.file_error(file, &error.to_string()))
    }

    fn users(&self, file: &Spanned<PathBuf>) -> Result<Users, ConfigError> {
        let users = self.lines_of(file, Users::parse)?;
        Ok(users.with_origin(self.resolve(file.get_ref())))
    }

    pub(crate) fn api_keys(&self, file: &Spanned<PathBuf>) -> Result<ApiKeys, ConfigError> {
        self.lines_of(file, ApiKeys::parse)
    }

    /// Reads a secret file, and records each invalid line.
    fn lines_of<T>(
        &self,
        file: &Spanned<PathBuf>,
        parse: impl FnOnce(&str) -> Result<T, Vec<String>>,
    ) -> Result<T, ConfigError> {
        let path = self.resolve(file.get_ref());
        let bytes = secret_file::read(&path).map_err(|error| self.file_error(file, &error))?;
        let text = str::from_utf8(&bytes)
            .map_err(|_| self.file_error(file, "it is not UTF-8 text: save it as that"))?;
        parse(text).map_err(|mut errors| {
            let last = errors.pop().unwrap_or_default();
            for error in errors {
                self.record(self.file_error(file, &error));
            }
            self.file_error(file, &last)
        })
    }

    pub(crate) fn tls(
        &self,
        chain: &Spanned<PathBuf>,
        key: &Spanned<PathBuf>,
    ) -> Result<(CertificateFile, Arc<rustls::ServerConfig>), ConfigError> {
        let wrong = |file, error: String| self.file_error(file, &error);
        let path = self.resolve(chain.get_ref());
        let certificates = secret_file::read_public(&path)
            .and_then(|pem| certificate::chain(&pem))
            .map_err(|error| wrong(chain, error))?;
        let server = secret_file::read(&self.resolve(key.get_ref()))
            .and_then(|pem| certificate::server(certificates.clone(), &pem))
            .map_err(|error| wrong(key, error))?;
        let chain = certificates;
        Ok((CertificateFile { path, chain }, server))
    }

    /// Without `auth`, only loopback listeners are allowed: a viewer controls the VM's keyboard.
    pub(crate) fn console_auth(
        &self,
        table: &file::Console,
        listen: SocketAddr,
        is_private: bool,
        span: Range<usize>,
        auths: &BTreeMap<String, Option<Auth>>,
    ) -> Result<Auth, ConfigError> {
        let Some(name) = &table.auth else {
            if is_private {
                return Ok(Auth::none());
            }
            let sentence = format!(
                "{listen} can be reached from other machines: add auth = \"NAME\" of an [auth.NAME], or \
                 auth = \"none\" if no login is wanted"
            );
            return Err(self.error_at(span, sentence).missing());
        };
        match (name.get_ref().as_str(), auths.get(name.get_ref())) {
            // Its own error is recorded: the configuration is refused.
            (_, Some(None)) => Ok(Auth::none()),
            (_, Some(Some(auth))) if is_private || !auth.needs_no_credentials() => Ok(auth.clone()),
            (named, Some(Some(auth))) => {
                let open_methods = auth
                    .methods
                    .iter()
                    .filter(|method| Auth::method_needs_no_credentials(method));
                let open_methods: Vec<&str> = open_methods.map(Auth::name_of).collect();
                let sentence = format!(
                    "{listen} can be reached from other machines and [auth.{named}] needs no credentials with {}: \
                     remove that method, or write auth = \"none\" here if no login is wanted",
                    open_methods.join(" and ")
                );
                Err(self.error_at(name.span(), sentence))
            }
            (NO_AUTH, None) => Ok(Auth::none()),
            (name_text, None) => {
                let known: Vec<&str> = auths.keys().map(String::as_str).collect();
                let is_method = METHODS.iter().any(|(method, _)| *method == name_text);
                let keys = match is_method {
                    true => format!("methods = [\"{name_text}\"]"),
                    false => "methods = […]".to_owned(),
                };
                let sentence = no_such_section("auth", name_text, &known, &keys);
                Err(self.error_at(name.span(), sentence))
            }
        }
    }
}

fn is_known(method: &Spanned<String>) -> bool {
    METHODS.iter().any(|(name, _)| name == method.get_ref())
}
