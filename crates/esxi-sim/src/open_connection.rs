//! Counts the TCP connections that are open.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use crate::host_state::Site;

/// Counts a connection for as long as it lives.
pub(crate) struct OpenConnection {
    site: Arc<Site>,
    pub(crate) client: IpAddr,
    _permit: OwnedSemaphorePermit,
}

impl OpenConnection {
    pub(crate) fn new(site: Arc<Site>, client: IpAddr, permit: OwnedSemaphorePermit) -> Self {
        site.journal.note(|counts| {
            counts.connections += 1;
            counts.connections_open += 1;
        });
        Self {
            site,
            client,
            _permit: permit,
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.site
            .journal
            .note(|counts| counts.connections_open = counts.connections_open.saturating_sub(1));
    }
}
