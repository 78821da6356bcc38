//! The body of a request, and what answers say of time and place.

use std::time::SystemTime;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, StatusCode};
use gateway::{TOKEN_LIFETIME, users};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::error::ApiError;
use crate::client::Client;

/// The largest body; one with the longest names is smaller.
pub(super) const MAX_BODY: usize = 16 * 1024;

/// The header in which reverse proxies tell the path below which they serve us.
const FORWARDED_PREFIX: &str = "x-forwarded-prefix";

/// Which console, and for whom.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    pub(super) vm: String,
    pub(super) vsphere: Option<String>,
    pub(super) view_only: Option<bool>,
    pub(super) user: Option<String>,
}

impl Wanted {
    pub(super) fn read(
        headers: &HeaderMap,
        body: Result<Bytes, BytesRejection>,
    ) -> Result<Self, ApiError> {
        let kind = headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
        if !kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json")) {
            let message = "The body must be JSON: send it with `Content-Type: application/json`.";
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(ApiError::new(status, "not-json", message));
        }
        let body = body.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => {
                let message = format!("The body has more than {MAX_BODY} bytes.");
                ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", message)
            }
            _ => ApiError::bad_request("The body was not received whole."),
        })?;
        let wanted: Self = serde_json::from_slice(&body)
            .map_err(|error| ApiError::bad_request(format!("The body is wrong: {error}.")))?;
        if let Some(user) = &wanted.user {
            let wrong = |rules| ApiError::bad_request(format!("`user` is not valid: {rules}."));
            users::check_name(user).map_err(wrong)?;
        }
        Ok(wanted)
    }
}

/// When what is minted now expires.
pub(super) fn expires() -> Result<String, ApiError> {
    let end = OffsetDateTime::from(SystemTime::now() + TOKEN_LIFETIME);
    let end = end.replace_nanosecond(0).map_err(ApiError::broken)?;
    end.format(&Rfc3339).map_err(ApiError::broken)
}

/// The address of the page without its scheme, as this client has reached it: `//host/` or `//host/prefix/`.
pub(super) fn base(headers: &HeaderMap, client: Client) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let prefix = headers.get(FORWARDED_PREFIX).filter(|_| client.proxied);
    let prefix = prefix.and_then(|prefix| prefix.to_str().ok());
    let prefix = prefix.map_or("", |prefix| prefix.trim_matches('/'));
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let prefix = match prefix.bytes().all(is_plain) && !prefix.is_empty() {
        true => format!("{prefix}/"),
        false => String::new(),
    };
    format!("//{}/{prefix}", host.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn read(kind: &'static str, body: &str) -> Result<Wanted, String> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        let body = Bytes::from(body.to_owned());
        Wanted::read(&headers, Ok(body)).map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn a_body_is_json_with_known_fields() {
        let json = "application/json; charset=utf-8";
        let all = r#"{"vm":"desk","vsphere":"lab","view_only":true,"user":"ada"}"#;
        let wanted = read(json, all).unwrap();
        assert_eq!((wanted.vm.as_str(), wanted.view_only), ("desk", Some(true)));
        assert!(read("Application/JSON", r#"{"vm":"desk"}"#).is_ok());
        for (kind, body, words) in [
            ("text/plain", r#"{"vm":"desk"}"#, "not-json"),
            ("application/x-www-form-urlencoded", "vm=desk", "not-json"),
            (json, "", "bad-request"),
            (json, "{}", "missing field"),
            (json, r#"{"vm":"desk","admin":true}"#, "unknown field"),
            (json, r#"{"vm":"desk","vm":"other"}"#, "duplicate field"),
            (json, r#"{"vm":7}"#, "bad-request"),
            (json, r#"{"vm":"desk"} x"#, "bad-request"),
            (
                json,
                "{\"vm\":\"desk\",\"user\":\"a\\nlog line\"}",
                "`user` is not valid",
            ),
            (json, r#"{"vm":"desk","user":""}"#, "`user` is not valid"),
        ] {
            let error = read(kind, body).unwrap_err();
            assert!(error.contains(words), "{body}: {error}");
        }
    }

    #[test]
    fn the_pages_address_is_that_of_the_request_and_a_proxys_prefix() {
        let client = |proxied| Client {
            address: "192.0.2.5".parse().unwrap(),
            secure: true,
            proxied,
        };
        for (prefix, proxied, expected) in [
            ("", true, "//gw.example:8443/"),
            ("/consoles", true, "//gw.example:8443/consoles/"),
            ("/a/b/", true, "//gw.example:8443/a/b/"),
            ("/consoles", false, "//gw.example:8443/"),
            ("/x\"y", true, "//gw.example:8443/"),
            ("@evil.example/", true, "//gw.example:8443/"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("gw.example:8443"));
            headers.insert(FORWARDED_PREFIX, HeaderValue::from_static(prefix));
            assert_eq!(base(&headers, client(proxied)), expected, "{prefix:?}");
        }
    }
}
