//! What the guests have heard and what their screens show, and what becomes of them, over HTTP, for tests in other
//! languages.
//!
//! | GET | answer |
//! |---|---|
//! | `/counts` | of all VMs, JSON: `{"whole_requests":1,"incremental_requests":0,"acknowledgements":7,"consoles_open":1}` |
//! | `/VM/typed` | the text typed, UTF-8 |
//! | `/VM/keys` | key events, oldest first, JSON: `[{"scan_code":30,"keysym":97,"down":true,"repeated":false}, …]`; a number that there is none of is `null` |
//! | `/VM/down` | the scan codes of the keys that are down, JSON: `[29,56]` |
//! | `/VM/pointer` | JSON: `{"x":1,"y":2,"buttons":0,"wheel":[0,0]}`, the wheel's vertical and horizontal steps |
//! | `/VM/picture.png` | what the screen shows |
//!
//! | POST | what happens |
//! |---|---|
//! | `/VM/size/WxH` | the guest changes its resolution |
//! | `/VM/silence` | consoles that are open now say nothing more |
//!
//! 404 for a VM that there is none of, or whose console is a bridge where there is nothing to see.

use std::sync::{Arc, Weak};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use esxi_sim::{Host, KeyEvent};
use serde_json::{Value, json};

/// The paths; they look at `host` as long as it lives.
pub(crate) fn routes(host: &Arc<Host>, names: Vec<String>) -> Router {
    let seen = Seen {
        host: Arc::downgrade(host),
        names: names.into(),
    };
    Router::new()
        .route("/counts", get(counts))
        .route("/{vm}/{what}", get(look).post(change))
        .route("/{vm}/size/{size}", post(resize))
        .with_state(seen)
}

#[derive(Clone)]
struct Seen {
    host: Weak<Host>,
    names: Arc<[String]>,
}

impl Seen {
    /// The host, if it has a VM of this name.
    fn host_of(&self, vm: &String) -> Option<Arc<Host>> {
        self.host.upgrade().filter(|_| self.names.contains(vm))
    }
}

async fn look(State(seen): State<Seen>, Path((vm, what)): Path<(String, String)>) -> Response {
    let Some(host) = seen.host_of(&vm) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match what.as_str() {
        "typed" => host.typed(&vm).into_response(),
        "keys" => json(host.keys(&vm).iter().map(key).collect()),
        "down" => json(host.keys_down(&vm).into()),
        "pointer" => json(pointer(&host, &vm)),
        "picture.png" => match host.picture(&vm) {
            Some(picture) => ([(CONTENT_TYPE, "image/png")], picture).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn counts(State(seen): State<Seen>) -> Response {
    let Some(host) = seen.host.upgrade() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let counts = host.counts();
    json(json!({
        "whole_requests": counts.whole_requests,
        "incremental_requests": counts.incremental_requests,
        "acknowledgements": counts.acknowledgements,
        "consoles_open": counts.consoles_open,
    }))
}

async fn change(State(seen): State<Seen>, Path((vm, what)): Path<(String, String)>) -> StatusCode {
    match (seen.host_of(&vm), what.as_str()) {
        (Some(host), "silence") => host.fall_silent(&vm),
        _ => return StatusCode::NOT_FOUND,
    }
    StatusCode::NO_CONTENT
}

async fn resize(State(seen): State<Seen>, Path((vm, size)): Path<(String, String)>) -> StatusCode {
    match (seen.host_of(&vm), crate::arguments::size(&size)) {
        (Some(host), Ok((width, height))) => host.resize(&vm, width, height),
        (None, _) => return StatusCode::NOT_FOUND,
        (_, Err(_)) => return StatusCode::BAD_REQUEST,
    }
    StatusCode::NO_CONTENT
}

fn key(event: &KeyEvent) -> Value {
    json!({
        "scan_code": event.scan_code,
        "keysym": event.keysym,
        "down": event.down,
        "repeated": event.repeated,
    })
}

fn pointer(host: &Host, vm: &str) -> Value {
    let (pointer, wheel) = (host.pointer(vm), host.wheel(vm));
    json!({
        "x": pointer.x,
        "y": pointer.y,
        "buttons": pointer.buttons,
        "wheel": [wheel.vertical, wheel.horizontal],
    })
}

fn json(value: Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}
