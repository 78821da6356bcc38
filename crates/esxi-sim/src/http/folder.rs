//! `GET /folder`: the files of the datastore, for clients with a session (`docs/webmks.md` 3.5).

use std::borrow::Cow;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Response, StatusCode};
use percent_encoding::percent_decode_str;
use url::form_urlencoded;

use super::response::status;
use crate::datastore::NAME;
use crate::host_state::HostState;

/// Answers `GET /folder/PATH`. The statuses 401 and 404 are guesses.
pub(crate) fn answer(
    state: &HostState,
    path: &str,
    query: &str,
    cookie: Option<&str>,
) -> Response<Full<Bytes>> {
    if cookie
        .and_then(|cookie| state.sessions.find(cookie))
        .is_none()
    {
        return status(StatusCode::UNAUTHORIZED);
    }
    if let Some(code) = state.screenshots().folder_status {
        return status(StatusCode::from_u16(code).unwrap_or(StatusCode::FORBIDDEN));
    }
    let asked = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, _)| key == name).map(|(_, value)| value)
    };
    let here = asked("dcPath") == Some(Cow::Borrowed(state.inventory.ids.datacenter_name))
        && asked("dsName") == Some(Cow::Borrowed(NAME));
    let path = percent_decode_str(path).decode_utf8_lossy();
    match here.then(|| state.datastore.read(&path)).flatten() {
        Some(content) => Response::new(Full::from(content)),
        None => status(StatusCode::NOT_FOUND),
    }
}
