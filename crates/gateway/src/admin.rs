//! What operators and their programs ask over HTTP: `/metrics` and `/healthz`.

use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::metrics::Metrics;

/// OpenMetrics 1.0.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers until `ended`.
pub(crate) async fn serve(listener: TcpListener, metrics: Arc<Metrics>, ended: CancellationToken) {
    let routes = Router::new()
        .route(
            "/metrics",
            get(move || async move { ([(CONTENT_TYPE, OPEN_METRICS)], metrics.text()) }),
        )
        .route("/healthz", get(|| async { "ok\n" }));
    let served = ended
        .run_until_cancelled(axum::serve(listener, routes).into_future())
        .await;
    if let Some(Err(error)) = served {
        warn!("metrics are not served any more ({error})");
    }
}
