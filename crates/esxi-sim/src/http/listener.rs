//! A listening port: accepting, TLS, and a task per connection.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::certificate::Identity;
use crate::client_stream::Wire;
use crate::open_connection::OpenConnection;

use super::router::{self, Door};
use crate::host_state::Site;

/// One port and what it serves.
pub(crate) struct Port {
    pub(crate) listener: TcpListener,
    pub(crate) identity: Arc<Identity>,
    pub(crate) door: Door,
}

/// Accepts until the site stops.
pub(crate) async fn accept(site: Arc<Site>, port: Port) {
    let acceptor = TlsAcceptor::from(Arc::clone(&port.identity.server));
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    while let Some((stream, client, permit)) = next(&site, &port.listener, &permits).await {
        let open = OpenConnection::new(site.journal.clone(), client, permit);
        let (site, acceptor, door) = (Arc::clone(&site), acceptor.clone(), port.door);
        let stop = site.stop.clone();
        let tasks = site.tasks.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = connection(site, stream, open, acceptor, door) => {}
                () = stop.cancelled() => {}
            }
        });
    }
}

/// The next connection; `None` when the site stops.
async fn next(
    site: &Site,
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, IpAddr, OwnedSemaphorePermit)> {
    let accepted = async {
        let permit = Arc::clone(permits).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, client)) => return Some((stream, client.ip(), permit)),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        accepted = accepted => accepted,
        () = site.stop.cancelled() => None,
    }
}

async fn connection(
    site: Arc<Site>,
    stream: TcpStream,
    open: OpenConnection,
    acceptor: TlsAcceptor,
    door: Door,
) {
    if door != Door::Api && site.plan.take_for_connection() {
        // Held open, unanswered, until the site stops or the client has gone.
        let _open = open;
        let _ = drain(stream).await;
        return;
    }
    // Without it a small message would wait for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let Ok(Ok(tls)) = timeout(TLS_HANDSHAKE, acceptor.accept(stream)).await else {
        return;
    };
    let wire = Wire::new(tls, open);
    let cork = wire.cork();
    let service = service_fn(move |request| {
        router::answer(Arc::clone(&site), door, Arc::clone(&cork), request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER)
        .serve_connection(TokioIo::new(wire), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "connection ended");
    }
}

async fn drain(mut stream: TcpStream) -> io::Result<u64> {
    tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
}

/// Connections at a time. A real host allows 128 (`docs/webmks.md` 2.6); tests of many viewers need more.
const CONNECTIONS: usize = 4096;
/// How long a client may take for the TLS handshake.
const TLS_HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a client may take to send the head of a request, or be idle between two.
const HEADER: Duration = Duration::from_secs(30);
/// How long to wait after a failed accept, so that running out of descriptors does not become a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
