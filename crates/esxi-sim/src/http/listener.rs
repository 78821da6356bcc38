//! A listening port: accepts connections, and serves TLS and HTTP/1.1 in a task for each.

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
use crate::client_stream::ClientStream;
use crate::open_connection::OpenConnection;

use super::router::{self, Routes};
use crate::host_state::HostState;

/// A port with its certificate and routes.
pub(crate) struct Port {
    pub(crate) listener: TcpListener,
    pub(crate) identity: Arc<Identity>,
    pub(crate) routes: Routes,
}

/// Accepts connections until the host stops.
pub(crate) async fn accept(state: Arc<HostState>, port: Port) {
    let acceptor = TlsAcceptor::from(Arc::clone(&port.identity.server));
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    while let Some((stream, client, permit)) = next(&state, &port.listener, &permits).await {
        let open = OpenConnection::new(state.counters.clone(), client, permit);
        let (state, acceptor, routes) = (Arc::clone(&state), acceptor.clone(), port.routes);
        let stop = state.stop.clone();
        let tasks = state.tasks.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = connection(state, stream, open, acceptor, routes) => {}
                () = stop.cancelled() => {}
            }
        });
    }
}

/// The next connection; `None` when the host stops.
async fn next(
    state: &HostState,
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
        () = state.stop.cancelled() => None,
    }
}

async fn connection(
    state: Arc<HostState>,
    stream: TcpStream,
    open: OpenConnection,
    acceptor: TlsAcceptor,
    routes: Routes,
) {
    if routes != Routes::Api && state.misbehaviours.take_for_connection() {
        // Keeps the connection open and silent until the client disconnects or the host stops.
        let _open = open;
        let _ = drain(stream).await;
        return;
    }
    // Nagle's algorithm would delay small messages.
    let _ = stream.set_nodelay(true);
    let Ok(Ok(tls)) = timeout(TLS_HANDSHAKE, acceptor.accept(stream)).await else {
        return;
    };
    let stream = ClientStream::new(tls, open);
    let cork = stream.cork();
    let service = service_fn(move |request| {
        router::answer(Arc::clone(&state), routes, Arc::clone(&cork), request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "connection ended");
    }
}

async fn drain(mut stream: TcpStream) -> io::Result<u64> {
    tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
}

/// The most open connections. A real host allows 128 (`docs/webmks.md` 2.6); tests with many viewers need more.
const CONNECTIONS: usize = 4096;
/// How long a client may take for the TLS handshake.
const TLS_HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a client may take to send a request's headers, or be idle between requests.
const HEADER: Duration = Duration::from_secs(30);
/// Pause after a failed accept, so that a lack of file descriptors does not cause a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
