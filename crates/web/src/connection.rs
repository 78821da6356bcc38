//! One connection of a browser: PROXY header, TLS, HTTP.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::response::Response;
use gateway::settings::Web;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use logins::pre_login_limit::PreLoginSlot;
use logins::source::is_in;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::app::{App, Routed};
use crate::client::Connection;
use crate::present_routes::PresentRoutes;
use crate::proxy_header;
use crate::sources::Place;

/// How long a client may take for the PROXY header and the TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long it may take to send the head of a request, and may wait between two requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// The connections that have sent no request yet. From half of it on, a new one may close one of the source that has the most:
/// whoever opens many and sends nothing, or slowly, keeps nobody else out.
const MAX_UNANSWERED: usize = 1024;

/// Serves a connection until the client closes it or `closing`. An upgraded connection goes on by itself, and counts for its
/// source no longer: consoles have limits of their own.
pub(crate) async fn serve(
    mut stream: TcpStream,
    peer: SocketAddr,
    Routed { app, web }: Routed,
    routes: PresentRoutes,
    closing: CancellationToken,
) {
    let accepted = timeout(HANDSHAKE_TIMEOUT, accept(&mut stream, peer, &web)).await;
    let connection = match accepted {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => return debug!(client = %peer, "a connection to [web] failed ({error})"),
        Err(_) => return debug!(client = %peer, "a connection to [web] was not ready in time"),
    };
    let from = connection.client.ip();
    let Some((_place, slot)) = enter(from, &app, &web) else {
        return app.entrance.count_refused("max_connections_per_source");
    };
    let dropped = slot.dropped.clone();
    let served = async {
        let Some(tls) = &web.tls else {
            return answer(TokioIo::new(stream), connection, slot, routes, closing).await;
        };
        let handshake = TlsAcceptor::from(Arc::clone(tls)).accept(stream);
        match timeout(HANDSHAKE_TIMEOUT, handshake).await {
            Ok(Ok(stream)) => answer(TokioIo::new(stream), connection, slot, routes, closing).await,
            Ok(Err(error)) => debug!(client = %peer, "TLS with a browser failed ({error})"),
            Err(_) => debug!(client = %peer, "the TLS handshake of a browser was not done in time"),
        }
    };
    tokio::select! {
        () = served => {}
        () = dropped.cancelled() => debug!(client = %peer, "a connection to [web] without a request made room for another"),
    }
}

/// What a connection takes: a place among those of its source, and a slot until its first request; `None` where its source has
/// too many. The connections of a reverse proxy are those of many clients, and take no place.
fn enter(from: IpAddr, app: &App, web: &Web) -> Option<(Option<Place>, PreLoginSlot)> {
    let place = match is_in(&web.proxy_from, from.to_canonical()) {
        true => None,
        false => Some(app.sources.enter(from, web.max_connections_per_source)?),
    };
    // Without randomness each connection beyond half of the limit closes another.
    let random = || getrandom::u32().unwrap_or_default();
    let slot = app
        .unanswered
        .enter(from.into(), MAX_UNANSWERED, (random(), random()));
    Some((place, slot))
}

async fn accept(stream: &mut TcpStream, peer: SocketAddr, web: &Web) -> io::Result<Connection> {
    let local = stream.local_addr()?;
    let client = match is_in(&web.proxy_from, peer.ip().to_canonical()) {
        true => proxy_header::read(stream).await?.unwrap_or(peer),
        false => peer,
    };
    Ok(Connection {
        client,
        peer,
        local,
        tls: web.tls.is_some(),
    })
}

async fn answer<S>(
    stream: TokioIo<S>,
    connection: Connection,
    slot: PreLoginSlot,
    routes: PresentRoutes,
    closing: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let slot = Mutex::new(Some(slot));
    let service = service_fn(move |mut request: Request<Incoming>| {
        drop(slot.lock().unwrap_or_else(PoisonError::into_inner).take());
        request.extensions_mut().insert(connection);
        let answered = TowerToHyperService::new(routes.get()).call(request);
        async move { Ok::<Response, Infallible>(answered.await.unwrap_or_else(|never| match never {})) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .serve_connection(stream, service)
        .with_upgrades();
    let mut served = pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = closing.cancelled() => {
            // The answer that is being sent is finished.
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        debug!(client = %connection.peer, "a connection to [web] ended ({error})");
    }
}
