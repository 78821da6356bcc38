//! Counts the TCP connections that are open.

use std::net::IpAddr;

use tokio::sync::OwnedSemaphorePermit;

use crate::counts::Counters;

/// An open TCP connection, counted until it is dropped.
pub(crate) struct OpenConnection {
    counters: Counters,
    pub(crate) client: IpAddr,
    _permit: OwnedSemaphorePermit,
}

impl OpenConnection {
    pub(crate) fn new(counters: Counters, client: IpAddr, permit: OwnedSemaphorePermit) -> Self {
        counters.update(|counts| {
            counts.connections += 1;
            counts.connections_open += 1;
        });
        Self {
            counters,
            client,
            _permit: permit,
        }
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.counters
            .update(|counts| counts.connections_open = counts.connections_open.saturating_sub(1));
    }
}
