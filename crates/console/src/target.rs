//! Where a console is, what is asked for there, and whom to believe to be its host.

use std::net::SocketAddr;

use rfb_proto::VncPassword;
use rustls::ClientConfig;
use secrecy::SecretString;
use url::Url;
use vsphere::Watch;

use super::address::Address;
use super::headers::Headers;
use super::slots::Slot;
use crate::secret::Secret;

/// What is known of a console before it is dialled. It is spent by the dial, as its ticket is.
pub struct Target {
    /// Host and port, as errors and TLS name them.
    pub address: Address,
    /// How to get there.
    pub route: Route,
    /// Whom to believe to be that host; `None` where it is asked without TLS.
    pub tls: Option<ClientConfig>,
    /// What is asked for there.
    pub request: Request,
    /// What lets us in where the host asks for a VNC password.
    pub password: Option<Secret<VncPassword>>,
    /// The console's place on its host, where those are counted.
    pub slot: Option<Slot>,
    /// What becomes of the VM, where somebody watches.
    pub watch: Option<Watch>,
}

/// What is asked for in the WebSocket's opening handshake.
pub struct Request {
    /// Who told us to: what errors advise depends on it.
    pub by: By,
    /// What stands in the `Host` header.
    pub authority: String,
    /// Path and query, with whatever credential is in them.
    pub target: SecretString,
    /// The one that is offered; `None` where none must be.
    pub subprotocol: Option<String>,
    /// Further headers.
    pub headers: Headers,
}

/// What leads to a console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A ticket of vSphere.
    Ticket,
    /// A URL that was configured.
    Url,
}

/// The way to a console's host.
pub enum Route {
    /// To one of these addresses; there is one at least.
    Direct(Vec<SocketAddr>),
    /// Through a proxy, which looks the name up.
    Proxy(Secret<Url>),
}
