//! Login and logout.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::header::{LOCATION, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Response};
use gateway::Failure;
use rfb_proto::Password;
use serde::Deserialize;
use subtle::ConstantTimeEq;
use tracing::{info, warn};

use crate::app::Routed;
use crate::client::Client;
use crate::cookie::{self, Name};
use crate::error_page::{ErrorPage, rendered};
use crate::random::random_text;
use crate::rate_limits::Kind;
use crate::visitor::Visitor;

/// The login page.
#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    root: &'static str,
    /// Why the last attempt failed.
    reason: Option<String>,
    /// The name that was given.
    user: &'a str,
    /// Where to go after the login.
    next: &'a str,
    /// The token of this form.
    form: &'a str,
}

#[derive(Deserialize)]
pub(crate) struct After {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub(crate) struct Credentials {
    user: String,
    password: String,
    #[serde(default)]
    next: String,
    #[serde(default)]
    form: String,
}

#[derive(Deserialize)]
pub(crate) struct Change {
    csrf: Option<String>,
}

pub(crate) async fn form(
    State(routed): State<Routed>,
    client: Client,
    headers: HeaderMap,
    Query(After { next }): Query<After>,
) -> Response {
    match Visitor::of(&routed, client, &headers) {
        Some(_) => see_other(after(&next)),
        None => page(client, None, "", &next),
    }
}

pub(crate) async fn log_in(
    State(routed): State<Routed>,
    client: Client,
    headers: HeaderMap,
    Form(given): Form<Credentials>,
) -> Response {
    let Credentials {
        user,
        password,
        next,
        form,
    } = given;
    let rate_limits = &routed.app.rate_limits;
    if let Err(limited) = rate_limits.check(Kind::Login, None, client.address) {
        return limited.into_response();
    }
    let expected = cookie::value(&headers, Name::LoginForm, client.secure);
    let is_own =
        expected.is_some_and(|expected| bool::from(expected.as_bytes().ct_eq(form.as_bytes())));
    if !is_own {
        let reason = "This form is out of date, or cookies are blocked: try again.";
        return page(client, Some(reason.into()), &user, &next);
    }
    let known = match routed
        .app
        .entrance
        .log_in(client.address, &user, Password::new(password))
        .await
    {
        Ok(known) => known,
        Err(failure) => return refused(client, &failure, &user, &next),
    };
    let begun = match routed.app.sessions.begin(&known.name) {
        Ok(begun) => begun,
        Err(error) => return ErrorPage::broken(error).into_response(),
    };
    info!(user = known.name, client = %client.address, "login to the page");
    let cookies = [
        cookie::set(Name::Session, &begun, client.secure),
        cookie::delete(Name::LoginForm, client.secure),
    ];
    let cookies = cookies
        .into_iter()
        .flatten()
        .map(|value| (SET_COOKIE, value));
    (AppendHeaders(cookies), see_other(after(&next))).into_response()
}

pub(crate) async fn log_out(
    State(routed): State<Routed>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(change): Form<Change>,
) -> Response {
    if let Err(page) = visitor.check(change.csrf.as_deref(), &headers) {
        return page.into_response();
    }
    if let Some(cookie) = &visitor.cookie {
        routed.app.sessions.end(cookie);
    }
    let deleted = cookie::delete(Name::Session, visitor.client.secure);
    let deleted = deleted.map(|value| (SET_COOKIE, value));
    (AppendHeaders(deleted), see_other("./login")).into_response()
}

/// The page with a new token for its form.
fn page(client: Client, reason: Option<String>, user: &str, next: &str) -> Response {
    let form = match random_text() {
        Ok(form) => form,
        Err(error) => return ErrorPage::broken(error).into_response(),
    };
    let page = rendered(&LoginPage {
        root: "./",
        reason,
        user,
        next,
        form: &form,
    });
    let cookie = cookie::set(Name::LoginForm, &form, client.secure);
    (AppendHeaders(cookie.map(|value| (SET_COOKIE, value))), page).into_response()
}

/// The page with the reason of a failed login.
fn refused(client: Client, failure: &Failure, user: &str, next: &str) -> Response {
    warn!(user, client = %client.address, "login to the page refused: {failure}");
    let (status, reason, wait) = match failure {
        Failure::WrongLogin | Failure::WrongPassword => (
            StatusCode::FORBIDDEN,
            "Wrong user name or password.".to_owned(),
            None,
        ),
        Failure::Penalised(wait) | Failure::ConsolePenalised(wait) => {
            let seconds = wait.as_secs().saturating_add(1);
            let reason = format!("Too many failed logins: try again in {seconds} s.");
            (StatusCode::TOO_MANY_REQUESTS, reason, Some(seconds))
        }
        _ => {
            let reason = "The login cannot be checked now: ask the administrator.".to_owned();
            (StatusCode::SERVICE_UNAVAILABLE, reason, None)
        }
    };
    let wait = wait.map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds)));
    (
        status,
        AppendHeaders(wait),
        page(client, Some(reason), user, next),
    )
        .into_response()
}

/// The path to go to after the login: a page of ours, relative to the root.
fn after(next: &str) -> &str {
    let is_plain =
        |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>');
    let is_ours = next.starts_with("vm/") || next.starts_with('?');
    match is_ours && next.bytes().all(is_plain) && !next.contains("..") {
        true => next,
        false => "./",
    }
}

fn see_other(location: &str) -> Response {
    let location = HeaderValue::try_from(location);
    let location = location.unwrap_or(HeaderValue::from_static("./"));
    (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_pages_of_ours_only() {
        for (next, expected) in [
            ("", "./"),
            ("vm/lab/vm-42", "vm/lab/vm-42"),
            ("?q=web&group=folder", "?q=web&group=folder"),
            ("//evil.example/", "./"),
            ("https://evil.example/", "./"),
            ("/\\evil.example", "./"),
            ("vm/../../x", "./"),
            ("vm/a\r\nSet-Cookie: x=y", "./"),
        ] {
            assert_eq!(after(next), expected, "{next:?}");
        }
    }
}
