//! Where a ticket's console is: which host and port to dial, out of all that names one.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};

use tokio::net::lookup_host;
use url::Url;
use vsphere::{Kind, TicketParts};

use crate::error::Error;

/// The port of ESXi's front door, where neither ticket nor configuration names another.
pub const HTTPS: u16 = 443;

/// A host, by name or address, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Without brackets, also where it is an IPv6 address.
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
    /// Where `url` leads; `None` where it names no host, or no port and none is usual.
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

    /// The host without the zone of an IPv6 address: an interface of this machine, of which nobody else need know.
    pub fn without_zone(&self) -> &str {
        match self.host.split_once('%') {
            Some((address, _)) if address.contains(':') => address,
            _ => &self.host,
        }
    }

    /// What stands in an HTTP `Host` header: no port where it is the `usual` one.
    pub fn authority(&self, usual: u16) -> String {
        let text = Self {
            host: self.without_zone().to_owned(),
            port: self.port,
        }
        .to_string();
        match text.rsplit_once(':') {
            Some((host, _)) if self.port == usual => host.to_owned(),
            _ => text,
        }
    }

    /// `host`, `host:port` or `[v6]:port`; `None` where it is none of them.
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

/// Whether it may be a name, or is an address; not a part of a URL.
fn is_host(text: &str) -> bool {
    let address = text.split('%').next().unwrap_or(text);
    match text.contains(':') {
        true => address.parse::<Ipv6Addr>().is_ok(),
        false => {
            let is_wrong = |c: char| c.is_whitespace() || c.is_control() || "/\\@?#[]%".contains(c);
            !text.is_empty() && !text.contains(is_wrong)
        }
    }
}

/// Every place where the console may be, the likeliest first: what `console_address` says instead of the
/// ticket's names, the ticket's `host`, the host of its `url`, and the address that gave the ticket where
/// that is the ESXi itself (`docs/webmks.md` 2.1, "hostname trap").
pub fn candidates(
    ticket: &TicketParts,
    login: &Address,
    instead: &BTreeMap<String, String>,
) -> Vec<Address> {
    let port = ticket.port.unwrap_or(HTTPS);
    let host = ticket.host.iter().map(|host| (host, port));
    let url = ticket
        .url_host
        .iter()
        .map(|(host, url_port)| (host, url_port.unwrap_or(port)));
    let named: Vec<_> = host.chain(url).collect();
    let replaced = named
        .iter()
        .filter_map(|(host, port)| Address::parse(instead.get(*host)?, *port));
    let own = (ticket.from == Kind::Esxi).then(|| login.clone());
    let mut candidates: Vec<Address> = replaced.collect();
    candidates.extend(named.iter().map(|(host, port)| Address {
        host: (*host).clone(),
        port: *port,
    }));
    candidates.extend(own);
    candidates.dedup();
    candidates
}

/// The likeliest candidate, for a proxy that looks names up by itself.
pub fn unresolved(candidates: Vec<Address>) -> Result<Address, Error> {
    candidates.into_iter().next().ok_or_else(nowhere)
}

/// The first candidate whose name resolves, and its addresses.
pub async fn resolve(candidates: Vec<Address>) -> Result<(Address, Vec<SocketAddr>), Error> {
    let mut names = Vec::new();
    for candidate in candidates {
        let found: Vec<SocketAddr> =
            match lookup_host((candidate.host.as_str(), candidate.port)).await {
                Ok(found) => found.collect(),
                Err(_) => Vec::new(),
            };
        if !found.is_empty() {
            return Ok((candidate, found));
        }
        names.push(candidate.host);
    }
    match names.is_empty() {
        true => Err(nowhere()),
        false => Err(Error::Unresolvable {
            names: names.join(", "),
        }),
    }
}

fn nowhere() -> Error {
    Error::Setup("the ticket names no host: see that the VM's host is connected".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_host_is_no_address() {
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
    fn the_zone_of_an_address_stays_here() {
        for (host, told, authority) in [
            ("fe80::21%eth0", "fe80::21", "[fe80::21]"),
            ("2001:db8::21", "2001:db8::21", "[2001:db8::21]"),
            ("esxi01.example", "esxi01.example", "esxi01.example"),
        ] {
            let address = Address {
                host: host.into(),
                port: 443,
            };
            assert_eq!(address.without_zone(), told);
            assert_eq!(address.authority(HTTPS), authority);
        }
    }
}
