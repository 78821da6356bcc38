//! Checks of `[vsphere.NAME]`.

use secrecy::SecretString;
use toml::Spanned;
use url::Url;

use crate::error::ConfigError;
use crate::file;
use crate::sdk_url::{sdk_url, web_client_path};
use crate::secret_variables;
use crate::source::Source;
use console::address::Address;
use console::secret::Secret;
use console::settings::{TlsRecords, VSphere};
use console::tls::{ConsoleTrust, Trust};

impl Source<'_> {
    pub(crate) fn vsphere(&self, table: Spanned<file::VSphere>) -> Result<VSphere, ConfigError> {
        let span = table.span();
        let table = table.into_inner();
        if table.username.get_ref().trim().is_empty() {
            let sentence = "username is empty: write the name of an account";
            return Err(self.error_at(table.username.span(), sentence));
        }
        let password = match (&table.password_file, &table.password_env) {
            (Some(file), None) => self.secret_file(file)?,
            (None, Some(variable)) => self.secret_variable(variable, "password")?,
            (None, None) => {
                let (user, host) = (table.username.get_ref(), table.address.get_ref());
                let host = host.rsplit('@').next().unwrap_or_default();
                let prompted = (self.ask)(&format!("Password of {user} at {host}: "));
                let sentence = "this vSphere has no password: add password_file or password_env";
                prompted.ok_or_else(|| self.error_at(span, sentence))?
            }
            (Some(_), Some(env)) => {
                return Err(self.error_at(
                    env.span(),
                    "this vSphere has two passwords: keep password_file or password_env",
                ));
            }
        };
        let url = self.sdk_url(&table.address)?;
        for address in table.console_address.values() {
            if Address::parse(address.get_ref(), 443).is_none() {
                let sentence = format!(
                    "{:?} is not an address: write host or host:port",
                    address.get_ref()
                );
                return Err(self.error_at(address.span(), sentence));
            }
        }
        Ok(VSphere {
            url,
            username: table.username.into_inner(),
            password: Some(password),
            trust: self.trust(table.trust.as_ref())?,
            console_trust: self.console_trust(table.console_trust.as_ref())?,
            console_address: table
                .console_address
                .into_iter()
                .map(|(name, address)| (name, address.into_inner()))
                .collect(),
            max_consoles: self.at_least_one(
                table.max_consoles.as_ref(),
                "max_consoles",
                VSphere::MAX_CONSOLES,
            )?,
            tls_records: self.tls_records(table.tls_records.as_ref())?,
            proxy: self.proxy(table.proxy.as_ref())?,
        })
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
