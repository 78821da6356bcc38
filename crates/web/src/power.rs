//! The power of a VM.

use axum::Form;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use gateway::User;
use serde::Deserialize;
use tracing::info;
use vsphere::{Client, Error};

use crate::action::Action;
use crate::app::Routed;
use crate::error_page::ErrorPage;
use crate::rate_limits::Kind;
use crate::row::{Key, Row};
use crate::visitor::Visitor;

#[derive(Deserialize)]
pub(crate) struct Wanted {
    csrf: Option<String>,
    path: String,
    action: Action,
}

/// A button of the page.
pub(crate) struct Button {
    pub(crate) value: &'static str,
    pub(crate) text: &'static str,
    /// What the user is asked first; empty: nothing.
    pub(crate) question: &'static str,
    /// The privilege that the gateway's account lacks for it.
    pub(crate) lacks: Option<&'static str>,
}

impl Button {
    const fn of(action: Action) -> Self {
        let (value, text, question) = match action {
            Action::On => ("on", "Switch on", ""),
            Action::Shutdown => ("shutdown", "Shut down the guest", ""),
            Action::Suspend => ("suspend", "Suspend", ""),
            Action::Firmware => ("firmware", "Firmware setup at the next start", ""),
            Action::Reset => (
                "reset",
                "Reset",
                "Reset this virtual machine without asking its guest?",
            ),
            Action::Off => (
                "off",
                "Switch off",
                "Switch this virtual machine off without asking its guest?",
            ),
        };
        Self {
            value,
            text,
            question,
            lacks: None,
        }
    }
}

/// The buttons for a VM, where the user may use them; none: the user may only watch, or it is no VM of a vSphere.
pub(crate) async fn buttons(routed: &Routed, row: &Row, user: &User) -> Vec<Button> {
    let Key::Vm(vsphere, moref) = &row.key else {
        return Vec::new();
    };
    let vspheres = routed.app.entrance.vspheres();
    let Some(upstream) = vspheres.get(vsphere).filter(|_| !row.view_only_for(user)) else {
        return Vec::new();
    };
    let privileges = &routed.app.privileges;
    let missing = privileges.missing(upstream.client(), vsphere, moref).await;
    let button = |action: Action| Button {
        lacks: missing.get(action.privilege()).copied(),
        ..Button::of(action)
    };
    Action::ALL.map(button).into()
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
    if row.view_only_for(&visitor.user) {
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
    match action.power() {
        Some(action) => client.power(moref, action).await,
        None => client.boot_into_firmware_once(moref).await,
    }
}
