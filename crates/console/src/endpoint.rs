//! A console at a URL: any server that speaks RFB in a WebSocket.

use std::net::SocketAddr;

use rfb_proto::VncPassword;
use tokio::net::lookup_host;

use super::headers::{Headers, is_token};
use super::target::{By, Request, Route, Target};
use super::tls::Trust;
use super::url_command::{Answer, UrlCommand};
use super::ws_url::WsUrl;
use crate::error::Error;
use crate::secret::Secret;

/// What WebSocket servers for VNC call their one subprotocol, where they know any.
const BINARY: &str = "binary";

/// The word for no subprotocol.
const NO_SUBPROTOCOL: &str = "none";

/// Where such a console is, and what it takes to get in.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// What the log, `check` and the users file call it.
    pub name: String,
    /// Where its URL comes from.
    pub origin: Origin,
    /// How its certificate is judged.
    pub trust: Trust,
    /// The one subprotocol that is offered, and must be chosen; `None` where none is.
    pub subprotocol: Option<String>,
    /// Further headers of the request, as they are sent.
    pub headers: Headers,
    /// The VNC password, for a server that asks for one.
    pub password: Option<Secret<VncPassword>>,
    /// Whether `ws://` may lead to another machine.
    pub allow_plain: bool,
}

/// A subprotocol, or none, as people write it.
///
/// # Errors
/// A sentence.
pub fn subprotocol(word: &str) -> Result<Option<String>, &'static str> {
    match word {
        NO_SUBPROTOCOL => Ok(None),
        token if is_token(token) => Ok(Some(token.to_owned())),
        _ => Err("this is no subprotocol: write one word, as \"binary\", or \"none\""),
    }
}

/// Where a URL comes from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// It is always the same.
    Fixed(WsUrl),
    /// A program prints a fresh one for each connection.
    Command(UrlCommand),
}

/// What one connection needs to know.
pub struct Place {
    url: WsUrl,
    /// What a program has printed with the URL: instead of what is configured.
    headers: Headers,
    password: Option<Secret<VncPassword>>,
}

impl Place {
    /// Where it is.
    pub const fn url(&self) -> &WsUrl {
        &self.url
    }
}

impl Endpoint {
    /// A console with every default, called as its URL is.
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

    /// A console of which only the URL is known.
    ///
    /// # Errors
    /// A sentence, in which nothing of the URL is repeated: it is none, or is `ws://` to another machine.
    pub fn at(url: &str) -> Result<Self, &'static str> {
        let url = WsUrl::parse(url)?;
        match url.is_exposed {
            false => Ok(Self::new(Origin::Fixed(url))),
            true => {
                Err("ws:// to another machine can be read and changed on the way: write wss://")
            }
        }
    }

    /// The URL to be dialled now.
    pub async fn place(&self) -> Result<Place, Error> {
        let command = match &self.origin {
            Origin::Fixed(url) => {
                return Ok(Place {
                    url: url.clone(),
                    headers: Headers::default(),
                    password: None,
                });
            }
            Origin::Command(command) => command,
        };
        // Apart, as the dial is: an open session has no use for this room.
        let Answer {
            url,
            headers,
            password,
        } = Box::pin(command.run()).await?;
        let useless = |why| Error::UrlCommand(format!("printed what is of no use ({why})"));
        let url = WsUrl::parse(&url).map_err(useless)?;
        if url.is_exposed && !self.allow_plain {
            return Err(useless("ws:// to another machine is not allowed here"));
        }
        Ok(Place {
            url,
            headers,
            password,
        })
    }

    /// How to get to `place`, and what to say there.
    pub async fn target(&self, place: Place) -> Result<Target, Error> {
        let Place {
            url,
            headers,
            password,
        } = place;
        let route = Route::Direct(self.resolve(&url).await?);
        let tls = match url.encrypted {
            true => Some(self.trust.client().map_err(Error::Setup)?),
            false => None,
        };
        let request = Request {
            by: By::Url,
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

    /// What is not encrypted stays on this machine, whatever a name resolves to.
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
