//! `POST /api/logins`: a one-use login at a VM's native port.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use gateway::ONE_USE_NAME;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tracing::info;

use super::error::ApiError;
use super::find::find;
use super::key::ApiKey;
use super::request::{Wanted, expires};
use crate::app::Routed;
use crate::client::Connection;
use crate::native_port::{NoPort, Way};

#[derive(Serialize)]
struct Minted<'a> {
    host: &'a str,
    port: u16,
    /// `null`: `password` is a VNC password, for methods without names.
    user: Option<&'a str>,
    /// `null`: the port needs no login.
    password: Option<&'a str>,
    /// Where the port has both kinds of methods, and `password` is for `user`.
    #[serde(skip_serializing_if = "Option::is_none")]
    vnc_password: Option<&'a str>,
    methods: &'a [&'static str],
    expires: String,
}

pub(super) async fn mint(
    State(routed): State<Routed>,
    key: ApiKey,
    connection: Extension<Connection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let wanted = Wanted::read(&headers, body)?;
    let (row, user) = find(&routed.app.live.rows(), &key.user, &wanted)?;
    let way = Way::new(&routed.web, key.client, connection.local, &headers);
    let port = way.port(&row, &user).map_err(no_port)?;
    let login = routed.app.entrance.mint_login(&user, port.listen, false);
    let login = login.map_err(ApiError::broken)?;
    // It was removed from the configuration a moment ago.
    let login = login.ok_or_else(ApiError::no_such_vm)?;
    info!(key = key.user.name, user = user.name, vm = row.name, port = port.port, client = %key.client.address,
        "one-use login made by the API");
    let exposed = |secret: &'_ Option<SecretString>| {
        secret.as_ref().map(|text| text.expose_secret().to_owned())
    };
    let (by_name, vnc) = (exposed(&login.password), exposed(&login.vnc_password));
    let minted = Minted {
        host: &port.host,
        port: port.port,
        user: by_name.as_ref().map(|_| ONE_USE_NAME),
        password: by_name.as_deref().or(vnc.as_deref()),
        vnc_password: vnc.as_deref().filter(|_| by_name.is_some()),
        methods: &login.methods,
        expires: expires()?,
    };
    Ok((StatusCode::CREATED, Json(minted)).into_response())
}

fn no_port(reason: NoPort) -> ApiError {
    let message = match reason {
        NoPort::NotConfigured => {
            "The virtual machine has no native port: add a [[console]] for it to gateway.toml."
        }
        NoPort::Loopback(_) => {
            "Its port is on the gateway's loopback address: let it listen on another, or set viewer_host in [web]."
        }
    };
    ApiError::new(StatusCode::CONFLICT, "no-native-port", message)
}
