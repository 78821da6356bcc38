//! Who sends a request: a user with a session, one whom a reverse proxy has authenticated, or anybody where no login is
//! configured.

use axum::extract::FromRequestParts;
use axum::http::header::{ACCEPT, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway::User;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use crate::app::Routed;
use crate::client::Client;
use crate::cookie::{self, Name};
use crate::error_page::{ErrorPage, root};
use crate::rate_limits::{Kind, Limited, RateLimits};

/// The header in which scripts send the form token.
const CSRF_HEADER: &str = "x-csrf-token";

/// A user who has logged in.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    /// The user, with the rights that it has now.
    pub(crate) user: User,
    /// The token that every form has: pages of other sites do not know it.
    pub(crate) csrf: String,
    /// The value of the session's cookie; `None` where there is no session.
    pub(crate) cookie: Option<String>,
    /// When its session ends in any case.
    pub(crate) ends: Option<Instant>,
    /// Where it is.
    pub(crate) client: Client,
}

impl Visitor {
    /// The visitor of a request; `None`: nobody has logged in.
    pub(crate) fn of(routed: &Routed, client: Client, headers: &HeaderMap) -> Option<Self> {
        let entrance = &routed.app.entrance;
        let header = routed.web.user_header.as_ref().filter(|_| client.proxied);
        let named = header.and_then(|header| headers.get(header));
        if let Some(name) = named {
            // An unknown name is not a login, whatever cookies there are.
            let user = entrance.user(name.to_str().ok()?)?;
            return Self::without_session(routed, user, client);
        }
        if let Some(user) = entrance.anyone() {
            return Self::without_session(routed, user, client);
        }
        let cookie = cookie::value(headers, Name::Session, client.secure)?;
        let session = routed.app.sessions.find(cookie)?;
        // The users file may have changed since the login.
        let Some(user) = entrance.user(&session.user) else {
            routed.app.sessions.end(cookie);
            return None;
        };
        Some(Self {
            user,
            csrf: session.csrf,
            cookie: Some(cookie.to_owned()),
            ends: Some(session.ends),
            client,
        })
    }

    fn without_session(routed: &Routed, user: User, client: Client) -> Option<Self> {
        let secret = routed.app.secret.as_ref()?;
        let token = Sha256::digest(format!("{secret}{}", user.name));
        Some(Self {
            csrf: URL_SAFE_NO_PAD.encode(token),
            user,
            cookie: None,
            ends: None,
            client,
        })
    }

    /// Counts a request of this visitor.
    pub(crate) fn limit(&self, limits: &RateLimits, kind: Kind) -> Result<(), Limited> {
        limits.check(kind, Some(&self.user.name), self.client.address)
    }

    /// Whether a change comes from a page that this visitor was sent: `form` is the token in its form, or else it is in a
    /// header.
    pub(crate) fn check(&self, form: Option<&str>, headers: &HeaderMap) -> Result<(), ErrorPage> {
        let header = headers
            .get(CSRF_HEADER)
            .and_then(|value| value.to_str().ok());
        let given = form.or(header).unwrap_or_default();
        match bool::from(given.as_bytes().ct_eq(self.csrf.as_bytes())) {
            true => Ok(()),
            false => Err(ErrorPage::new(
                StatusCode::FORBIDDEN,
                "Out of date",
                "This form is out of date: load the page again.",
            )),
        }
    }
}

impl FromRequestParts<Routed> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, routed: &Routed) -> Result<Self, Response> {
        let client = parts.extensions.get::<Client>().copied();
        let found = client.and_then(|client| Self::of(routed, client, &parts.headers));
        found.ok_or_else(|| no_login(parts))
    }
}

impl FromRequestParts<Routed> for Client {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &Routed) -> Result<Self, StatusCode> {
        let client = parts.extensions.get::<Self>().copied();
        client.ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// A browser that loads a page is led to the login, and from there to the page; a script gets a status.
fn no_login(parts: &Parts) -> Response {
    let accept = parts
        .headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    if !accept.is_some_and(|accept| accept.contains("text/html")) {
        return (StatusCode::UNAUTHORIZED, "log in first\n").into_response();
    }
    let path = parts.uri.path().trim_start_matches('/');
    let root = root(path.matches('/').count());
    let next = match parts.uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let next = utf8_percent_encode(&next, NON_ALPHANUMERIC);
    let location = format!("{root}login?next={next}");
    (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
}
