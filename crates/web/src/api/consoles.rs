//! `POST /api/consoles`: a one-use token that opens a console, for whoever has it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use gateway::ConsoleGrant;
use secrecy::ExposeSecret;
use serde::Serialize;
use tracing::info;

use super::error::ApiError;
use super::find::find;
use super::key::ApiKey;
use super::request::{Wanted, base, expires};
use crate::app::Routed;
use crate::console_page::console_of;

#[derive(Serialize)]
struct Minted {
    page: String,
    websocket: String,
    expires: String,
}

pub(super) async fn mint(
    State(routed): State<Routed>,
    key: ApiKey,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let wanted = Wanted::read(&headers, body)?;
    let (row, user) = find(&routed.app.live.rows(), &key.user, &wanted)?;
    let (name, for_user, client) = (key.user.name, user.name.clone(), key.client);
    let grant = ConsoleGrant {
        console: console_of(&row, &user).ok_or_else(ApiError::no_such_vm)?,
        user,
        view_only: false,
    };
    let token = routed.app.entrance.mint_console(grant, None);
    let token = token.map_err(ApiError::broken)?;
    info!(key = name, user = for_user, vm = row.name, client = %client.address, "console token made by the API");
    let (base, token) = (base(&headers, client), token.expose_secret());
    let (http, ws) = match client.secure {
        true => ("https", "wss"),
        false => ("http", "ws"),
    };
    let minted = Minted {
        page: format!("{http}:{base}console/{token}"),
        websocket: format!("{ws}:{base}console/{token}/ws"),
        expires: expires()?,
    };
    Ok((StatusCode::CREATED, Json(minted)).into_response())
}
