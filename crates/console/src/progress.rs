//! The steps from a VM's name or a URL to its screen, reported to commands that show or measure them.

use std::net::SocketAddr;
use std::time::Duration;

use rfb_proto::{PixelFormat, Ready};
use vsphere::{About, Ticket, Vm};

use crate::address::Address;
use crate::tls_session::TlsSession;
use crate::update_stats::UpdateStats;
use crate::ws_url::WsUrl;

/// A step that was completed; they are reported in this order.
pub enum Progress<'a> {
    /// Logged in to a vSphere; reported once for each one that is asked.
    LoggedIn {
        /// Its name in the configuration.
        vsphere: &'a str,
        /// Its AboutInfo.
        about: &'a About,
        /// How long a person took to type passwords.
        typing: Duration,
    },
    /// The VM was found.
    Found {
        /// The name of the vSphere that has it.
        vsphere: &'a str,
        /// Its current state.
        vm: &'a Vm,
    },
    /// A one-time ticket was issued.
    Ticket(&'a Ticket),
    /// The URL of a console at a URL; replaces the steps above.
    Located(&'a WsUrl),
    /// TCP is connected.
    Connected {
        /// The host, as the ticket or the configuration names it.
        host: &'a Address,
        /// The address that answered: the host's or the proxy's.
        peer: Option<SocketAddr>,
    },
    /// The TLS handshake is done; not reported for `ws://`.
    Secured(&'a TlsSession),
    /// The WebSocket is open.
    Upgraded {
        /// The negotiated subprotocol.
        subprotocol: Option<&'a str>,
    },
    /// The RFB security handshake is done.
    Entered {
        /// The negotiated version and security type.
        ready: Ready,
        /// The security types that the host offered.
        offered: &'a [u8],
    },
    /// ServerInit was received.
    Screen(&'a Screen),
    /// Two framebuffer updates were received.
    Updated(&'a UpdateStats),
}

/// Called with each step.
pub type Observer = dyn Fn(Progress<'_>) + Send + Sync;

/// A console's ServerInit (RFC 6143 section 7.3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    /// The desktop's name, without control characters.
    pub name: String,
    /// Width and height in pixels.
    pub size: (u16, u16),
    /// The server's natural pixel format.
    pub format: PixelFormat,
}
