//! Counts the TCP connections that are open.

use std::net::IpAddr;

use tokio::sync::OwnedSemaphorePermit;

use crate::counts::Journal;

/// Counts a connection for as long as it lives.
pub(crate) struct OpenConnection {
    journal: Journal,
    pub(crate) client: IpAddr,
    _permit: OwnedSemaphorePermit,
}

impl OpenConnection {
    pub(crate) fn new(journal: Journal, client: IpAddr, permit: OwnedSemaphorePermit) -> Self {
        journal.note(|counts| {
            counts.connections += 1;
            counts.connections_open += 1;
        });
        Self {
            journal,
            client,
            _permit: permit,
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.journal
            .note(|counts| counts.connections_open = counts.connections_open.saturating_sub(1));
    }
}
