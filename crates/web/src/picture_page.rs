//! The pictures of VMs as browsers get them.

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use gateway::User;

use crate::app::Routed;
use crate::assets::{self, is_known};
use crate::client::Client;
use crate::error_page::ErrorPage;
use crate::pictures::{Picture, Pictures};
use crate::rate_limits::Kind;
use crate::row::{Key, Row};
use crate::visitor::Visitor;

/// Tells the list's script whether a new picture will be there soon.
const STATE: HeaderName = HeaderName::from_static("x-picture");

pub(crate) async fn serve(
    State(routed): State<Routed>,
    visitor: Visitor,
    Path((vsphere, moref)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let limited = visitor.limit(&routed.app.rate_limits, Kind::Picture);
    if let Err(limited) = limited {
        return limited.into_response();
    }
    let rows = routed.app.live.rows();
    let row = rows.get(&Key::Vm(vsphere, moref));
    let row = row.filter(|row| may_see(row, &visitor.user, visitor.client));
    let Some(row) = row else {
        return ErrorPage::not_found().at_depth(2).into_response();
    };
    let app = &routed.app;
    let asked = Pictures::ask(&app.pictures, &app.entrance, &routed.web, row);
    let mut response = match asked.picture {
        Some(picture) => answer(picture, &headers),
        None => assets::placeholder(),
    };
    // Always, since a 304 only adds headers to what the browser has.
    let state = if asked.pending { "pending" } else { "current" };
    let headers = response.headers_mut();
    headers.insert(STATE, HeaderValue::from_static(state));
    response
}

/// Whoever may open the console from where he is.
fn may_see(row: &Row, user: &User, client: Client) -> bool {
    row.is_for(user) && row.admits(user, client.address)
}

fn answer(picture: Picture, headers: &HeaderMap) -> Response {
    let Picture { png, tag } = picture;
    let is_known = is_known(headers, &tag);
    let cached = [
        (ETAG, tag),
        // Only this user's browser may keep it, and asks each time.
        (CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
    ];
    match is_known {
        true => (StatusCode::NOT_MODIFIED, cached).into_response(),
        false => (cached, [(CONTENT_TYPE, "image/png")], png).into_response(),
    }
}
