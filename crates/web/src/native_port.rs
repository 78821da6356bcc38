//! The port at which native viewers reach a console, and the host name by which they do.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use gateway::User;
use gateway::settings::Web;

use crate::client::Client;
use crate::row::{Port, Row};

/// A port for native viewers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NativePort {
    /// A name, or an address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// As configured.
    pub(crate) listen: SocketAddr,
    pub(crate) methods: Vec<&'static str>,
}

/// Why a console has no port that the client's viewer can connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoPort {
    /// None is configured for it.
    NotConfigured,
    /// It is at this address of the gateway's machine, and the client is elsewhere.
    Loopback(SocketAddr),
}

/// The way that a request took: what it says of the names by which we can be reached.
pub(crate) struct Way<'a> {
    pub(crate) web: &'a Web,
    pub(crate) client: Client,
    /// The address that the connection was made to.
    pub(crate) local: IpAddr,
    /// The Host without its port and brackets; it was checked before.
    pub(crate) host: String,
}

impl<'a> Way<'a> {
    pub(crate) fn new(
        web: &'a Web,
        client: Client,
        local: SocketAddr,
        headers: &HeaderMap,
    ) -> Self {
        let given = headers.get(HOST).and_then(|host| host.to_str().ok());
        let authority = given.and_then(|host| host.parse::<Authority>().ok());
        let host = authority.map_or_else(
            || local.ip().to_string(),
            |authority| authority.host().trim_matches(['[', ']']).to_owned(),
        );
        Self {
            web,
            client,
            local: local.ip().to_canonical(),
            host,
        }
    }

    /// The first port of the console that this user may open and the client can reach.
    pub(crate) fn port(&self, row: &Row, user: &User) -> Result<NativePort, NoPort> {
        let mut reason = NoPort::NotConfigured;
        for port in row.ports_for(user) {
            match self.host_of(port.address) {
                Ok(host) => return Ok(NativePort::new(port, host)),
                Err(refusal) => reason = refusal,
            }
        }
        Err(reason)
    }

    fn host_of(&self, address: SocketAddr) -> Result<String, NoPort> {
        if let Some(host) = &self.web.viewer_host {
            return Ok(host.clone());
        }
        let own = address.ip().to_canonical();
        if own.is_loopback() && !self.client.address.is_loopback() {
            return Err(NoPort::Loopback(address));
        }
        // A port with an address of its own may not be reached by the page's name.
        match own.is_unspecified() || own == self.local && !self.client.proxied {
            true => Ok(self.host.clone()),
            false => Ok(own.to_string()),
        }
    }
}

impl NativePort {
    fn new(port: &Port, host: String) -> Self {
        Self {
            host,
            port: port.address.port(),
            listen: port.listen,
            methods: port.methods.clone(),
        }
    }

    /// Whether viewers need no login there.
    pub(crate) fn needs_no_login(&self) -> bool {
        !self.has_user() && !self.has_vnc_password()
    }

    fn has_user(&self) -> bool {
        self.methods.contains(&"x509-plain")
    }

    pub(crate) fn has_vnc_password(&self) -> bool {
        self.methods
            .iter()
            .any(|method| ["x509-vnc", "vnc-password"].contains(method))
    }

    /// Whether a login there can be encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.methods.iter().any(|method| method.starts_with("x509"))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use gateway::settings::Auth;

    use super::*;

    fn host_of(
        port: &str,
        host: &'static str,
        client: &str,
        proxied: bool,
        viewer_host: Option<&str>,
    ) -> Result<String, NoPort> {
        let web = Web {
            viewer_host: viewer_host.map(str::to_owned),
            ..Web::new("0.0.0.0:8443".parse().unwrap(), Auth::none())
        };
        let client = Client {
            address: client.parse().unwrap(),
            secure: true,
            proxied,
        };
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static(host));
        let local = "192.0.2.1:8443".parse().unwrap();
        Way::new(&web, client, local, &headers).host_of(port.parse().unwrap())
    }

    #[test]
    fn a_viewer_is_led_to_the_name_of_the_page_where_the_port_is_there_too() {
        let (here, there) = ("127.0.0.1", "203.0.113.5");
        for (port, host, client, proxied, expected) in [
            (
                "0.0.0.0:5901",
                "gw.example:8443",
                there,
                false,
                "gw.example",
            ),
            ("0.0.0.0:5901", "gw.example", there, true, "gw.example"),
            (
                "[::]:5901",
                "[2001:db8::1]:8443",
                there,
                false,
                "2001:db8::1",
            ),
            (
                "192.0.2.1:5901",
                "gw.example:8443",
                there,
                false,
                "gw.example",
            ),
            ("192.0.2.1:5901", "gw.example", there, true, "192.0.2.1"),
            (
                "192.0.2.9:5901",
                "gw.example:8443",
                there,
                false,
                "192.0.2.9",
            ),
            ("127.0.0.1:5901", "localhost:8443", here, false, "127.0.0.1"),
        ] {
            let found = host_of(port, host, client, proxied, None);
            assert_eq!(found.as_deref(), Ok(expected), "{port} {host} {proxied}");
        }
    }

    #[test]
    fn a_port_on_loopback_is_not_for_viewers_elsewhere_unless_a_host_is_configured() {
        let port = "127.0.0.1:5901";
        let found = host_of(port, "gw.example", "203.0.113.5", false, None);
        assert_eq!(found, Err(NoPort::Loopback(port.parse().unwrap())));
        let found = host_of(
            port,
            "gw.example",
            "203.0.113.5",
            false,
            Some("vnc.example"),
        );
        assert_eq!(found.as_deref(), Ok("vnc.example"));
    }
}
