//! Checks of `[vsphere.NAME]`.

use std::ops::Range;

use secrecy::SecretString;
use toml::Spanned;
use url::Url;

use crate::MissingPassword;
use crate::document::Document;
use crate::error::ConfigError;
use crate::file;
use crate::omitted::Omitted;
use crate::sdk_url::{sdk_url, web_client_path};
use crate::secret_variables;
use console::address::Address;
use console::secret::Secret;
use console::settings::{TlsRecords, VSphere};
use console::tls::{ConsoleTrust, Trust};

impl Document<'_> {
    pub(crate) fn vsphere(&self, table: Spanned<file::VSphere>) -> Option<VSphere> {
        let span = table.span();
        let table = table.into_inner();
        let username = self.required(table.username.as_ref(), "username", &span);
        let username = username.and_then(|username| self.keep(self.username(username)));
        let address = self.required(table.address.as_ref(), "address", &span);
        let url = address.and_then(|address| self.keep(self.sdk_url(address)));
        let password = self.keep(self.password(&table, span));
        for address in table.console_address.values() {
            if Address::parse(address.get_ref(), 443).is_none() {
                let sentence = format!(
                    "{:?} is not an address: write host or host:port",
                    address.get_ref()
                );
                self.record(self.error_at(address.span(), sentence));
            }
        }
        let trust = self.keep(self.trust(table.trust.as_ref()));
        let console_trust = self.keep(self.console_trust(table.console_trust.as_ref()));
        let tls_records = self.keep(self.tls_records(table.tls_records.as_ref()));
        let proxy = self.keep(self.proxy(table.proxy.as_ref()));
        let console_address = table.console_address.into_iter();
        let max_consoles = table.max_consoles.as_ref();
        let max_consoles = self.at_least_one(max_consoles, "max_consoles", VSphere::MAX_CONSOLES);
        Some(VSphere {
            url: url?,
            username: username?,
            password: password?,
            trust: trust?,
            console_trust: console_trust?,
            console_address: console_address
                .map(|(name, address)| (name, address.into_inner()))
                .collect(),
            max_consoles,
            tls_records: tls_records?,
            proxy: proxy?,
        })
    }

    fn username(&self, username: &Spanned<String>) -> Result<String, ConfigError> {
        match username.get_ref().trim().is_empty() {
            false => Ok(username.get_ref().clone()),
            true => {
                let sentence = "username is empty: write the name of an account";
                Err(self.error_at(username.span(), sentence))
            }
        }
    }

    fn password(
        &self,
        table: &file::VSphere,
        span: Range<usize>,
    ) -> Result<Option<SecretString>, ConfigError> {
        match (&table.password_file, &table.password_env) {
            (Some(file), None) => self.secret_file(file).map(Some),
            (None, Some(variable)) => self.secret_variable(variable, "password").map(Some),
            (None, None) => match self.missing_password {
                MissingPassword::Allowed => Ok(None),
                MissingPassword::Error => Err(self.password_missing(span)),
            },
            (Some(_), Some(env)) => Err(self.error_at(
                env.span(),
                "this vSphere has two passwords: keep password_file or password_env",
            )),
        }
    }

    fn password_missing(&self, span: Range<usize>) -> ConfigError {
        let sentence = "this vSphere has no password: add password_file or password_env";
        self.error_at(span, sentence).missing()
    }

    /// What client commands look up elsewhere.
    pub(crate) fn omitted(&self, table: &Spanned<file::VSphere>) -> Omitted {
        Omitted {
            trust: table.get_ref().trust.is_none(),
            password_missing: self.password_missing(table.span()).to_string(),
        }
    }

    fn sdk_url(&self, address: &Spanned<String>) -> Result<Url, ConfigError> {
        // The address is not repeated in the error: it may hold a password.
        let sentence = "this is not an address: write host, host:port or an https URL, without user and password";
        let url =
            sdk_url(address.get_ref()).ok_or_else(|| self.error_at(address.span(), sentence))?;
        match web_client_path(&url) {
            None => Ok(url),
            Some(path) => {
                let sentence =
                    format!("{path} is the path of a web client: remove {path} from the address");
                Err(self.error_at(address.span(), sentence))
            }
        }
    }

    pub(crate) fn trust(&self, word: Option<&Spanned<String>>) -> Result<Trust, ConfigError> {
        let Some(word) = word else {
            return Ok(Trust::System);
        };
        Trust::parse(word.get_ref(), |path| self.resolve(path))
            .map_err(|error| self.error_at(word.span(), error))
    }

    fn console_trust(&self, word: Option<&Spanned<String>>) -> Result<ConsoleTrust, ConfigError> {
        match word {
            None => Ok(ConsoleTrust::Ticket),
            Some(word) if word.get_ref() == "ticket" => Ok(ConsoleTrust::Ticket),
            other => self.trust(other).map(ConsoleTrust::Fixed),
        }
    }

    fn tls_records(&self, word: Option<&Spanned<String>>) -> Result<TlsRecords, ConfigError> {
        let Some(word) = word else {
            return Ok(TlsRecords::default());
        };
        match word.get_ref().as_str() {
            "rustls" => Ok(TlsRecords::Rustls),
            "in-place" => Ok(TlsRecords::InPlace),
            other => Err(self.error_at(
                word.span(),
                format!(
                    "{other:?} is not a value of tls_records: write \"rustls\" or \"in-place\""
                ),
            )),
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
            None => Err(self.error_at(
                given.span(),
                "this is not a proxy: write \"http://HOST:PORT\"",
            )),
        }
    }

    /// `what` names the variable's content in errors.
    pub(crate) fn secret_variable(
        &self,
        name: &Spanned<String>,
        what: &str,
    ) -> Result<SecretString, ConfigError> {
        secret_variables::read(name.get_ref(), what)
            .map_err(|error| self.error_at(name.span(), error))
    }
}
