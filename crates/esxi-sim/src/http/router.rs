//! Routes HTTP requests by method and path.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, COOKIE, HeaderValue, SET_COOKIE};
use hyper::{Method, Request, Response, StatusCode};
use tokio::time::timeout;

use super::response::{Dropped, status};
use super::ticket::{self, StartConsole};
use super::{folder, screen};
use crate::host_state::HostState;
use crate::soap::dispatch;
use crate::vim25::version::service_versions;

/// The routes that a port serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Routes {
    /// `/sdk`, `/screen` and `/folder`, as a vCenter does.
    Api,
    /// `/ticket`, as the hosts behind a vCenter do.
    Console,
    /// All, as an ESXi does.
    Both,
}

/// Answers a request. `cork`: see [`ClientStream::cork`](crate::client_stream::ClientStream::cork).
pub(crate) async fn answer(
    state: Arc<HostState>,
    start_console: Arc<StartConsole>,
    routes: Routes,
    cork: Arc<AtomicBool>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Dropped> {
    let path = request.uri().path().to_owned();
    let api = routes != Routes::Console;
    match (request.method(), path.as_str()) {
        (&Method::POST, "/sdk" | "/sdk/") if api => Ok(sdk(&state, request).await),
        (&Method::GET, "/sdk/vimServiceVersions.xml") if api => {
            Ok(xml(StatusCode::OK, service_versions(state.inventory.api)))
        }
        (&Method::GET, "/screen") if api => {
            let query = request.uri().query().unwrap_or_default();
            let cookie = header(&request, COOKIE.as_str()).and_then(|it| session_cookie(&it));
            Ok(screen::answer(&state, query, cookie.as_deref()).await)
        }
        (&Method::GET, path) if api && path.starts_with("/folder/") => {
            let query = request.uri().query().unwrap_or_default();
            let cookie = header(&request, COOKIE.as_str()).and_then(|it| session_cookie(&it));
            let file = path.strip_prefix("/folder/").unwrap_or_default();
            Ok(folder::answer(&state, file, query, cookie.as_deref()))
        }
        (&Method::GET, path) => match path.strip_prefix("/ticket/") {
            Some(ticket) if routes != Routes::Api => {
                ticket::answer(&state, &*start_console, &cork, ticket, request).await
            }
            _ => Ok(status(StatusCode::NOT_FOUND)),
        },
        _ => Ok(status(StatusCode::NOT_FOUND)),
    }
}

async fn sdk(state: &HostState, request: Request<Incoming>) -> Response<Full<Bytes>> {
    if let Some(code) = state.take_sdk_refusal() {
        return status(StatusCode::from_u16(code).unwrap_or(StatusCode::SERVICE_UNAVAILABLE));
    }
    let action = header(&request, "soapaction");
    let cookie = header(&request, COOKIE.as_str()).and_then(|cookies| session_cookie(&cookies));
    let body = request.into_body();
    if body.size_hint().lower() > REQUEST as u64 {
        return status(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let body = match timeout(REQUEST_TIME, Limited::new(body, REQUEST).collect()).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return status(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => return status(StatusCode::REQUEST_TIMEOUT),
    };
    let Ok(body) = String::from_utf8(body.to_bytes().into()) else {
        return status(StatusCode::BAD_REQUEST);
    };
    let answer = dispatch::answer(state, action.as_deref(), cookie.as_deref(), &body).await;
    let code = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = xml(code, answer.body);
    let set = answer.cookie.and_then(|cookie| {
        HeaderValue::from_str(&format!(
            "{SESSION_COOKIE}=\"{cookie}\"; Path=/; HttpOnly; Secure; "
        ))
        .ok()
    });
    if let Some(set) = set {
        response.headers_mut().insert(SET_COOKIE, set);
    }
    response
}

fn header(request: &Request<Incoming>, name: &str) -> Option<String> {
    let value = request.headers().get(name)?;
    value.to_str().ok().map(str::to_owned)
}

/// The value of the cookie `vmware_soap_session`, which clients send with and without quotes (`docs/webmks.md` 3.3).
fn session_cookie(cookies: &str) -> Option<String> {
    let mut pairs = cookies
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == SESSION_COOKIE)?;
    Some(value.trim_matches('"').to_owned())
}

fn xml(code: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = status(code);
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/xml; charset=utf-8"),
    );
    response.map(|_: Full<Bytes>| Full::from(body))
}

const SESSION_COOKIE: &str = "vmware_soap_session";
/// The largest request body: thousands of times a usual one.
const REQUEST: usize = 1024 * 1024;
/// How long a request's body may take to arrive.
const REQUEST_TIME: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_cookie_is_found_among_others_quoted_or_not() {
        let found = |cookies| session_cookie(cookies);
        assert_eq!(
            found("a=b; vmware_soap_session=\"x\"").as_deref(),
            Some("x")
        );
        assert_eq!(found("vmware_soap_session=x; Path=/").as_deref(), Some("x"));
        assert_eq!(found("vmware_soap_sessions=x"), None);
    }
}
