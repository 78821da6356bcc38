//! The WebSocket of a console (RFC 6455, section 4.2).

use axum::extract::{Path, Request, State};
use axum::http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use gateway::{GrantedConsole, Stream, WebEntrance};
use hyper::upgrade::{OnUpgrade, Parts, Upgraded};
use hyper_util::rt::TokioIo;
use sha1::{Digest, Sha1};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tracing::debug;

use crate::api::error::ApiError;
use crate::app::Routed;
use crate::client::{Client, Connection};
use crate::error_page::ErrorPage;
use crate::origin;
use crate::visitor::Visitor;

/// The only subprotocol. A client that asks for none gets none, as noVNC since 1.3.
const BINARY: &str = "binary";

/// Appended to the key (section 1.3).
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

pub(crate) async fn open(
    State(routed): State<Routed>,
    client: Client,
    Path(token): Path<String>,
    mut request: Request,
) -> Response {
    let headers = request.headers();
    // A portal that may embed the page may have a console client of its own.
    if !origin::is_ours(headers) && !origin::is_of(headers, &routed.web.frame_ancestors) {
        return (
            StatusCode::FORBIDDEN,
            "This request comes from another site.\n",
        )
            .into_response();
    }
    let answer = match handshake(headers) {
        Ok(answer) => answer,
        Err(refusal) => return refusal.into_response(),
    };
    let by = Visitor::of(&routed, client, headers).map(|visitor| visitor.user.name);
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let connection = request.extensions().get::<Connection>().copied();
    let (Some(upgrade), Some(connection)) = (upgrade, connection) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let console = match routed.app.entrance.redeem(&token, by.as_deref()) {
        Ok(console) => console,
        Err(error) => {
            return ApiError::of_token(&error, request.headers()).map_or_else(
                || ErrorPage::of_token(&error).into_response(),
                IntoResponse::into_response,
            );
        }
    };
    let entrance = routed.app.entrance.clone();
    let peer = std::net::SocketAddr::new(client.address, connection.client.port());
    // On the thread of this connection, which has its socket.
    routed.app.consoles.spawn(async move {
        match upgrade.await {
            Ok(upgraded) => serve(entrance, console, upgraded, peer).await,
            Err(error) => debug!(client = %peer, "a console's WebSocket was not opened ({error})"),
        }
    });
    (StatusCode::SWITCHING_PROTOCOLS, answer).into_response()
}

async fn serve(
    entrance: WebEntrance,
    console: GrantedConsole,
    upgraded: Upgraded,
    peer: std::net::SocketAddr,
) {
    match stream(upgraded) {
        Some((stream, early)) => entrance.serve(console, stream, early, peer).await,
        None => debug!(client = %peer, "a console's WebSocket has an unknown connection"),
    }
}

/// The connection below HTTP, and what was read of it already.
fn stream(upgraded: Upgraded) -> Option<(Stream, Bytes)> {
    let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(Parts { io, read_buf, .. }) => return Some((Either::Left(io.into_inner()), read_buf)),
        Err(upgraded) => upgraded,
    };
    let Parts { io, read_buf, .. } = upgraded.downcast::<TokioIo<TlsStream<TcpStream>>>().ok()?;
    Some((Either::Right(Box::new(io.into_inner())), read_buf))
}

/// The headers of the answer to a valid upgrade.
fn handshake(headers: &HeaderMap) -> Result<HeaderMap, (StatusCode, &'static str)> {
    let has = |name: HeaderName, word: &str| {
        let values = headers
            .get_all(name)
            .into_iter()
            .filter_map(|value| value.to_str().ok());
        let mut words = values.flat_map(|value| value.split(',')).map(str::trim);
        words.any(|given| given.eq_ignore_ascii_case(word))
    };
    if !has(CONNECTION, "upgrade") || !has(UPGRADE, "websocket") {
        return Err((
            StatusCode::UPGRADE_REQUIRED,
            "This address is of a WebSocket.\n",
        ));
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes);
    let key = key.filter(|key| STANDARD.decode(key).is_ok_and(|key| key.len() == 16));
    let (Some(key), true) = (key, has(SEC_WEBSOCKET_VERSION, "13")) else {
        return Err((
            StatusCode::BAD_REQUEST,
            "The upgrade is not that of RFC 6455.\n",
        ));
    };
    let asks = headers.contains_key(SEC_WEBSOCKET_PROTOCOL);
    if asks && !has(SEC_WEBSOCKET_PROTOCOL, BINARY) {
        return Err((StatusCode::BAD_REQUEST, "The subprotocol must be binary.\n"));
    }
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let accept = HeaderValue::try_from(STANDARD.encode(digest));
    let accept = accept.map_err(|_| (StatusCode::BAD_REQUEST, "The key is invalid.\n"))?;
    let mut answer = HeaderMap::new();
    answer.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    answer.insert(UPGRADE, HeaderValue::from_static("websocket"));
    answer.insert(SEC_WEBSOCKET_ACCEPT, accept);
    if asks {
        answer.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(BINARY));
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client's example of RFC 6455, section 1.3.
    fn upgrade(changed: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let example = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        for (name, value) in example.iter().chain(changed) {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn an_upgrade_is_answered_as_in_the_rfc() {
        let answer = handshake(&upgrade(&[])).unwrap();
        assert_eq!(answer[SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(!answer.contains_key(SEC_WEBSOCKET_PROTOCOL));
        let answer = handshake(&upgrade(&[(
            "sec-websocket-protocol",
            "binary, vmware-vvc",
        )]));
        assert_eq!(answer.unwrap()[SEC_WEBSOCKET_PROTOCOL], "binary");
    }

    #[test]
    fn what_is_no_upgrade_is_refused() {
        for (header, status) in [
            (("connection", "keep-alive"), 426),
            (("upgrade", "h2c"), 426),
            (("sec-websocket-version", "8"), 400),
            (("sec-websocket-key", "c2hvcnQ="), 400),
            (("sec-websocket-protocol", "base64"), 400),
        ] {
            assert_eq!(
                handshake(&upgrade(&[header])).unwrap_err().0,
                status,
                "{header:?}"
            );
        }
    }
}
