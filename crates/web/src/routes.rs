//! The routes of the page, and what each request goes through before them.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use gateway::settings::Web;

use crate::api;
use crate::api::error::ApiError;
use crate::app::{App, Routed};
use crate::client::{Client, Connection};
use crate::error_page::ErrorPage;
use crate::{
    assets, console_page, console_socket, events, host_list, list, login, novnc, origin,
    picture_page, power, request_body, security_headers, viewer_page,
};

/// The routes with these settings.
pub(crate) fn of(app: Arc<App>, web: &Arc<Web>) -> Router {
    let routed = Routed {
        app,
        web: Arc::clone(web),
    };
    Router::new()
        .route("/", get(list::show))
        .route("/events", get(events::serve))
        .route("/vm/{vsphere}/{moref}", get(console_page::of_vm))
        .route("/port/{listen}", get(console_page::of_port))
        .route("/consoles", post(console_page::mint))
        .route("/console/{token}", get(console_page::of_token))
        .route("/console/{token}/ws", get(console_socket::open))
        .route("/viewer", post(viewer_page::open))
        .route("/viewer/vm/{vsphere}/{moref}", get(viewer_page::of_vm))
        .route("/viewer/port/{listen}", get(viewer_page::of_port))
        .route("/novnc/{*path}", get(novnc::serve))
        .route("/picture/{vsphere}/{moref}", get(picture_page::serve))
        .route("/power", post(power::change))
        .route("/login", get(login::form).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/assets/{file}", get(assets::serve))
        .merge(api::routes())
        .fallback(async || ErrorPage::not_found())
        .layer(from_fn_with_state(routed.clone(), admit))
        .with_state(routed)
}

/// Refuses what is not meant for the page, and adds the headers of every response.
async fn admit(State(routed): State<Routed>, mut request: Request, next: Next) -> Response {
    let web = &routed.web;
    let is_api = request.uri().path().starts_with("/api/");
    let admitted = match judge(web, &request) {
        Ok(client) => {
            request.extensions_mut().insert(client);
            request_body::whole(request).await
        }
        Err(refusal) => Err(refusal),
    };
    let mut response = match admitted {
        Ok(request) => next.run(request).await,
        Err((status, sentence)) if is_api => ApiError::of_status(status, sentence).into_response(),
        Err(refusal) => refusal.into_response(),
    };
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        routed.app.entrance.count_refused("rate");
    }
    security_headers::add(
        response.headers_mut(),
        &web.frame_ancestors,
        web.tls.is_some(),
    );
    response
}

/// The client of a request that may be answered.
fn judge(web: &Web, request: &Request) -> Result<Client, (StatusCode, &'static str)> {
    let Some(connection) = request.extensions().get::<Connection>() else {
        return Err((
            StatusCode::INTERNAL_SERVER_ERROR,
            "the connection is unknown\n",
        ));
    };
    let headers = request.headers();
    if !is_host_ours(request, connection, web) {
        let sentence = "This server does not answer to that name: see `hosts` in the section [web] of its configuration.\n";
        return Err((StatusCode::MISDIRECTED_REQUEST, sentence));
    }
    let client = Client::of(connection, headers, web);
    if !connection.tls && !client.may_use_http() {
        let sentence = "Plain HTTP is for reverse proxies: use the address that they serve.\n";
        return Err((StatusCode::FORBIDDEN, sentence));
    }
    let changes = ![Method::GET, Method::HEAD].contains(request.method());
    if changes && !origin::is_ours(headers) {
        return Err((
            StatusCode::FORBIDDEN,
            "This request comes from another site.\n",
        ));
    }
    Ok(client)
}

/// Whether there is exactly one Host, and it is ours; so must be a host in the request's target, which counts instead
/// (RFC 9112, section 3.2.2).
fn is_host_ours(request: &Request, connection: &Connection, web: &Web) -> bool {
    let is_ours = |host: &str| host_list::is_ours(host, connection.local.ip(), &web.hosts);
    let in_target = request.uri().authority();
    let mut hosts = request.headers().get_all(HOST).into_iter();
    match (hosts.next().map(|host| host.to_str()), hosts.next()) {
        (Some(Ok(host)), None) => {
            is_ours(host) && in_target.is_none_or(|authority| is_ours(authority.as_str()))
        }
        _ => false,
    }
}
