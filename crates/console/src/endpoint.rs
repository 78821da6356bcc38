//! A console at a URL: any server that speaks RFB in a WebSocket.

use std::net::SocketAddr;

use rfb_proto::VncPassword;
use tokio::net::lookup_host;

use crate::error::Error;
use crate::headers::{Headers, is_token};
use crate::secret::Secret;
use crate::target::{Request, Route, Target, TargetKind};
use crate::tls::Trust;
use crate::url_command::{Output, UrlCommand};
use crate::ws_url::WsUrl;

/// The subprotocol of WebSocket servers for VNC, such as websockify.
const BINARY: &str = "binary";

/// The configuration's word for offering no subprotocol.
const NO_SUBPROTOCOL: &str = "none";

/// A console at a URL: where it is, and its credentials.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its name in the log, in `check` and in the users file.
    pub name: String,
    /// How its URL is obtained.
    pub origin: Origin,
    /// How its certificate is verified.
    pub trust: Trust,
    /// The one subprotocol that is offered and must be chosen; `None` where none is offered.
    pub subprotocol: Option<String>,
    /// Further headers of the upgrade request.
    pub headers: Headers,
    /// The VNC password, for a server that asks for one.
    pub password: Option<Secret<VncPassword>>,
    /// Whether `ws://` may lead to another machine.
    pub allow_plain: bool,
}

/// Reads a subprotocol from the configuration; "none" is `None`.
///
/// # Errors
/// A sentence: it is not a token (RFC 9110 section 5.6.2).
pub fn subprotocol(word: &str) -> Result<Option<String>, &'static str> {
    match word {
        NO_SUBPROTOCOL => Ok(None),
        token if is_token(token) => Ok(Some(token.to_owned())),
        _ => Err("invalid subprotocol: write one word, such as \"binary\", or \"none\""),
    }
}

/// How a URL is obtained.
#[derive(Debug, Clone)]
pub enum Origin {
    /// The URL is configured.
    Fixed(WsUrl),
    /// A program prints a fresh one for each connection.
    Command(UrlCommand),
}

/// The URL of one connection, with the credentials that a program printed with it.
pub struct UrlGrant {
    url: WsUrl,
    /// Printed with the URL; these take precedence over the configured ones.
    headers: Headers,
    password: Option<Secret<VncPassword>>,
}

impl UrlGrant {
    /// The URL.
    pub const fn url(&self) -> &WsUrl {
        &self.url
    }
}

impl Endpoint {
    /// A console with default settings, named after its URL.
    pub fn new(origin: Origin) -> Self {
        let name = match &origin {
            Origin::Fixed(url) => url.to_string(),
            Origin::Command(command) => command.to_string(),
        };
        Self {
            name,
            origin,
            trust: Trust::System,
            subprotocol: Some(BINARY.into()),
            headers: Headers::default(),
            password: None,
            allow_plain: false,
        }
    }

    /// A console with default settings at `url`.
    ///
    /// # Errors
    /// A sentence that repeats no part of the URL: it is invalid, or is `ws://` to another machine.
    pub fn at(url: &str) -> Result<Self, &'static str> {
        let url = WsUrl::parse(url)?;
        match url.is_exposed {
            false => Ok(Self::new(Origin::Fixed(url))),
            true => {
                Err("ws:// to another machine can be read and changed on the way: write wss://")
            }
        }
    }

    /// The URL for the next connection.
    ///
    /// # Errors
    /// The program that prints it fails, or prints no usable URL.
    pub async fn grant(&self) -> Result<UrlGrant, Error> {
        let command = match &self.origin {
            Origin::Fixed(url) => {
                return Ok(UrlGrant {
                    url: url.clone(),
                    headers: Headers::default(),
                    password: None,
                });
            }
            Origin::Command(command) => command,
        };
        // Boxed: keeps the session's future small.
        let Output {
            url,
            headers,
            password,
        } = Box::pin(command.run()).await?;
        let unusable = |reason| Error::UrlCommand(format!("printed an unusable URL ({reason})"));
        let url = WsUrl::parse(&url).map_err(unusable)?;
        if url.is_exposed && !self.allow_plain {
            return Err(unusable("ws:// to another machine is not encrypted"));
        }
        Ok(UrlGrant {
            url,
            headers,
            password,
        })
    }

    /// The address, TLS configuration and upgrade request for `grant`.
    pub(crate) async fn target(&self, grant: UrlGrant) -> Result<Target, Error> {
        let UrlGrant {
            url,
            headers,
            password,
        } = grant;
        let route = Route::Direct(self.resolve(&url).await?);
        let tls = match url.encrypted {
            true => Some(self.trust.client().map_err(Error::Setup)?),
            false => None,
        };
        let request = Request {
            kind: TargetKind::Url,
            authority: url.authority(),
            target: url.target,
            subprotocol: self.subprotocol.clone(),
            headers: headers.or(&self.headers).or(&url.credentials),
        };
        Ok(Target {
            address: url.address,
            route,
            tls,
            request,
            password: password.or_else(|| self.password.clone()),
            slot: None,
            watch: None,
        })
    }

    /// Resolves the host. Without TLS only loopback addresses are kept, whatever the name resolves to.
    async fn resolve(&self, url: &WsUrl) -> Result<Vec<SocketAddr>, Error> {
        let address = &url.address;
        let unreachable = |source| Error::Unreachable {
            address: address.to_string(),
            source,
        };
        let found = lookup_host((address.host.as_str(), address.port)).await;
        let mut found: Vec<SocketAddr> = found.map_err(unreachable)?.collect();
        if !url.encrypted && !self.allow_plain {
            found.retain(|address| address.ip().is_loopback());
        }
        match found.is_empty() {
            true => Err(unreachable(std::io::ErrorKind::AddrNotAvailable.into())),
            false => Ok(found),
        }
    }
}
