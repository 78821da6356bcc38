//! Everything that is needed to open a console: address, certificate check, upgrade request, password.

use std::net::SocketAddr;

use rfb_proto::VncPassword;
use rustls::ClientConfig;
use secrecy::SecretString;
use url::Url;
use vsphere::Watch;

use crate::address::Address;
use crate::headers::Headers;
use crate::secret::Secret;
use crate::slots::Slot;

/// The parameters of one connection. Not `Clone`, since the ticket in it is valid once.
pub(crate) struct Target {
    /// Host and port, for errors and for TLS server name indication.
    pub(crate) address: Address,
    /// Directly or through a proxy.
    pub(crate) route: Route,
    /// The TLS configuration; `None` for `ws://`.
    pub(crate) tls: Option<ClientConfig>,
    /// The upgrade request.
    pub(crate) request: Request,
    /// The VNC password, for hosts that ask for it.
    pub(crate) password: Option<Secret<VncPassword>>,
    /// The console slot on its host; `None` at a URL.
    pub(crate) slot: Option<Slot>,
    /// The VM's state as vSphere reports it; `None` at a URL.
    pub(crate) watch: Option<Watch>,
}

/// The request of the WebSocket's opening handshake.
pub(crate) struct Request {
    /// Decides which remedy errors advise.
    pub(crate) kind: TargetKind,
    /// The `Host` header.
    pub(crate) authority: String,
    /// Path and query; they may contain a credential.
    pub(crate) target: SecretString,
    /// The subprotocol that is offered, if any.
    pub(crate) subprotocol: Option<String>,
    /// Further headers.
    pub(crate) headers: Headers,
}

/// How the console was located.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetKind {
    /// By a vSphere ticket.
    Ticket,
    /// By a URL.
    Url,
}

/// How the TCP connection is made.
pub(crate) enum Route {
    /// To one of these addresses, of which there is at least one.
    Direct(Vec<SocketAddr>),
    /// Through a proxy, which resolves the name.
    Proxy(Secret<Url>),
}
