//! How far it has come from a VM's name, or a URL, to its screen, for whoever waits or measures.

use std::net::SocketAddr;

use rfb_proto::{PixelFormat, Ready};
use vsphere::{About, Ticket, Vm};

use crate::address::Address;
use crate::client::Seen;
use crate::tls_session::TlsSession;
use crate::ws_url::WsUrl;

/// What has just been reached. They come in this order.
pub enum Progress<'a> {
    /// A session with a vSphere; one after another where several are asked.
    LoggedIn {
        /// Its name in the configuration.
        vsphere: &'a str,
        /// What it says of itself.
        about: &'a About,
    },
    /// The VM that is meant.
    Found {
        /// The name of the vSphere that has it.
        vsphere: &'a str,
        /// As it is now.
        vm: &'a Vm,
    },
    /// A one-time ticket.
    Ticket(&'a Ticket),
    /// In place of all this, for a console that is there: a URL.
    Located(&'a WsUrl),
    /// TCP to the console's host.
    Connected {
        /// As the ticket or the configuration names it.
        host: &'a Address,
        /// Who answered: the host, or a proxy before it.
        peer: Option<SocketAddr>,
    },
    /// TLS, where that is due.
    Secured(&'a TlsSession),
    /// WebSocket.
    Upgraded {
        /// What was agreed on, if anything.
        subprotocol: Option<&'a str>,
    },
    /// RFB version and security.
    Entered {
        /// What was agreed on.
        ready: Ready,
        /// The numbers of the security types to choose from.
        offered: &'a [u8],
    },
    /// What the console shows.
    Screen(&'a Screen),
    /// Two updates of that, after ServerCaps where those are sent.
    Updated(&'a Seen),
}

/// Whom to tell of each milestone.
pub type Observer = dyn Fn(Progress<'_>) + Send + Sync;

/// A console's ServerInit (RFC 6143 section 7.3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    /// The desktop's name, as far as it is printable.
    pub name: String,
    /// In pixels.
    pub size: (u16, u16),
    /// What its pixels look like.
    pub format: PixelFormat,
}
