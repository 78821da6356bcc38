//! `GET /ticket/<ticket>`: the upgrade of a connection to a console's WebSocket.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{HeaderValue, LOCATION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::handshake::server::create_response;

use super::response::{Dropped, status};
use crate::host_state::HostState;
use crate::inventory::vm::Vm;
use crate::misbehaviour::Misbehaviour;
use crate::power::Power;

/// Starts a task that serves the console of a VM once the connection is upgraded, with the fault for it.
pub(crate) type StartConsole = dyn Fn(Arc<Vm>, OnUpgrade, Option<Misbehaviour>) + Send + Sync;

/// Answers the upgrade request; after a 101 `start` is called.
///
/// # Errors
/// The client did not offer `binary`: the connection is closed without a response (`docs/webmks.md` 2.1). That the
/// ticket stays valid is a guess.
pub(crate) async fn answer(
    state: &HostState,
    start: &StartConsole,
    cork: &AtomicBool,
    ticket: &str,
    mut request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Dropped> {
    if !offers_binary(&request) {
        state.counters.update(|counts| counts.binary_missing += 1);
        return Err(Dropped);
    }
    let Some(mut response) = accepted(&request) else {
        return Ok(status(StatusCode::BAD_REQUEST));
    };
    let Some(vm) = state
        .tickets
        .spend(ticket)
        .filter(|vm| vm.power() == Power::On)
    else {
        state.counters.update(|counts| counts.tickets_refused += 1);
        // The status of real hosts is not known: 404 is a guess.
        return Ok(status(StatusCode::NOT_FOUND));
    };
    state.counters.update(|counts| counts.tickets_spent += 1);
    let misbehaviour = state.misbehaviours.take_for_console();
    if let Some(wrong) = misbehaviour.as_ref().and_then(instead) {
        return Ok(wrong);
    }
    if misbehaviour == Some(Misbehaviour::SilentUpgrade) {
        state.stop.cancelled().await;
        return Err(Dropped);
    }
    if let Some(misbehaviour) = &misbehaviour {
        spoil(misbehaviour, &mut response);
    }
    cork.store(true, Ordering::Release);
    start(vm, hyper::upgrade::on(&mut request), misbehaviour);
    Ok(response)
}

fn offers_binary(request: &Request<Incoming>) -> bool {
    let offers = request.headers().get_all(SEC_WEBSOCKET_PROTOCOL);
    let mut names = offers
        .iter()
        .filter_map(|offer| offer.to_str().ok())
        .flat_map(|offer| offer.split(','));
    names.any(|name| name.trim() == "binary")
}

/// The 101 response with `binary`; `None` if the request is not a WebSocket upgrade.
fn accepted(request: &Request<Incoming>) -> Option<Response<Full<Bytes>>> {
    let mut head = Request::builder()
        .method(request.method())
        .version(request.version())
        .uri(request.uri());
    head.headers_mut()?.extend(request.headers().clone());
    let response = create_response(&head.body(()).ok()?).ok()?;
    let mut response = response.map(|()| Full::default());
    response
        .headers_mut()
        .insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("binary"));
    Some(response)
}

/// The response that a fault sends instead of 101.
fn instead(misbehaviour: &Misbehaviour) -> Option<Response<Full<Bytes>>> {
    match misbehaviour {
        Misbehaviour::AnswerStatus(code) => Some(status(
            StatusCode::from_u16(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        )),
        Misbehaviour::Redirect(location) => {
            let mut response = status(StatusCode::FOUND);
            response.headers_mut().insert(LOCATION, header(location));
            Some(response)
        }
        _ => None,
    }
}

/// Changes the 101 response as a fault says.
fn spoil(misbehaviour: &Misbehaviour, response: &mut Response<Full<Bytes>>) {
    let headers = response.headers_mut();
    match misbehaviour {
        Misbehaviour::NoSubprotocol => {
            headers.remove(SEC_WEBSOCKET_PROTOCOL);
        }
        Misbehaviour::OtherSubprotocol(name) => {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, header(name));
        }
        Misbehaviour::WrongAccept => {
            headers.insert(
                SEC_WEBSOCKET_ACCEPT,
                header(&derive_accept_key(b"another key")),
            );
        }
        _ => {}
    }
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("unprintable"))
}
