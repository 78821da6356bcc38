//! Name resolution for the HTTP client.
//!
//! The client's connector tries the addresses of one family one after another, and divides the connect timeout among them.
//! Its only hook before that is name resolution, so the race of RFC 8305 takes place there: the address that accepts a TCP
//! connection first is put in front. That connection is closed, since the connector can only make its own.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

use crate::happy_eyeballs;

/// Resolves names as the system does.
pub(crate) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Puts the address that accepts a TCP connection first in front of the others.
pub(super) struct RacingResolver {
    resolver: Arc<dyn Resolve>,
    /// The port of the connections for which names are resolved.
    port: u16,
}

impl RacingResolver {
    pub(super) fn new(resolver: impl Resolve + 'static, port: u16) -> Self {
        Self {
            resolver: Arc::new(resolver),
            port,
        }
    }
}

impl Resolve for RacingResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (resolving, port) = (self.resolver.resolve(name), self.port);
        Box::pin(async move {
            let mut addresses: Vec<SocketAddr> = resolving.await?.collect();
            addresses
                .iter_mut()
                .for_each(|address| address.set_port(port));
            if addresses.len() != 1 {
                let fastest = happy_eyeballs::connect(&addresses).await?.peer_addr()?;
                addresses.sort_by_key(|address| *address != fastest);
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
