//! "Open in my viewer": a one-use login at a VM's native port, as a file or as text.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Extension, Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use gateway::{ONE_USE_NAME, OneUseLogin, TOKEN_LIFETIME};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tracing::info;

use crate::app::Routed;
use crate::client::Connection;
use crate::error_page::{ErrorPage, rendered, root};
use crate::native_port::{NativePort, NoPort, Way};
use crate::rate_limits::Kind;
use crate::row::{Key, Row};
use crate::viewer_files::{Target, disposition};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "viewer.html")]
struct ViewerPage<'a> {
    root: &'static str,
    name: &'a str,
    path: &'a str,
    csrf: &'a str,
    port: Result<NativePort, NoPort>,
    /// The page's own host name.
    host: &'a str,
    login: Option<Login<'a>>,
}

/// A login as the page shows it.
struct Login<'a> {
    seconds: u64,
    address: String,
    user: Option<&'a str>,
    password: Option<&'a str>,
    vnc_password: Option<&'a str>,
    link: String,
    /// A VNC password's link, where `link` has a user name.
    vnc_link: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Wanted {
    csrf: Option<String>,
    path: String,
    #[serde(rename = "as")]
    form: As,
}

/// How a login is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum As {
    /// virt-viewer's file.
    Vv,
    Remmina,
    /// TigerVNC's file, which has no login.
    TigerVnc,
    /// On a page.
    Text,
}

pub(crate) async fn of_vm(
    State(routed): State<Routed>,
    visitor: Visitor,
    connection: Extension<Connection>,
    headers: HeaderMap,
    Path((vsphere, moref)): Path<(String, String)>,
) -> Response {
    let key = Key::Vm(vsphere, moref);
    offer(&routed, &visitor, &connection, &headers, &key, 3)
}

pub(crate) async fn of_port(
    State(routed): State<Routed>,
    visitor: Visitor,
    connection: Extension<Connection>,
    headers: HeaderMap,
    Path(listen): Path<String>,
) -> Response {
    match listen.parse() {
        Ok(listen) => offer(
            &routed,
            &visitor,
            &connection,
            &headers,
            &Key::Port(listen),
            2,
        ),
        Err(_) => ErrorPage::not_found().at_depth(2).into_response(),
    }
}

/// The page with the buttons. It makes no login.
fn offer(
    routed: &Routed,
    visitor: &Visitor,
    connection: &Connection,
    headers: &HeaderMap,
    key: &Key,
    depth: usize,
) -> Response {
    let rows = routed.app.live.rows();
    let Some(row) = rows.get(key).filter(|row| row.is_for(&visitor.user)) else {
        return ErrorPage::not_found().at_depth(depth).into_response();
    };
    let way = Way::new(&routed.web, visitor.client, connection.local, headers);
    rendered(&ViewerPage {
        root: root(depth),
        name: &row.name,
        path: &row.path,
        csrf: &visitor.csrf,
        port: way.port(row, &visitor.user),
        host: &way.host,
        login: None,
    })
}

/// Makes a login and hands it over.
pub(crate) async fn open(
    State(routed): State<Routed>,
    visitor: Visitor,
    connection: Extension<Connection>,
    headers: HeaderMap,
    Form(wanted): Form<Wanted>,
) -> Response {
    if let Err(page) = visitor.check(wanted.csrf.as_deref(), &headers) {
        return page.into_response();
    }
    let rows = routed.app.live.rows();
    let mut own = rows.of_user(&visitor.user);
    let Some(row) = own.find(|row| row.path == wanted.path) else {
        return ErrorPage::not_found().into_response();
    };
    let way = Way::new(&routed.web, visitor.client, connection.local, &headers);
    let found = way.port(row, &visitor.user);
    let (Ok(port), true) = (&found, wanted.form != As::TigerVnc) else {
        return match found {
            Ok(port) => tigervnc(row, &port),
            Err(_) => without_login(&visitor, row, found, &way.host),
        };
    };
    if let Err(limited) = visitor.limit(&routed.app.rate_limits, Kind::Token) {
        return limited.into_response();
    }
    let login = match mint(&routed, &visitor, row, port) {
        Ok(login) => login,
        Err(page) => return page.into_response(),
    };
    let target = target(row, port, &login);
    match wanted.form {
        As::Vv => file(row, "vv", "application/x-virt-viewer", target.virt_viewer()),
        As::Remmina => file(row, "remmina", "application/x-remmina", target.remmina()),
        As::TigerVnc | As::Text => rendered(&ViewerPage {
            root: root(0),
            name: &row.name,
            path: &row.path,
            csrf: &visitor.csrf,
            login: Some(Login::new(&target, &login)),
            port: found.clone(),
            host: &way.host,
        }),
    }
}

fn mint(
    routed: &Routed,
    visitor: &Visitor,
    row: &Row,
    port: &NativePort,
) -> Result<OneUseLogin, ErrorPage> {
    let entrance = &routed.app.entrance;
    let login = entrance
        .mint_login(&visitor.user, port.listen, false)
        .map_err(ErrorPage::broken)?
        // It was removed from the configuration a moment ago.
        .ok_or_else(ErrorPage::not_found)?;
    let (user, client) = (&visitor.user.name, visitor.client.address);
    info!(user, vm = row.name, port = port.port, %client, "one-use login made in the page");
    Ok(login)
}

/// With a user name where the port has a method with one: that is the stronger.
fn target<'a>(row: &'a Row, port: &'a NativePort, login: &'a OneUseLogin) -> Target<'a> {
    let by_name = login.password.as_ref();
    Target {
        name: &row.name,
        host: &port.host,
        port: port.port,
        user: by_name.map(|_| ONE_USE_NAME),
        password: exposed(by_name.or(login.vnc_password.as_ref())),
        is_encrypted: port.is_encrypted(),
    }
}

fn exposed(secret: Option<&SecretString>) -> Option<&str> {
    secret.map(SecretString::expose_secret)
}

impl<'a> Login<'a> {
    fn new(target: &Target<'a>, login: &'a OneUseLogin) -> Self {
        let vnc_password = exposed(login.vnc_password.as_ref());
        let vnc = Target {
            user: None,
            password: vnc_password,
            ..*target
        };
        Self {
            seconds: TOKEN_LIFETIME.as_secs(),
            address: target.tigervnc_address(),
            user: target.user,
            password: exposed(login.password.as_ref()),
            vnc_password,
            link: target.link(),
            vnc_link: vnc_password.and(target.user).map(|_| vnc.link()),
        }
    }

    /// For programs that read the login from the environment: no command line has it.
    fn environment(&self) -> String {
        let password = self.password.or(self.vnc_password);
        password.map_or_else(String::new, |password| {
            format!("VNC_USERNAME={ONE_USE_NAME} VNC_PASSWORD={password} ")
        })
    }
}

fn tigervnc(row: &Row, port: &NativePort) -> Response {
    let target = Target {
        name: &row.name,
        host: &port.host,
        port: port.port,
        user: None,
        password: None,
        is_encrypted: port.is_encrypted(),
    };
    file(
        row,
        "tigervnc",
        "application/octet-stream",
        target.tigervnc(),
    )
}

fn without_login(
    visitor: &Visitor,
    row: &Arc<Row>,
    port: Result<NativePort, NoPort>,
    host: &str,
) -> Response {
    let page = rendered(&ViewerPage {
        root: root(0),
        name: &row.name,
        path: &row.path,
        csrf: &visitor.csrf,
        port,
        host,
        login: None,
    });
    (StatusCode::CONFLICT, page).into_response()
}

/// A download. As every response, it is not stored by caches.
fn file(row: &Row, extension: &str, kind: &'static str, text: String) -> Response {
    let headers = [
        (CONTENT_TYPE, kind.to_owned()),
        (CONTENT_DISPOSITION, disposition(&row.name, extension)),
    ];
    (headers, text).into_response()
}
