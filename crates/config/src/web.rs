//! Checks of `[web]`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use toml::Spanned;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::document::{Document, no_such_section};
use crate::error::ConfigError;
use crate::file;
use gateway::overlap::overlap;
use gateway::settings::{Auth, CertificateFile, NO_AUTH, Web};

impl Document<'_> {
    /// Its address, which must not be that of `[admin]`. Those of consoles are compared with both.
    pub(crate) fn web_listen(
        &self,
        web: &Spanned<file::Web>,
        admin: Option<SocketAddr>,
    ) -> Option<SocketAddr> {
        self.enter(&web.span());
        let listen = web.get_ref().listen.as_ref();
        let listen = self.required(listen, "listen", &web.span())?;
        let text = listen.get_ref();
        let sentence = match text.parse::<SocketAddr>() {
            Ok(address) if address.port() != 0 => match admin {
                Some(admin) if overlap(&address, &admin) => {
                    format!("[admin] listens on {admin} already: give each its own port")
                }
                _ => return Some(address),
            },
            Ok(_) => "browsers cannot connect to port 0: choose another".to_owned(),
            Err(_) => format!(
                "listen = {text:?} is not ADDRESS:PORT, as \"0.0.0.0:8443\" or \"[::1]:8443\""
            ),
        };
        self.record(self.error_at(listen.span(), sentence));
        None
    }

    /// Records each mistake.
    pub(crate) fn web(
        &self,
        web: &Spanned<file::Web>,
        listen: SocketAddr,
        auths: &BTreeMap<String, Option<Auth>>,
    ) -> Option<Web> {
        self.enter(&web.span());
        let table = web.get_ref();
        let tls = self.keep(self.web_tls(table));
        let proxy_from = self.networks(table.proxy_from.as_deref().unwrap_or_default());
        let is_loopback = listen.ip().to_canonical().is_loopback();
        if matches!(tls, Some(None)) && !is_loopback && proxy_from.is_empty() {
            let sentence = format!(
                "{listen} can be reached from other machines without TLS: add certificate and private_key, listen on 127.0.0.1, or name the reverse proxies in proxy_from"
            );
            let position = table.listen.as_ref().map(Spanned::span);
            let error = self.error_at(position.unwrap_or_default(), sentence);
            self.record(error.missing());
        }
        let is_private = is_loopback && proxy_from.is_empty();
        let auth = self.required(table.auth.as_ref(), "auth", &web.span());
        let auth = auth.and_then(|auth| self.keep(self.web_auth(auth, listen, is_private, auths)));
        let hosts = self.hosts(&table.hosts);
        let user_header = self.keep(self.user_header(table));
        let viewer_host = table.viewer_host.as_ref();
        let viewer_host = viewer_host.map(|host| self.keep(self.host(host)));
        let api_keys = table.api_keys_file.as_ref();
        let api_keys = api_keys.and_then(|file| self.keep(self.api_keys(file)));
        let frame_ancestors = self.frame_ancestors(&table.frame_ancestors);
        let (certificate, tls) = tls?.unzip();
        let mut names = certificate.as_ref().map_or_else(Vec::new, names);
        names.extend(hosts);
        let default = Web::new(listen, auth?);
        let novnc = table.novnc.as_deref().map(|folder| self.resolve(folder));
        let max_connections_per_source = self.at_least_one(
            table.max_connections_per_source.as_ref(),
            "max_connections_per_source",
            default.max_connections_per_source,
        );
        let per_host = table.thumbnails_per_host.as_ref();
        let per_host = self.keep(self.thumbnails_per_host(per_host));
        Some(Web {
            max_connections_per_source,
            rate_limit_factor: table
                .rate_limit_factor
                .map_or(default.rate_limit_factor, |factor| factor.get().into()),
            thumbnails_per_host: per_host?.unwrap_or(default.thumbnails_per_host),
            thumbnail_every: table.thumbnail_every.unwrap_or(default.thumbnail_every),
            tls,
            certificate,
            hosts: names,
            user_header: user_header?,
            viewer_host: viewer_host.flatten(),
            api_keys: api_keys.map(Arc::new),
            frame_ancestors,
            proxy_from,
            novnc: novnc.unwrap_or_else(|| default.novnc.clone()),
            ..default
        })
    }

    fn thumbnails_per_host(
        &self,
        given: Option<&Spanned<usize>>,
    ) -> Result<Option<usize>, ConfigError> {
        match given {
            Some(given) if !(1..=Web::MAX_THUMBNAILS).contains(given.get_ref()) => {
                let sentence = format!(
                    "thumbnails_per_host = {} is not from 1 to {}, which leaves one of four calls to a vSphere for consoles: write such a number, or thumbnail_every = \"0s\" for no pictures",
                    given.get_ref(),
                    Web::MAX_THUMBNAILS
                );
                Err(self.error_at(given.span(), sentence))
            }
            given => Ok(given.map(|given| *given.get_ref())),
        }
    }

    fn web_tls(
        &self,
        table: &file::Web,
    ) -> Result<Option<(CertificateFile, Arc<rustls::ServerConfig>)>, ConfigError> {
        match (&table.certificate, &table.private_key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => self.tls(certificate, key).map(Some),
            (Some(certificate), None) => Err(self.error_at(
                certificate.span(),
                "certificate needs a private_key: add it",
            )),
            (None, Some(key)) => {
                Err(self.error_at(key.span(), "private_key needs a certificate: add it"))
            }
        }
    }

    /// Users of the page have names, so that each has rights of its own. Without a login, only this machine may reach it.
    fn web_auth(
        &self,
        named: &Spanned<String>,
        listen: SocketAddr,
        is_private: bool,
        auths: &BTreeMap<String, Option<Auth>>,
    ) -> Result<Auth, ConfigError> {
        let name = named.get_ref();
        match auths.get(name) {
            // Its own error is recorded: the configuration is refused.
            Some(None) => Ok(Auth::none()),
            Some(Some(auth)) if auth.users.is_some() => Ok(auth.clone()),
            Some(Some(_)) => {
                let sentence = format!(
                    "[auth.{name}] has no users_file, and users of the page log in with a name and a password: name a section with the method x509-plain"
                );
                Err(self.error_at(named.span(), sentence))
            }
            None if name == NO_AUTH && is_private => Ok(Auth::none()),
            None if name == NO_AUTH => {
                let sentence = format!(
                    "{listen} can be reached from other machines, so the page needs a login: write auth = \"NAME\" of an [auth.NAME] with a users_file"
                );
                Err(self.error_at(named.span(), sentence))
            }
            None => {
                let known: Vec<&str> = auths.keys().map(String::as_str).collect();
                let sentence = no_such_section("auth", name, &known, "methods = [\"x509-plain\"]");
                Err(self.error_at(named.span(), sentence))
            }
        }
    }

    fn hosts(&self, hosts: &[Spanned<String>]) -> Vec<String> {
        let hosts = hosts.iter().filter_map(|text| self.keep(self.host(text)));
        hosts.collect()
    }

    fn host(&self, text: &Spanned<String>) -> Result<String, ConfigError> {
        let host = text.get_ref().to_ascii_lowercase();
        match is_host(&host) {
            true => Ok(host),
            false => Err(self.error_at(
                text.span(),
                format!(
                    "{:?} is not a host: write a name without scheme and port, as \"consoles.example\"",
                    text.get_ref()
                ),
            )),
        }
    }

    /// Anybody but a reverse proxy could write any name into it.
    fn user_header(&self, table: &file::Web) -> Result<Option<String>, ConfigError> {
        let Some(header) = &table.user_header else {
            return Ok(None);
        };
        let name = header.get_ref();
        if table.proxy_from.as_ref().is_none_or(Vec::is_empty) {
            return Err(self.error_at(
                header.span(),
                "user_header is believed only from reverse proxies: name them in proxy_from",
            ));
        }
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        match !name.is_empty() && name.bytes().all(is_token) {
            true => Ok(Some(name.to_ascii_lowercase())),
            false => Err(self.error_at(
                header.span(),
                format!("{name:?} is not the name of a header: write one, as \"X-Forwarded-User\""),
            )),
        }
    }

    /// They become part of a header, in which spaces and semicolons separate.
    fn frame_ancestors(&self, sources: &[Spanned<String>]) -> Vec<String> {
        let source = |text: &Spanned<String>| {
            let word = text.get_ref();
            let host = word
                .strip_prefix("https://")
                .or_else(|| word.strip_prefix("http://"));
            let name = host.map(|host| host.split_once(':').map_or(host, |(name, _)| name));
            let port = host.and_then(|host| Some(host.split_once(':')?.1));
            let valid =
                name.is_some_and(is_host) && port.is_none_or(|port| port.parse::<u16>().is_ok());
            match valid {
                true => Ok(word.clone()),
                false => Err(self.error_at(
                    text.span(),
                    format!("{word:?} is not an origin: write one without a path, as \"https://portal.example\""),
                )),
            }
        };
        let sources = sources.iter().filter_map(|text| self.keep(source(text)));
        sources.collect()
    }
}

fn is_host(text: &str) -> bool {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let is_dns = !name.is_empty() && name.bytes().all(is_name);
    is_dns || text.parse::<IpAddr>().is_ok()
}

/// The names and addresses of the gateway's own certificate.
fn names(file: &CertificateFile) -> Vec<String> {
    let certificate = file.chain.certificates().first();
    certificate.map_or_else(Vec::new, alternative_names)
}

fn alternative_names(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
        return Vec::new();
    };
    let Ok(Some(names)) = parsed.subject_alternative_name() else {
        return Vec::new();
    };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    };
    names.value.general_names.iter().filter_map(name).collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}
