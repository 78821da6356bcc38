//! The headers of every response.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// One year.
const HSTS: &str = "max-age=31536000";

/// What the page consists of is ours, except pictures that a script draws (`data:`, as noVNC's pointer).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors ";

/// The Content-Security-Policy with these frame ancestors.
pub(crate) fn policy(frame_ancestors: &[String]) -> Option<HeaderValue> {
    let sources = match frame_ancestors {
        [] => "'none'".to_owned(),
        some => format!("'self' {}", some.join(" ")),
    };
    HeaderValue::try_from(format!("{POLICY}{sources}")).ok()
}

/// Adds the headers. A response that has set how it may be cached keeps that.
pub(crate) fn add(headers: &mut HeaderMap, frame_ancestors: &[String], tls: bool) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(REFERRER_POLICY, "no-referrer");
    set(
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    );
    set(
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    );
    if tls {
        set(STRICT_TRANSPORT_SECURITY, HSTS);
    }
    if frame_ancestors.is_empty() {
        set(X_FRAME_OPTIONS, "DENY");
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    // Without this header scripts of others could run: an invalid one is replaced by the strictest.
    let strictest = || HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.insert(
        CONTENT_SECURITY_POLICY,
        policy(frame_ancestors).unwrap_or_else(strictest),
    );
}
