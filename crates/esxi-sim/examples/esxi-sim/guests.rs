//! The state of the guests and changes inside them, over HTTP, for tests in other languages.
//!
//! | GET | answer |
//! |---|---|
//! | `/counts` | of all VMs, JSON: `{"whole_requests":1,"incremental_requests":0,"acknowledgements":7,"consoles_open":1}`, and of `/sdk`: `{"logins":2,"logins_refused":0,"logouts":1,"sessions_open":1}`; `screens` has the VMs that `/screen` was asked for, by their ids |
//! | `/VM/typed` | the text typed, UTF-8 |
//! | `/VM/keys` | key events, oldest first, JSON: `[{"scan_code":30,"keysym":97,"down":true,"repeated":false}, …]`; absent numbers are `null` |
//! | `/VM/down` | the scan codes of the keys that are down, JSON: `[29,56]` |
//! | `/VM/pointer` | JSON: `{"x":1,"y":2,"buttons":0,"wheel":[0,0]}`, the wheel's vertical and horizontal steps |
//! | `/VM/firmware` | whether the VM's last boot was into the setup of its firmware, JSON: `true` |
//! | `/VM/picture.png` | the screen |
//!
//! | POST | what happens |
//! |---|---|
//! | `/VM/size/WxH` | the guest changes its resolution |
//! | `/VM/silence` | the open consoles go silent |
//! | `/VM/close` | the open consoles are closed, and the VM stays as it is |
//! | `/VM/on`, `/VM/off`, `/VM/suspend` | the VM's power; its consoles are closed unless it is on |
//! | `/VM/move`, `/VM/lose-host`, `/VM/delete` | the VM is on another host, its host does not respond, it is deleted; its consoles are closed |
//! | `/sessions/expire` | all sessions of `/sdk` end, as by their idle timeout |
//!
//! 404 for an unknown VM, and for the picture of a bridge.

use std::sync::{Arc, Weak};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use esxi_sim::{Host, KeyEvent, Placement, Power};
use serde_json::{Value, json};

/// The routes, which hold `host` weakly.
pub(crate) fn routes(host: &Arc<Host>, names: Vec<String>) -> Router {
    let guests = Guests {
        host: Arc::downgrade(host),
        names: names.into(),
    };
    Router::new()
        .route("/counts", get(counts))
        .route("/sessions/expire", post(expire_sessions))
        .route("/{vm}/{what}", get(look).post(change))
        .route("/{vm}/size/{size}", post(resize))
        .with_state(guests)
}

#[derive(Clone)]
struct Guests {
    host: Weak<Host>,
    names: Arc<[String]>,
}

impl Guests {
    /// The host, if it has a VM of this name.
    fn host_of(&self, vm: &String) -> Option<Arc<Host>> {
        self.host.upgrade().filter(|_| self.names.contains(vm))
    }
}

async fn look(State(guests): State<Guests>, Path((vm, what)): Path<(String, String)>) -> Response {
    let Some(host) = guests.host_of(&vm) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match what.as_str() {
        "typed" => host.typed(&vm).into_response(),
        "keys" => json(host.keys(&vm).iter().map(key).collect()),
        "down" => json(host.keys_down(&vm).into()),
        "firmware" => json(host.entered_firmware(&vm).into()),
        "pointer" => json(pointer(&host, &vm)),
        "picture.png" => match host.picture(&vm) {
            Some(picture) => ([(CONTENT_TYPE, "image/png")], picture).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn counts(State(guests): State<Guests>) -> Response {
    let Some(host) = guests.host.upgrade() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let counts = host.counts();
    json(json!({
        "whole_requests": counts.whole_requests,
        "incremental_requests": counts.incremental_requests,
        "acknowledgements": counts.acknowledgements,
        "consoles_open": counts.consoles_open,
        "logins": counts.logins,
        "logins_refused": counts.logins_refused,
        "logouts": counts.logouts,
        "sessions_open": counts.sessions_open,
        "screens": counts.screens,
    }))
}

async fn expire_sessions(State(guests): State<Guests>) -> StatusCode {
    let Some(host) = guests.host.upgrade() else {
        return StatusCode::NOT_FOUND;
    };
    host.expire_sessions();
    StatusCode::NO_CONTENT
}

async fn change(
    State(guests): State<Guests>,
    Path((vm, what)): Path<(String, String)>,
) -> StatusCode {
    match (guests.host_of(&vm), what.as_str()) {
        (Some(host), "silence") => host.fall_silent(&vm),
        (Some(host), "close") => host.close_consoles(&vm),
        (Some(host), "on") => host.set_power(&vm, Power::On),
        (Some(host), "off") => host.set_power(&vm, Power::Off),
        (Some(host), "suspend") => host.set_power(&vm, Power::Suspended),
        (Some(host), "move") => host.place(&vm, Placement::OtherHost),
        (Some(host), "lose-host") => host.place(&vm, Placement::LostHost),
        (Some(host), "delete") => host.place(&vm, Placement::Deleted),
        _ => return StatusCode::NOT_FOUND,
    }
    StatusCode::NO_CONTENT
}

async fn resize(
    State(guests): State<Guests>,
    Path((vm, size)): Path<(String, String)>,
) -> StatusCode {
    match (guests.host_of(&vm), crate::arguments::size(&size)) {
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
