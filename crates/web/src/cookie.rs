//! The cookies of the page (RFC 6265bis).

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

/// A cookie's name. Over HTTPS it has the prefix `__Host-`: the browser then keeps it to this host, to `Secure` and to the
/// path `/`. Over plain HTTP, which is for loopback only, browsers refuse that prefix.
#[derive(Clone, Copy)]
pub(crate) enum Name {
    /// The session.
    Session,
    /// Ties the form of the login page to the browser that it was sent to.
    LoginForm,
}

impl Name {
    const fn text(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, true) => "__Host-mksgate",
            (Self::Session, false) => "mksgate",
            (Self::LoginForm, true) => "__Host-mksgate-login",
            (Self::LoginForm, false) => "mksgate-login",
        }
    }
}

/// The cookie's value in a request.
pub(crate) fn value(headers: &HeaderMap, name: Name, secure: bool) -> Option<&str> {
    let all = headers.get_all(COOKIE).into_iter();
    let pairs = all.filter_map(|header| header.to_str().ok());
    let mut pairs = pairs.flat_map(|text| text.split(';').map(str::trim));
    pairs.find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name.text(secure)).then_some(value)
    })
}

/// The header that sets the cookie until the browser is closed. `value` has the characters of base64 only.
pub(crate) fn set(name: Name, value: &str, secure: bool) -> Option<HeaderValue> {
    header(name, value, secure, "")
}

/// The header that deletes the cookie.
pub(crate) fn delete(name: Name, secure: bool) -> Option<HeaderValue> {
    header(name, "", secure, "; Max-Age=0")
}

fn header(name: Name, value: &str, secure: bool, more: &str) -> Option<HeaderValue> {
    let flag = if secure { "; Secure" } else { "" };
    let text = format!(
        "{}={value}; Path=/; HttpOnly; SameSite=Strict{flag}{more}",
        name.text(secure)
    );
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(
            COOKIE,
            HeaderValue::from_static("a=1; mksgate-login=l; mksgate=s"),
        );
        headers.append(COOKIE, HeaderValue::from_static("__Host-mksgate=t"));
        assert_eq!(value(&headers, Name::Session, false), Some("s"));
        assert_eq!(value(&headers, Name::LoginForm, false), Some("l"));
        assert_eq!(value(&headers, Name::Session, true), Some("t"));
        assert_eq!(value(&headers, Name::LoginForm, true), None);
    }

    #[test]
    fn attributes_keep_a_cookie_from_scripts_and_other_sites() {
        assert_eq!(
            set(Name::Session, "x", true).unwrap(),
            "__Host-mksgate=x; Path=/; HttpOnly; SameSite=Strict; Secure"
        );
        assert_eq!(
            delete(Name::Session, false).unwrap(),
            "mksgate=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
        );
    }
}
