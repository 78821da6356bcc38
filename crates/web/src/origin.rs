//! The page that a request comes from, as the browser says (Fetch, section 3.2).

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};

/// Whether the request comes from a page of ours: its Origin has the host and port of Host, which was checked before. The
/// scheme is not compared, since a reverse proxy may speak HTTPS in front of us. Programs send no Origin; browsers always do
/// with a POST and a WebSocket.
pub(crate) fn is_ours(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let origin = origin.to_str().ok();
    let authority = origin.and_then(|origin| origin.split_once("://").map(|(_, rest)| rest));
    match (authority, host) {
        (Some(authority), Some(host)) => authority.eq_ignore_ascii_case(host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_page_elsewhere_is_told_by_its_origin() {
        for (origin, ours) in [
            (None, true),
            (Some("https://gw.example:8443"), true),
            (Some("http://GW.example:8443"), true),
            (Some("https://gw.example"), false),
            (Some("https://gw.example:8443.evil.example"), false),
            (Some("https://evil.example"), false),
            (Some("null"), false),
            (Some(""), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("gw.example:8443"));
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_static(origin));
            }
            assert_eq!(is_ours(&headers), ours, "{origin:?}");
        }
    }
}
