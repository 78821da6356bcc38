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
use crate::config::Secret;

/// What is known of a console before it is dialled. It is spent by the dial, as its ticket is.
pub(crate) struct Target {
    /// Host and port, as errors and TLS name them.
    pub(crate) address: Address,
    /// How to get there.
    pub(crate) route: Route,
    /// Whom to believe to be that host; `None` where it is asked without TLS.
    pub(crate) tls: Option<ClientConfig>,
    /// What is asked for there.
    pub(crate) request: Request,
    /// What lets us in where the host asks for a VNC password.
    pub(crate) password: Option<Secret<VncPassword>>,
    /// The console's place on its host, where those are counted.
    pub(crate) slot: Option<Slot>,
    /// What becomes of the VM, where somebody watches.
    pub(crate) watch: Option<Watch>,
}

/// What is asked for in the WebSocket's opening handshake.
pub(crate) struct Request {
    /// Who told us to: what errors advise depends on it.
    pub(crate) by: By,
    /// What stands in the `Host` header.
    pub(crate) authority: String,
    /// Path and query, with whatever credential is in them.
    pub(crate) target: SecretString,
    /// The one that is offered; `None` where none must be.
    pub(crate) subprotocol: Option<String>,
    /// Further headers.
    pub(crate) headers: Headers,
}

/// What leads to a console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// A ticket of vSphere.
    Ticket,
    /// A URL that was configured.
    Url,
}

/// The way to a console's host.
pub(crate) enum Route {
    /// To one of these addresses; there is one at least.
    Direct(Vec<SocketAddr>),
    /// Through a proxy, which looks the name up.
    Proxy(Secret<Url>),
}
