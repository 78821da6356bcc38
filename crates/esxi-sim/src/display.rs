//! What the consoles of a VM show.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::desktop::Desktop;

/// What the consoles of one VM show.
#[derive(Clone)]
pub(crate) enum Display {
    Desktop(Arc<Desktop>),
    /// A VNC server at this address.
    Bridge(SocketAddr),
}

/// The displays of a host's VMs, by managed object id.
pub(crate) type Displays = HashMap<String, Display>;

impl Display {
    pub(crate) fn desktop(&self) -> Option<Arc<Desktop>> {
        match self {
            Self::Desktop(desktop) => Some(Arc::clone(desktop)),
            Self::Bridge(_) => None,
        }
    }
}
