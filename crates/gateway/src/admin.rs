//! The HTTP server of `[admin]`: `/metrics` and `/healthz`.

#[cfg(test)]
mod tests;

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;
use vsphere::io_in_words;

use crate::listener::accept;
use crate::metrics::Metrics;
use crate::settings::Admin;
use console::secret::Secret;

/// OpenMetrics 1.0.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Connections at once; further ones wait in the kernel.
const CONNECTIONS: usize = 32;

/// How long a client may take to send the head of its request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may last: it has one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

type Token = Option<Secret<String>>;

/// The listener of `[admin]` while it serves.
pub(crate) struct OpenAdmin {
    /// Where.
    pub(crate) listen: SocketAddr,
    token: watch::Sender<Token>,
    closing: CancellationToken,
    accepting: JoinHandle<()>,
}

impl OpenAdmin {
    /// Serves on `listener` until `ended`.
    pub(crate) fn begin(
        listener: TcpListener,
        admin: Admin,
        metrics: Arc<Metrics>,
        ended: &CancellationToken,
        tasks: &TaskTracker,
    ) -> Self {
        let (token, current) = watch::channel(admin.token);
        let closing = ended.child_token();
        let routes = routes(metrics, current);
        Self {
            listen: admin.listen,
            token,
            accepting: tasks.spawn(listen(listener, routes, closing.clone(), tasks.clone())),
            closing,
        }
    }

    /// Requires this token from now on.
    pub(crate) fn set_token(&self, token: Token) {
        self.token.send_replace(token);
    }

    /// When this returns, the address is free. Open connections are closed.
    pub(crate) async fn close(self) -> Admin {
        self.closing.cancel();
        // A panic of the accept loop has closed its socket too.
        let _ = self.accepting.await;
        let token = self.token.borrow().clone();
        Admin {
            listen: self.listen,
            token,
        }
    }
}

fn routes(metrics: Arc<Metrics>, token: watch::Receiver<Token>) -> Router {
    Router::new()
        .route(
            "/metrics",
            get(move || async move { ([(CONTENT_TYPE, OPEN_METRICS)], metrics.text()) }),
        )
        .route("/healthz", get(|| async { "ok\n" }))
        .layer(from_fn_with_state(token, authorize))
}

/// Lets a request through that has the token, where one is asked for.
async fn authorize(
    State(token): State<watch::Receiver<Token>>,
    request: Request,
    next: Next,
) -> Response {
    let expected = token.borrow().clone();
    match expected {
        Some(token) if !has_token(&request, token.expose()) => {
            (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")]).into_response()
        }
        _ => next.run(request).await,
    }
}

/// Digests are compared, so that the time depends on neither the length nor a part of the token.
fn has_token(request: &Request, token: &str) -> bool {
    let given = request.headers().get(AUTHORIZATION);
    let given = given.and_then(|value| value.to_str().ok()?.split_once(' '));
    given.is_some_and(|(scheme, given)| {
        let [given, token] = [given.trim_start(), token].map(Sha256::digest);
        scheme.eq_ignore_ascii_case("Bearer")
            && bool::from(given.as_slice().ct_eq(token.as_slice()))
    })
}

/// Accepts until `closing`, when all of its connections end.
async fn listen(
    listener: TcpListener,
    routes: Router,
    closing: CancellationToken,
    tasks: TaskTracker,
) {
    let address = listener.local_addr().ok();
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let next = async || {
        // The semaphore is never closed.
        let permit = Arc::clone(&permits).acquire_owned().await.ok();
        let (stream, _) = accept(address, || listener.accept()).await;
        (permit, stream)
    };
    while let Some((permit, stream)) = closing.run_until_cancelled(next()).await {
        let (routes, closing) = (routes.clone(), closing.clone());
        tasks.spawn(async move {
            let _until_it_ends = permit;
            let answered = timeout(REQUEST_TIMEOUT, answer(stream, routes));
            if let Some(Ok(Err(error))) = closing.run_until_cancelled(answered).await {
                debug!("a connection to [admin] ended ({})", reason(&error));
            }
        });
    }
}

/// Answers the one request of a connection.
async fn answer(stream: TcpStream, routes: Router) -> Result<(), hyper::Error> {
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes))
        .await
}

/// Why a connection ended before its request was answered. hyper's own texts are for programmers.
fn reason(error: &hyper::Error) -> String {
    let io = error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>());
    match io {
        Some(io) => io_in_words(io),
        None if error.is_timeout() => "its request did not come in time".into(),
        None if error.is_parse_too_large() => "the head of its request is too large".into(),
        None if error.is_parse() => "its request is not valid HTTP".into(),
        None if error.is_incomplete_message() => "the client closed it in the middle".into(),
        None => "it broke".into(),
    }
}
