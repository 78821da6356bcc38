//! A listening port: accepts connections, and serves TLS and HTTP/1.1 in a task for each.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::response::Dropped;
use crate::certificate::Identity;
use crate::client_stream::ClientStream;
use crate::host_state::HostState;
use crate::open_connection::OpenConnection;

/// A port with its certificate.
pub(crate) struct Port {
    pub(crate) listener: TcpListener,
    pub(crate) identity: Arc<Identity>,
    /// Whether the faults for consoles apply to its connections.
    pub(crate) has_consoles: bool,
}

/// Accepts connections until the host stops, and answers their requests by `answer`, which also gets the flag of
/// [`ClientStream::cork`].
pub(crate) async fn accept<A, F>(state: Arc<HostState>, port: Port, answer: A)
where
    A: Fn(Arc<AtomicBool>, Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<Full<Bytes>>, Dropped>> + Send,
{
    let acceptor = TlsAcceptor::from(Arc::clone(&port.identity.server));
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    while let Some((stream, client, permit)) = next(&state, &port.listener, &permits).await {
        let open = OpenConnection::new(state.counters.clone(), client, permit);
        let (acceptor, answer) = (acceptor.clone(), answer.clone());
        let (has_consoles, host) = (port.has_consoles, Arc::clone(&state));
        state.tasks.spawn(async move {
            let served = async {
                match has_consoles && host.misbehaviours.take_for_connection() {
                    true => silent(stream, open).await,
                    false => connection(stream, open, acceptor, answer).await,
                }
            };
            tokio::select! {
                () = served => {}
                () = host.stop.cancelled() => {}
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

/// Keeps the connection open and silent until the client disconnects.
async fn silent(mut stream: TcpStream, _open: OpenConnection) {
    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
}

async fn connection<A, F>(stream: TcpStream, open: OpenConnection, acceptor: TlsAcceptor, answer: A)
where
    A: Fn(Arc<AtomicBool>, Request<Incoming>) -> F,
    F: Future<Output = Result<Response<Full<Bytes>>, Dropped>>,
{
    // Nagle's algorithm would delay small messages.
    let _ = stream.set_nodelay(true);
    let Ok(Ok(tls)) = timeout(TLS_HANDSHAKE, acceptor.accept(stream)).await else {
        return;
    };
    let stream = ClientStream::new(tls, open);
    let cork = stream.cork();
    let service = service_fn(move |request| answer(Arc::clone(&cork), request));
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

/// The most open connections. A real host allows 128 (`docs/webmks.md` 2.6); tests with many viewers need more.
const CONNECTIONS: usize = 4096;
/// How long a client may take for the TLS handshake.
const TLS_HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a client may take to send a request's headers, or be idle between requests.
const HEADER: Duration = Duration::from_secs(30);
/// Pause after a failed accept, so that a lack of file descriptors does not cause a busy loop.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
