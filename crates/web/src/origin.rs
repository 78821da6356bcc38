//! The page that a request comes from, as the browser says (Fetch, section 3.2).

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue};

/// How the browser itself compares the two pages; scripts cannot set it.
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Whether the request comes from a page of ours: the browser says so, or its Origin has the host and port of Host, which was
/// checked before. The scheme is not compared, since a reverse proxy may speak HTTPS in front of us. Programs send neither.
///
/// Pages without a Referer, as ours, have the Origin "null" in the requests of their forms.
pub(crate) fn is_ours(headers: &HeaderMap) -> bool {
    let site = headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes);
    let origin = headers.get(ORIGIN).map(HeaderValue::as_bytes);
    match (site, origin) {
        (Some(b"same-origin"), None | Some(b"null")) | (None, None) => true,
        (Some(b"same-origin") | None, Some(origin)) => is_host(headers, origin),
        (Some(_), _) => false,
    }
}

/// Whether the request comes from a page with one of these origins.
pub(crate) fn is_of(headers: &HeaderMap, origins: &[String]) -> bool {
    let origin = headers.get(ORIGIN).map(HeaderValue::as_bytes);
    origins.iter().any(|known| Some(known.as_bytes()) == origin)
}

fn is_host(headers: &HeaderMap, origin: &[u8]) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let origin = str::from_utf8(origin).ok();
    let authority = origin.and_then(|origin| Some(origin.split_once("://")?.1));
    authority
        .zip(host)
        .is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portals_origin_is_compared_as_a_whole() {
        let portals = ["https://portal.example".to_owned()];
        for (origin, is_portals) in [
            ("https://portal.example", true),
            ("https://portal.example:8443", false),
            ("http://portal.example", false),
            ("https://portal.example.evil.example", false),
            ("null", false),
        ] {
            let headers = HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static(origin))]);
            assert_eq!(is_of(&headers, &portals), is_portals, "{origin}");
        }
        assert!(!is_of(&HeaderMap::new(), &portals));
    }

    #[test]
    fn a_page_elsewhere_is_told_by_its_origin() {
        let host = "gw.example:8443";
        for (site, origin, ours) in [
            (None, None, true),
            (None, Some("https://gw.example:8443"), true),
            (None, Some("http://GW.example:8443"), true),
            (None, Some("https://gw.example"), false),
            (None, Some("https://gw.example:8443.evil.example"), false),
            (None, Some("https://evil.example"), false),
            (None, Some("null"), false),
            (None, Some(""), false),
            (Some("same-origin"), Some("null"), true),
            (Some("same-origin"), Some("https://gw.example:8443"), true),
            (Some("same-origin"), Some("https://evil.example"), false),
            (Some("same-origin"), None, true),
            (Some("cross-site"), Some("null"), false),
            (Some("same-site"), None, false),
            (Some("none"), None, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static(host));
            let given = [(ORIGIN.as_str(), origin), (SEC_FETCH_SITE, site)];
            for (name, value) in given
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?)))
            {
                headers.insert(name, HeaderValue::from_static(value));
            }
            assert_eq!(is_ours(&headers), ours, "{site:?} {origin:?}");
        }
    }
}
