//! Where a request comes from: the connection's peer, or what a reverse proxy says of its client.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use gateway::settings::Web;
use ipnet::IpNet;
use logins::source::is_in;

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// The connection that a request came on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connection {
    /// The peer, or the client that a PROXY header names.
    pub(crate) client: SocketAddr,
    /// The peer.
    pub(crate) peer: SocketAddr,
    /// The address that it connected to.
    pub(crate) local: SocketAddr,
    /// Whether it is encrypted by us.
    pub(crate) tls: bool,
}

/// The client of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    /// Its address.
    pub(crate) address: IpAddr,
    /// Whether its browser uses HTTPS.
    pub(crate) secure: bool,
    /// Whether the connection is a reverse proxy's.
    pub(crate) proxied: bool,
}

impl Client {
    /// The client of a request with these headers.
    pub(crate) fn of(connection: &Connection, headers: &HeaderMap, web: &Web) -> Self {
        let proxied = is_in(&web.proxy_from, connection.peer.ip().to_canonical());
        let direct = connection.client.ip().to_canonical();
        let (address, secure) = match proxied {
            true => (
                forwarded_for(headers, &web.proxy_from).unwrap_or(direct),
                connection.tls || is_forwarded_https(headers),
            ),
            false => (direct, connection.tls),
        };
        Self {
            address,
            secure,
            proxied,
        }
    }

    /// Whether a request may be answered without TLS: from this machine, or through a reverse proxy.
    pub(crate) const fn may_use_http(&self) -> bool {
        self.proxied || self.address.is_loopback()
    }
}

/// The last address that a reverse proxy has not: each appends the address that it was connected from, and what the client
/// itself wrote is in front.
fn forwarded_for(headers: &HeaderMap, proxies: &[IpNet]) -> Option<IpAddr> {
    let lines = headers.get_all(FORWARDED_FOR).into_iter();
    let texts: Vec<&str> = lines.filter_map(|line| line.to_str().ok()).collect();
    let mut last_first = texts
        .iter()
        .rev()
        .flat_map(|line| line.rsplit(','))
        .map(str::trim);
    let parsed = |text: &str| {
        let address = text.parse::<IpAddr>();
        let address = address.or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
        address.ok().map(|address| address.to_canonical())
    };
    // A text that is no address ends the search: what is in front of it was written by whoever wrote it.
    last_first.find_map(|text| match parsed(text) {
        Some(address) if is_in(proxies, address) => None,
        other => Some(other),
    })?
}

fn is_forwarded_https(headers: &HeaderMap) -> bool {
    let last = headers.get_all(FORWARDED_PROTO).into_iter().next_back();
    last.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"https"))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use gateway::settings::Auth;

    use super::*;

    fn client(peer: &str, headers: &[(&'static str, &'static str)]) -> Client {
        let proxy_from = vec!["192.0.2.0/24".parse().unwrap()];
        let web = Web {
            proxy_from,
            ..Web::new("0.0.0.0:8080".parse().unwrap(), Auth::none())
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        let peer = SocketAddr::new(peer.parse().unwrap(), 5);
        let local = "192.0.2.1:8080".parse().unwrap();
        let connection = Connection {
            client: peer,
            peer,
            local,
            tls: false,
        };
        Client::of(&connection, &map, &web)
    }

    #[test]
    fn what_a_client_writes_itself_is_not_believed() {
        for (peer, given, expected) in [
            ("198.51.100.9", "203.0.113.5", "198.51.100.9"),
            ("192.0.2.2", "203.0.113.5", "203.0.113.5"),
            ("::ffff:192.0.2.2", "203.0.113.5", "203.0.113.5"),
            ("192.0.2.2", "127.0.0.1, 203.0.113.5", "203.0.113.5"),
            (
                "192.0.2.2",
                "127.0.0.1, 203.0.113.5:4711, 192.0.2.3",
                "203.0.113.5",
            ),
            ("192.0.2.2", "2001:db8::5", "2001:db8::5"),
            ("192.0.2.2", "127.0.0.1, unknown", "192.0.2.2"),
            ("192.0.2.2", "192.0.2.3", "192.0.2.2"),
        ] {
            let found = client(peer, &[(FORWARDED_FOR, given)]);
            assert_eq!(
                found.address,
                expected.parse::<IpAddr>().unwrap(),
                "{peer}: {given}"
            );
        }
        let two = [
            (FORWARDED_FOR, "203.0.113.5"),
            (FORWARDED_FOR, "203.0.113.6"),
        ];
        assert_eq!(client("192.0.2.2", &two).address.to_string(), "203.0.113.6");
    }

    #[test]
    fn https_is_believed_of_a_reverse_proxy_only() {
        let https = [(FORWARDED_PROTO, "https")];
        assert!(client("192.0.2.2", &https).secure && client("192.0.2.2", &https).may_use_http());
        assert!(!client("198.51.100.9", &https).secure);
        assert!(!client("198.51.100.9", &https).may_use_http());
        assert!(client("127.0.0.1", &[]).may_use_http());
    }
}
