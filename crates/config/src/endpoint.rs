//! Checks of a `[[console]]` with a URL.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use rfb_proto::VncPassword;
use secrecy::{ExposeSecret, SecretString};
use toml::Spanned;

use crate::document::Document;
use crate::error::ConfigError;
use crate::{file, secret_file};
use console::endpoint::{self, Endpoint, Origin};
use console::headers::{COOKIE, Headers};
use console::secret::Secret;
use console::tls::Trust;
use console::url_command::UrlCommand;
use console::ws_url::WsUrl;

impl Document<'_> {
    /// `span` is where errors about missing keys point.
    pub(crate) fn endpoint(
        &self,
        table: &file::Console,
        span: Range<usize>,
    ) -> Option<Arc<Endpoint>> {
        let allow_plain = table
            .allow_plain
            .as_ref()
            .is_some_and(|word| *word.get_ref());
        let origin = self.keep(self.origin(table, allow_plain, span));
        let name = table.name.as_ref().map(|name| self.keep(self.name(name)));
        let trust = self.keep(self.endpoint_trust(table, origin.as_ref()));
        let subprotocol = table.subprotocol.as_ref();
        let subprotocol = subprotocol.map(|word| self.keep(self.subprotocol(word)));
        let headers = self.headers(table);
        let password = self.keep(self.endpoint_password(table));
        self.keep(self.reject_vm_password(table));
        let mut endpoint = Endpoint::new(origin?);
        if let Some(name) = name {
            endpoint.name = name?;
        }
        if let Some(subprotocol) = subprotocol {
            endpoint.subprotocol = subprotocol?;
        }
        endpoint.trust = trust?;
        endpoint.headers = headers;
        endpoint.password = password?;
        endpoint.allow_plain = allow_plain;
        Some(endpoint.into())
    }

    fn origin(
        &self,
        table: &file::Console,
        allow_plain: bool,
        span: Range<usize>,
    ) -> Result<Origin, ConfigError> {
        match (&table.url, &table.url_command) {
            (Some(url), None) => self.url(url, allow_plain).map(Origin::Fixed),
            (None, Some(command)) => self.command(command).map(Origin::Command),
            (Some(_), Some(command)) => {
                let sentence = "this console has url and url_command: keep one of them";
                Err(self.error_at(command.span(), sentence))
            }
            (None, None) => {
                let sentence = "this console has no target: add vsphere and vm, or url";
                Err(self.error_at(span, sentence).missing())
            }
        }
    }

    fn url(&self, url: &Spanned<String>, allow_plain: bool) -> Result<WsUrl, ConfigError> {
        match WsUrl::parse(url.get_ref()) {
            Ok(exposed) if exposed.is_exposed && !allow_plain => Err(self.error_at(
                url.span(),
                "ws:// to another machine can be read and changed on the way: write wss://, or add allow_plain = true",
            )),
            parsed => parsed.map_err(|error| self.error_at(url.span(), error)),
        }
    }

    /// A program with a slash in its name is relative to the configuration's directory.
    fn command(&self, words: &Spanned<Vec<String>>) -> Result<UrlCommand, ConfigError> {
        match words.get_ref().split_first() {
            Some((program, arguments)) if !program.is_empty() => {
                let program = match program.contains('/') {
                    true => self.resolve(program.as_ref()),
                    false => PathBuf::from(program),
                };
                Ok(UrlCommand::new(program, arguments.to_vec()))
            }
            _ => Err(self.error_at(
                words.span(),
                "url_command has no program: write [\"PROGRAM\", \"ARGUMENT\"]",
            )),
        }
    }

    fn name(&self, name: &Spanned<String>) -> Result<String, ConfigError> {
        let text = name.get_ref();
        match text.is_empty() || text.contains(char::is_control) {
            false => Ok(text.clone()),
            true => Err(self.error_at(
                name.span(),
                "the name is empty or has control characters: write one line of text, or leave it out",
            )),
        }
    }

    /// ws:// has no certificate to verify.
    fn endpoint_trust(
        &self,
        table: &file::Console,
        origin: Option<&Origin>,
    ) -> Result<Trust, ConfigError> {
        match (&table.trust, origin) {
            (Some(trust), Some(Origin::Fixed(url))) if !url.encrypted => Err(self.error_at(
                trust.span(),
                "trust has no effect with ws://, which has no certificate: remove it, or write wss://",
            )),
            (trust, _) => self.trust(trust.as_ref()),
        }
    }

    fn subprotocol(&self, word: &Spanned<String>) -> Result<Option<String>, ConfigError> {
        endpoint::subprotocol(word.get_ref()).map_err(|error| self.error_at(word.span(), error))
    }

    /// Headers from the file itself, from another file and from the environment, and the cookie.
    fn headers(&self, table: &file::Console) -> Headers {
        let mut headers = Headers::default();
        let add = |headers: &mut Headers, name: &str, value: SecretString, span: Range<usize>| {
            let added = headers.add(name, value);
            self.keep(added.map_err(|error| self.error_at(span, error)));
        };
        for (name, value) in &table.headers {
            let text = value.get_ref().as_str().into();
            add(&mut headers, name, text, value.span());
        }
        for (name, variable) in &table.headers_env {
            if let Some(value) = self.keep(self.secret_variable(variable, "value of the header")) {
                add(&mut headers, name, value, variable.span());
            }
        }
        if let Some(file) = &table.headers_file {
            let read = secret_file::read_headers(&self.resolve(file.get_ref()), &mut headers);
            self.keep(read.map_err(|error| self.file_error(file, &error)));
        }
        if let Some((cookie, span)) = self.keep(self.cookie(table)).flatten() {
            add(&mut headers, COOKIE, cookie, span);
        }
        headers
    }

    fn cookie(
        &self,
        table: &file::Console,
    ) -> Result<Option<(SecretString, Range<usize>)>, ConfigError> {
        match (&table.cookie, &table.cookie_file, &table.cookie_env) {
            (None, None, None) => Ok(None),
            (Some(cookie), None, None) => {
                Ok(Some((cookie.get_ref().as_str().into(), cookie.span())))
            }
            (None, Some(file), None) => Ok(Some((self.secret_file(file)?, file.span()))),
            (None, None, Some(variable)) => {
                let cookie = self.secret_variable(variable, "cookie")?;
                Ok(Some((cookie, variable.span())))
            }
            (cookie, file, variable) => {
                let spans = [
                    cookie.as_ref().map(Spanned::span),
                    file.as_ref().map(Spanned::span),
                    variable.as_ref().map(Spanned::span),
                ];
                let last = spans.into_iter().flatten().max_by_key(|span| span.start);
                let sentence =
                    "this console has two cookies: keep one of cookie, cookie_file and cookie_env";
                Err(self.error_at(last.unwrap_or_default(), sentence))
            }
        }
    }

    fn endpoint_password(
        &self,
        table: &file::Console,
    ) -> Result<Option<Secret<VncPassword>>, ConfigError> {
        self.host_password(
            table.password_file.as_ref(),
            table.password_env.as_ref(),
            "this console has two passwords: keep password_file or password_env",
        )
    }

    /// The VNC password of a VM, for hosts that require it.
    pub(crate) fn vm_password(
        &self,
        table: &file::Console,
    ) -> Result<Option<Secret<VncPassword>>, ConfigError> {
        self.host_password(
            table.vnc_password_file.as_ref(),
            table.vnc_password_env.as_ref(),
            "this console has two passwords: keep vnc_password_file or vnc_password_env",
        )
    }

    /// From a file or an environment variable; `both` is the error if both are given.
    fn host_password(
        &self,
        file: Option<&Spanned<PathBuf>>,
        variable: Option<&Spanned<String>>,
        both: &str,
    ) -> Result<Option<Secret<VncPassword>>, ConfigError> {
        match (file, variable) {
            (None, None) => Ok(None),
            (Some(file), None) => self.vnc_password(file).map(Some),
            (None, Some(variable)) => {
                let text = self.secret_variable(variable, "password")?;
                VncPassword::new(text.expose_secret())
                    .map(|password| Some(Secret::new(password)))
                    .map_err(|error| self.error_at(variable.span(), error.to_string()))
            }
            (Some(_), Some(variable)) => Err(self.error_at(variable.span(), both)),
        }
    }

    /// `vnc_password_*` is for VMs; a URL takes `password_*`.
    fn reject_vm_password(&self, table: &file::Console) -> Result<(), ConfigError> {
        let file = table.vnc_password_file.as_ref().map(Spanned::span);
        let variable = table.vnc_password_env.as_ref().map(Spanned::span);
        file.or(variable).map_or(Ok(()), |span| {
            let sentence =
                "vnc_password_* is for a VM, and this console has a url: write password_file or password_env";
            Err(self.error_at(span, sentence))
        })
    }

    /// Refuses keys that need a URL.
    pub(crate) fn reject_url_keys(&self, table: &file::Console) {
        let first_of = |headers: &BTreeMap<String, Spanned<String>>| {
            headers.values().next().map(Spanned::span)
        };
        let given = [
            ("url", table.url.as_ref().map(Spanned::span)),
            ("url_command", table.url_command.as_ref().map(Spanned::span)),
            ("name", table.name.as_ref().map(Spanned::span)),
            ("trust", table.trust.as_ref().map(Spanned::span)),
            ("subprotocol", table.subprotocol.as_ref().map(Spanned::span)),
            ("headers", first_of(&table.headers)),
            ("headers_env", first_of(&table.headers_env)),
            (
                "headers_file",
                table.headers_file.as_ref().map(Spanned::span),
            ),
            ("cookie", table.cookie.as_ref().map(Spanned::span)),
            ("cookie_file", table.cookie_file.as_ref().map(Spanned::span)),
            ("cookie_env", table.cookie_env.as_ref().map(Spanned::span)),
            (
                "password_file",
                table.password_file.as_ref().map(Spanned::span),
            ),
            (
                "password_env",
                table.password_env.as_ref().map(Spanned::span),
            ),
            ("allow_plain", table.allow_plain.as_ref().map(Spanned::span)),
        ];
        for (key, span) in given {
            let Some(span) = span else { continue };
            let sentence =
                format!("{key} has no effect with vsphere and vm: remove it, or remove those two");
            self.record(self.error_at(span, sentence));
        }
    }
}
