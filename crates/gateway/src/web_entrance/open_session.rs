//! A session as the page shows it.

use std::net::SocketAddr;
use std::time::Duration;

use console::identity::VmIdentity;

use crate::registry::{Parties, SessionInfo};

/// A session that has logged in.
#[derive(Debug, Clone)]
pub struct OpenSession {
    /// Its number, as in the log.
    pub id: u64,
    /// The user's name; `None` for a VNC password or no login.
    pub user: Option<String>,
    /// The console's name.
    pub console: String,
    /// The VM, once it is looked up.
    pub vm: Option<VmIdentity>,
    /// Where its viewer connects from.
    pub viewer: SocketAddr,
    /// The time since the viewer connected.
    pub age: Duration,
    /// Input events and clipboard are dropped.
    pub view_only: bool,
}

impl OpenSession {
    pub(super) fn of(session: &SessionInfo) -> Self {
        let Parties {
            viewer,
            user,
            console,
            vm,
            view_only,
        } = session.parties().clone();
        Self {
            id: session.id,
            user,
            console,
            vm,
            viewer,
            age: session.since.elapsed(),
            view_only,
        }
    }
}
