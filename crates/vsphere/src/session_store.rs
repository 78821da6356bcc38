//! Sessions that outlive a client: their cookies, and where they are kept.

use std::{fmt, sync::Arc};

use secrecy::{ExposeSecret, SecretString};

/// The cookie of a session, `vmware_soap_session=…`: whoever has it acts as the user. Its `Debug` output does not contain it.
#[derive(Clone)]
pub struct SessionCookie(Arc<SecretString>);

impl SessionCookie {
    /// `None` where the text is not such a cookie, or cannot be a header's value.
    pub fn new(text: &str) -> Option<Self> {
        let acceptable = text.starts_with(PREFIX)
            && text.len() <= MAX_LENGTH
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        acceptable.then(|| Self(Arc::new(SecretString::from(text))))
    }

    /// The cookie, for code that stores or sends it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for SessionCookie {
    /// Not in constant time: both cookies are from this user's own files.
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl fmt::Debug for SessionCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Keeps the session of one account at one endpoint, so that the next program needs no login.
///
/// A client with a store uses the session that is kept there, if the endpoint still knows it. It does not log out of a session
/// that is kept.
pub trait SessionStore: Send + Sync {
    /// The kept session.
    fn load(&self) -> Option<SessionCookie>;

    /// Keeps a new session, unless another is kept already. Returns whether it is kept.
    fn save(&self, cookie: &SessionCookie) -> bool;

    /// Forgets a session that has ended, but not a newer one.
    fn remove(&self, ended: &SessionCookie);
}

/// How a session cookie of vSphere begins.
const PREFIX: &str = "vmware_soap_session=";

/// The cookies seen have 60 characters.
const MAX_LENGTH: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_session_cookie_that_fits_a_header_is_accepted() {
        let cookie = SessionCookie::new("vmware_soap_session=\"c00kie\"").unwrap();
        assert_eq!(cookie.expose(), "vmware_soap_session=\"c00kie\"");
        assert_eq!(format!("{cookie:?}"), "[secret]");
        let long = format!("vmware_soap_session={}", "x".repeat(MAX_LENGTH));
        for text in [
            "",
            "other=1",
            "vmware_soap_session=a\r\nX: y",
            "vmware_soap_session=ü",
            &long,
        ] {
            assert_eq!(SessionCookie::new(text), None, "{text:?}");
        }
    }
}
