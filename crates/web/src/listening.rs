//! The listener of the page.

use std::net::SocketAddr;
use std::sync::Arc;

use gateway::StartError;
use gateway::listener::accept;
use gateway::settings::Web;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::App;
use crate::present_routes::PresentRoutes;
use crate::routes;

/// Connections at once; further ones wait in the kernel. A list page holds one, a console another.
const MAX_CONNECTIONS: usize = 8192;

/// A bound address, and the settings that its connections have.
pub(crate) struct Listening {
    /// The settings.
    pub(crate) web: Arc<Web>,
    /// The routes with these settings: connections share them.
    pub(crate) routes: PresentRoutes,
    listener: TcpListener,
    permits: Arc<Semaphore>,
}

impl Listening {
    pub(crate) async fn bind(web: Arc<Web>, app: &Arc<App>) -> Result<Self, StartError> {
        let address = web.listen;
        match TcpListener::bind(address).await {
            Ok(listener) => Ok(Self {
                routes: PresentRoutes::new(routes::of(Arc::clone(app), &web)),
                web,
                listener,
                permits: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            }),
            Err(source) => Err(StartError::Bind {
                address,
                what: "[web]".into(),
                source,
            }),
        }
    }

    /// Takes new settings, for open connections too, with the same address.
    pub(crate) fn apply(&mut self, web: Arc<Web>, app: &Arc<App>) {
        self.routes.set(routes::of(Arc::clone(app), &web));
        self.web = web;
    }

    /// The bound address: another port than configured where that was 0.
    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap_or(self.web.listen)
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> (Option<OwnedSemaphorePermit>, TcpStream, SocketAddr) {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok();
        let address = self.listener.local_addr().ok();
        let (stream, peer) = accept(address, || self.listener.accept()).await;
        (permit, stream, peer)
    }
}
