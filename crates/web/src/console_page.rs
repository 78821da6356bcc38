//! The page of one console, and the one-use tokens that open its WebSocket.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use console::printable::printable;
use gateway::{ConsoleGrant, ConsoleId, User};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use crate::api::error::ApiError;
use crate::app::Routed;
use crate::client::Client;
use crate::error_page::{ErrorPage, rendered, root};
use crate::novnc;
use crate::power;
use crate::rate_limits::Kind;
use crate::row::{Key, Row};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "console.html")]
struct ConsolePage<'a> {
    root: &'static str,
    name: &'a str,
    /// The console in the list; `None` where a token has led here.
    row: Option<&'a Row>,
    /// The path of the WebSocket, where a token has led here.
    websocket: String,
    csrf: &'a str,
    view_only: bool,
    power: Vec<power::Button>,
    has_novnc: bool,
    novnc: String,
}

#[derive(Deserialize)]
pub(crate) struct Wanted {
    path: String,
    #[serde(default)]
    view_only: bool,
}

/// What a page's script opens.
#[derive(Serialize)]
struct Minted {
    websocket: String,
}

pub(crate) async fn of_vm(
    State(routed): State<Routed>,
    visitor: Visitor,
    Path((vsphere, moref)): Path<(String, String)>,
) -> Response {
    page(&routed, &visitor, &Key::Vm(vsphere, moref), 2).await
}

pub(crate) async fn of_port(
    State(routed): State<Routed>,
    visitor: Visitor,
    Path(listen): Path<String>,
) -> Response {
    match listen.parse() {
        Ok(listen) => page(&routed, &visitor, &Key::Port(listen), 1).await,
        Err(_) => ErrorPage::not_found().at_depth(1).into_response(),
    }
}

async fn page(routed: &Routed, visitor: &Visitor, key: &Key, depth: usize) -> Response {
    let Some(row) = find(routed, &visitor.user, key) else {
        return ErrorPage::not_found().at_depth(depth).into_response();
    };
    rendered(&ConsolePage {
        root: root(depth),
        name: &row.name,
        row: Some(&row),
        websocket: String::new(),
        csrf: &visitor.csrf,
        view_only: row.view_only_for(&visitor.user),
        power: power::buttons(routed, &row, &visitor.user).await,
        has_novnc: novnc::is_there(&routed.web.novnc).await,
        novnc: routed.web.novnc.display().to_string(),
    })
}

/// The page that a token leads to. It does not use the token up: its script does.
pub(crate) async fn of_token(
    State(routed): State<Routed>,
    client: Client,
    headers: HeaderMap,
    Path(token): Path<String>,
) -> Response {
    let by = Visitor::of(&routed, client, &headers).map(|visitor| visitor.user.name);
    let grant = match routed.app.entrance.peek(&token, by.as_deref()) {
        Ok(grant) => grant,
        Err(error) => {
            return ApiError::of_token(&error, &headers).map_or_else(
                || ErrorPage::of_token(&error).at_depth(1).into_response(),
                IntoResponse::into_response,
            );
        }
    };
    let name = match &grant.console {
        ConsoleId::Vm { vm, .. } => printable(&vm.name),
        ConsoleId::Port(listen) => {
            let consoles = routed.app.entrance.consoles();
            let console = consoles
                .into_iter()
                .find(|console| console.listen == *listen);
            console.map_or_else(|| listen.to_string(), |console| console.name)
        }
    };
    rendered(&ConsolePage {
        root: root(1),
        name: &name,
        row: None,
        websocket: format!("console/{token}/ws"),
        csrf: "",
        view_only: grant.view_only || grant.user.view_only,
        power: Vec::new(),
        has_novnc: novnc::is_there(&routed.web.novnc).await,
        novnc: routed.web.novnc.display().to_string(),
    })
}

/// A token for a page of this user.
pub(crate) async fn mint(
    State(routed): State<Routed>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(wanted): Form<Wanted>,
) -> Response {
    if let Err(page) = visitor.check(None, &headers) {
        return page.into_response();
    }
    let limited = visitor.limit(&routed.app.rate_limits, Kind::Token);
    if let Err(limited) = limited {
        return limited.into_response();
    }
    let rows = routed.app.live.rows();
    let row = rows
        .of_user(&visitor.user)
        .find(|row| row.path == wanted.path);
    let Some(row) = row else {
        return ErrorPage::not_found().into_response();
    };
    let Some(console) = console_of(row, &visitor.user) else {
        return ErrorPage::not_found().into_response();
    };
    let recipient = visitor.user.name.clone();
    let grant = ConsoleGrant {
        console,
        user: visitor.user,
        view_only: wanted.view_only,
    };
    match routed.app.entrance.mint_console(grant, Some(&recipient)) {
        Ok(token) => {
            let websocket = format!("console/{}/ws", token.expose_secret());
            (StatusCode::CREATED, Json(Minted { websocket })).into_response()
        }
        Err(error) => ErrorPage::broken(error).into_response(),
    }
}

/// A console that the user may open.
fn find(routed: &Routed, user: &User, key: &Key) -> Option<Arc<Row>> {
    let rows = routed.app.live.rows();
    rows.get(key).filter(|row| row.is_for(user)).cloned()
}

/// The first port of a VM that the user may open, whose settings then hold; else the VM itself.
pub(crate) fn console_of(row: &Row, user: &User) -> Option<ConsoleId> {
    Some(match (row.port_for(user), &row.key) {
        (Some(port), _) => ConsoleId::Port(port.listen),
        (None, Key::Port(listen)) => ConsoleId::Port(*listen),
        (None, Key::Vm(vsphere, _)) => ConsoleId::Vm {
            vsphere: vsphere.clone(),
            vm: Box::new(row.vm.clone()?),
        },
    })
}
