//! `ws://` and `wss://` URLs: address, request target, credentials, and the part that may be shown.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use crate::address::Address;
use crate::headers::Headers;

/// The longest URL, in bytes: common HTTP servers limit the request line to 8 KiB.
pub const MAX: usize = 8 * 1024;

/// The prefix of a path that contains a one-time ticket (`docs/webmks.md` 2.1).
const TICKET: &str = "/ticket/";

/// A WebSocket's URL. `Display` and `Debug` show neither query, user, password nor ticket.
#[derive(Clone)]
pub struct WsUrl {
    /// Host and port.
    pub address: Address,
    /// `wss://`, not `ws://`.
    pub encrypted: bool,
    /// Whether it is `ws://` to another machine, where traffic can be read and changed on the way.
    pub is_exposed: bool,
    /// Path and query.
    pub target: SecretString,
    /// User and password of the URL as an `Authorization` header (RFC 7617).
    pub credentials: Headers,
    shown: String,
}

impl fmt::Display for WsUrl {
    /// Host, port and path, without query, user and ticket.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for WsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl WsUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// A sentence that repeats no part of the URL, which may be a secret.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > MAX {
            return Err("this URL is longer than 8 KiB");
        }
        let url = Url::parse(text).map_err(|_| "invalid URL: write wss://HOST:PORT/PATH")?;
        let encrypted = match url.scheme() {
            "wss" => true,
            "ws" => false,
            "https" => return Err("this URL begins with https: write wss:// instead"),
            "http" => return Err("this URL begins with http: write ws:// instead"),
            _ => return Err("this URL is neither wss:// nor ws://: write wss://HOST:PORT/PATH"),
        };
        let (Some(address), Some(host)) = (Address::of(&url), url.host()) else {
            return Err("this URL has no host: write wss://HOST:PORT/PATH");
        };
        let target = url.query().map_or_else(
            || url.path().to_owned(),
            |query| format!("{}?{query}", url.path()),
        );
        Ok(Self {
            shown: shown(&address, url.path()),
            encrypted,
            is_exposed: !encrypted && !is_this_machine(&host),
            target: target.into(),
            credentials: credentials(&url)?,
            address,
        })
    }

    /// Whether it is valid for one connection only: its path contains a vSphere ticket.
    pub fn is_one_time(&self) -> bool {
        self.target.expose_secret().starts_with(TICKET)
    }

    /// The URL's scheme.
    pub const fn scheme(&self) -> &'static str {
        match self.encrypted {
            true => "wss",
            false => "ws",
        }
    }

    /// The value of the `Host` header.
    pub fn authority(&self) -> String {
        self.address
            .authority(if self.encrypted { 443 } else { 80 })
    }
}

fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

fn shown(address: &Address, path: &str) -> String {
    match (path, path.starts_with(TICKET)) {
        ("/", _) => address.to_string(),
        (_, true) => format!("{address}{TICKET}..."),
        (path, false) => format!("{address}{path}"),
    }
}

/// User and password as HTTP Basic credentials (RFC 7617).
fn credentials(url: &Url) -> Result<Headers, &'static str> {
    let mut headers = Headers::default();
    if url.username().is_empty() && url.password().is_none() {
        return Ok(headers);
    }
    let decode = |text| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
    let mut words = decode(url.username());
    words.push(b':');
    words.extend(decode(url.password().unwrap_or_default()));
    let value = format!("Basic {}", STANDARD.encode(words));
    headers.add("Authorization", value.into()).map_err(
        |_| "user and password of this URL are not valid in a header: put them into headers",
    )?;
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_is_parsed() {
        for (text, authority, target, shown) in [
            ("wss://h", "h", "/", "h:443"),
            (
                "ws://localhost:80/a b",
                "localhost",
                "/a%20b",
                "localhost:80/a%20b",
            ),
            (
                "wss://H.Example:8006/x/../y?token=s3cr3t#there",
                "h.example:8006",
                "/y?token=s3cr3t",
                "h.example:8006/y",
            ),
            (
                "wss://[fd00::1]/ticket/s3cr3t",
                "[fd00::1]",
                "/ticket/s3cr3t",
                "[fd00::1]:443/ticket/...",
            ),
        ] {
            let url = WsUrl::parse(text).unwrap();
            assert_eq!(url.authority(), authority, "{text}");
            assert_eq!(url.target.expose_secret(), target);
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?} {url}").contains("s3cr3t"));
            assert_eq!(url.credentials.iter().count(), 0);
        }
    }

    #[test]
    fn user_and_password_become_a_header_and_are_not_shown() {
        let url = WsUrl::parse("wss://ada:p%40ss@h/x").unwrap();
        let (name, value) = url.credentials.iter().next().unwrap();
        assert_eq!(
            (name, value.expose_secret()),
            ("Authorization", "Basic YWRhOnBAc3M=")
        );
        assert_eq!(format!("{url:?} {url}"), "h:443/x h:443/x");
    }

    #[test]
    fn unencrypted_url_of_another_machine_is_exposed() {
        for (text, expected) in [
            ("ws://localhost/", false),
            ("ws://127.9.9.9:1/", false),
            ("ws://[::1]/", false),
            ("wss://192.0.2.1/", false),
            ("ws://192.0.2.1/", true),
            ("ws://localhost.example/", true),
            ("ws://[fd00::1]/", true),
        ] {
            assert_eq!(WsUrl::parse(text).unwrap().is_exposed, expected, "{text}");
        }
    }

    #[test]
    fn ticket_url_is_one_time() {
        assert!(WsUrl::parse("wss://h/ticket/1").unwrap().is_one_time());
        assert!(!WsUrl::parse("wss://h/tickets").unwrap().is_one_time());
    }

    #[test]
    fn invalid_url_is_refused_and_not_repeated() {
        let long = format!("wss://h/{}", "x".repeat(MAX));
        for text in [
            "s3cr3t",
            "",
            "https://s3cr3t/",
            "http://s3cr3t/",
            "vnc://s3cr3t:1",
            "wss://",
            "wss://s3cr3t:99999",
            &long,
        ] {
            let error = WsUrl::parse(text).unwrap_err();
            assert!(
                !error.contains("s3cr3t") && error.contains("URL"),
                "{error}"
            );
        }
    }
}
