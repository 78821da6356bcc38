//! The power of a VM.

use axum::Form;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tracing::info;
use vsphere::{Client, Error, PowerAction};

use crate::app::Routed;
use crate::error_page::ErrorPage;
use crate::rate_limits::Kind;
use crate::row::Key;
use crate::visitor::Visitor;

#[derive(Deserialize)]
pub(crate) struct Wanted {
    csrf: Option<String>,
    path: String,
    action: Action,
}

/// What the buttons do.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    On,
    Off,
    Reset,
    Shutdown,
    Suspend,
    /// Into the firmware's setup when the VM starts next, once.
    Firmware,
}

/// Changes the power, and leads back to the console.
pub(crate) async fn change(
    State(routed): State<Routed>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(wanted): Form<Wanted>,
) -> Response {
    if let Err(page) = visitor.check(wanted.csrf.as_deref(), &headers) {
        return page.into_response();
    }
    let limited = visitor.limit(&routed.app.rate_limits, Kind::Power);
    if let Err(limited) = limited {
        return limited.into_response();
    }
    let rows = routed.app.live.rows();
    let row = rows
        .of_user(&visitor.user)
        .find(|row| row.path == wanted.path);
    let Some((row, Key::Vm(vsphere, moref))) = row.map(|row| (row, &row.key)) else {
        return ErrorPage::not_found().into_response();
    };
    let vspheres = routed.app.entrance.vspheres();
    let Some(upstream) = vspheres.get(vsphere) else {
        return ErrorPage::not_found().into_response();
    };
    if visitor.user.view_only {
        let sentence = "You may only watch this virtual machine: its power is not yours to change.";
        return ErrorPage::new(StatusCode::FORBIDDEN, "Not allowed", sentence).into_response();
    }
    let result = perform(upstream.client(), moref, wanted.action).await;
    let (user, vm, action) = (&visitor.user.name, &row.name, wanted.action);
    match result {
        Ok(()) => {
            info!(user, vm, client = %visitor.client.address, "power changed in the page: {action:?}");
            let location = HeaderValue::try_from(format!("./{}", row.path));
            let location = location.unwrap_or(HeaderValue::from_static("./"));
            (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
        }
        Err(error) => {
            info!(user, vm, client = %visitor.client.address, "power not changed in the page ({action:?}): {error}");
            let sentence = format!("The power was not changed: {}.", error.for_viewer());
            ErrorPage::new(StatusCode::BAD_GATEWAY, "Not changed", sentence).into_response()
        }
    }
}

async fn perform(client: &Client, moref: &str, action: Action) -> Result<(), Error> {
    let action = match action {
        Action::On => PowerAction::On,
        Action::Off => PowerAction::Off,
        Action::Reset => PowerAction::Reset,
        Action::Shutdown => PowerAction::ShutDownGuest,
        Action::Suspend => PowerAction::Suspend,
        Action::Firmware => return client.boot_into_firmware_once(moref).await,
    };
    client.power(moref, action).await
}
