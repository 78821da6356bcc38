//! Who sends a request to the API: whoever has a key of the keys file, as it is now.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use gateway::User;

use super::error::ApiError;
use crate::app::Routed;
use crate::client::Client;
use crate::rate_limits::Kind;

const SCHEME: &str = "Bearer";

/// A valid key.
pub(crate) struct ApiKey {
    /// Its name and rights.
    pub(crate) user: User,
    /// Where the request comes from.
    pub(crate) client: Client,
}

impl FromRequestParts<Routed> for ApiKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, routed: &Routed) -> Result<Self, ApiError> {
        let client = parts.extensions.get::<Client>().copied();
        let client = client.ok_or_else(|| ApiError::broken("the client is unknown"))?;
        let limits = &routed.app.rate_limits;
        // Not the settings of this connection, which may be older than a revocation.
        let settings = routed.app.entrance.settings();
        let keys = settings.as_ref().and_then(|web| web.api_keys.as_ref());
        let given = bearer(&parts.headers);
        let Some(user) = given.and_then(|key| keys?.find(key)) else {
            limits.check(Kind::Api, None, client.address)?;
            return Err(ApiError::no_key());
        };
        limits.check(Kind::Api, Some(&user.name), client.address)?;
        Ok(Self {
            user: user.clone(),
            client,
        })
    }
}

/// The key in the only Authorization (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).into_iter();
    let (Some(one), None) = (all.next().map(HeaderValue::to_str), all.next()) else {
        return None;
    };
    let (scheme, key) = one.ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case(SCHEME).then(|| key.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_in_the_only_header_with_the_scheme_bearer() {
        for (given, expected) in [
            (&["Bearer abc"][..], Some("abc")),
            (&["bearer  abc"], Some("abc")),
            (&["Basic abc"], None),
            (&["abc"], None),
            (&["Bearer"], None),
            (&["Bearer abc", "Bearer def"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in given {
                headers.append(AUTHORIZATION, HeaderValue::from_static(value));
            }
            assert_eq!(bearer(&headers), expected, "{given:?}");
        }
    }
}
