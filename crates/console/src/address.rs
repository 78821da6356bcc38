//! A host and a port, as URLs, tickets and the configuration write them.

use std::fmt;
use std::net::Ipv6Addr;

use url::Url;

/// ESXi's HTTPS port, where neither the ticket nor the configuration names another.
pub const HTTPS: u16 = 443;

/// A host, by name or address, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A name or an address; an IPv6 address has no brackets.
    pub host: String,
    /// 1–65535.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl Address {
    /// Host and port of `url`; `None` where it has no host, or no port and its scheme has no default port.
    pub fn of(url: &Url) -> Option<Self> {
        let host = url.host_str()?;
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        Some(Self {
            host: host.to_owned(),
            port: url.port_or_known_default()?,
        })
    }

    /// The host without an IPv6 zone identifier (RFC 4007), which names an interface of this machine and means nothing to a peer.
    pub fn without_zone(&self) -> &str {
        match self.host.split_once('%') {
            Some((address, _)) if address.contains(':') => address,
            _ => &self.host,
        }
    }

    /// The value of an HTTP `Host` header: the port is left out where it is the scheme's `default_port`.
    pub fn authority(&self, default_port: u16) -> String {
        let text = Self {
            host: self.without_zone().to_owned(),
            port: self.port,
        }
        .to_string();
        match text.rsplit_once(':') {
            Some((host, _)) if self.port == default_port => host.to_owned(),
            _ => text,
        }
    }

    /// Reads `host`, `host:port` or `[v6]:port`; `None` where `text` is none of these.
    pub fn parse(text: &str, port: u16) -> Option<Self> {
        if let Ok(address) = text.parse::<std::net::IpAddr>() {
            return Some(Self {
                host: address.to_string(),
                port,
            });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, digits)) => (host, digits.parse().ok()?),
            None => (text, port),
        };
        let host = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        (is_host(host) && port != 0).then(|| Self {
            host: host.to_owned(),
            port,
        })
    }
}

/// Whether `text` is an IP address or may be a host name: URL delimiters, spaces and control characters are refused.
fn is_host(text: &str) -> bool {
    let address = text.split('%').next().unwrap_or(text);
    match text.contains(':') {
        true => address.parse::<Ipv6Addr>().is_ok(),
        false => {
            let is_forbidden =
                |c: char| c.is_whitespace() || c.is_control() || "/\\@?#[]%".contains(c);
            !text.is_empty() && !text.contains(is_forbidden)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_parsed_and_anything_else_is_refused() {
        for (text, host, port) in [
            ("esxi", "esxi", 443),
            ("esxi.example.", "esxi.example.", 443),
            ("esxi:8443", "esxi", 8443),
            ("2001:db8::1", "2001:db8::1", 443),
            ("[2001:db8::1]:8443", "2001:db8::1", 8443),
            ("[fe80::1%eth0]:8443", "fe80::1%eth0", 8443),
        ] {
            let address = Address::parse(text, HTTPS).unwrap();
            assert_eq!((address.host.as_str(), address.port), (host, port));
        }
        for text in [
            "", ":443", "x:0", "x y", "x/y", "u@h", "[::1", "::1]", "a:b:1", "http://x", "x\u{a0}",
            "x:٤٤٣", "x%eth0",
        ] {
            assert_eq!(Address::parse(text, HTTPS), None, "{text}");
        }
    }

    #[test]
    fn the_zone_identifier_is_not_sent() {
        for (host, without_zone, authority) in [
            ("fe80::21%eth0", "fe80::21", "[fe80::21]"),
            ("2001:db8::21", "2001:db8::21", "[2001:db8::21]"),
            ("esxi01.example", "esxi01.example", "esxi01.example"),
        ] {
            let address = Address {
                host: host.into(),
                port: 443,
            };
            assert_eq!(address.without_zone(), without_zone);
            assert_eq!(address.authority(HTTPS), authority);
        }
    }
}
