//! The API for portals, with a key in place of a login (docs/web.md). It sets no cookie and takes none, and other sites' scripts
//! cannot use it: there is no CORS header.

mod consoles;
pub(crate) mod error;
mod find;
mod key;
mod logins;
mod request;
mod vms;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get, post};

use crate::app::Routed;
use error::ApiError;

/// The description by OpenAPI 3.1. A test validates it, and the answers against it.
const DESCRIPTION: &str = include_str!("../../assets/openapi.json");

/// The routes below `/api`.
pub(crate) fn routes() -> Router<Routed> {
    Router::new()
        .route("/api", only("GET, HEAD", get(description)))
        .route("/api/vms", only("GET, HEAD", get(vms::list)))
        .route("/api/consoles", only("POST", post(consoles::mint)))
        .route("/api/logins", only("POST", post(logins::mint)))
        .route("/api/{*path}", any(async || ApiError::no_such_path()))
        .layer(DefaultBodyLimit::max(request::MAX_BODY))
}

/// Other methods are answered in JSON, too.
fn only(allowed: &'static str, route: MethodRouter<Routed>) -> MethodRouter<Routed> {
    route.fallback(async move || {
        let refusal = ApiError::method_not_allowed(allowed);
        ([(ALLOW, allowed)], refusal).into_response()
    })
}

async fn description() -> Response {
    ([(CONTENT_TYPE, "application/json")], DESCRIPTION).into_response()
}
