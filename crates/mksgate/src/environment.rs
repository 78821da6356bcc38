//! A vSphere out of the environment variables that govc reads.

use std::env::var;

use crate::config::{VSphere, sdk_url};
use crate::tls::Trust;

/// What that vSphere is called where it needs a name.
pub(crate) const NAME: &str = "govc";

/// `GOVC_URL` (host, host:port or URL, user and password in it allowed), `GOVC_USERNAME`, `GOVC_PASSWORD`,
/// `GOVC_INSECURE`; `None` where `GOVC_URL` is not set.
pub(crate) fn vsphere() -> Option<Result<VSphere, String>> {
    let url = var("GOVC_URL").ok().filter(|url| !url.is_empty())?;
    let insecure = matches!(
        var("GOVC_INSECURE").as_deref(),
        Ok("1" | "true" | "TRUE" | "True" | "t" | "T")
    );
    Some(read(
        &url,
        var("GOVC_USERNAME").ok(),
        var("GOVC_PASSWORD").ok(),
        insecure,
    ))
}

/// The URL is not repeated in an error: it may hold a password.
fn read(
    url: &str,
    username: Option<String>,
    password: Option<String>,
    insecure: bool,
) -> Result<VSphere, String> {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let authority_end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    let (credentials, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    let (url_user, url_password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let given = |set: Option<String>, in_url: &str| {
        set.filter(|set| !set.is_empty())
            .or_else(|| Some(decode(in_url)).filter(|text| !text.is_empty()))
    };
    let username = given(username, url_user)
        .ok_or("GOVC_USERNAME is not set: set it, or put it into GOVC_URL")?;
    let password = given(password, url_password)
        .ok_or("GOVC_PASSWORD is not set: set it, or put it into GOVC_URL")?;
    let url = sdk_url(&format!("{scheme}://{host}{path}"))
        .ok_or("GOVC_URL is no host, host:port or https URL")?;
    let mut vsphere = VSphere::new(url, username, password.into());
    if insecure {
        vsphere.trust = Trust::DangerAcceptAny;
    }
    Ok(vsphere)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn url_user_and_password_are_found_wherever_they_stand() {
        for (url, username, password, expected) in [
            (
                "esxi",
                Some("root"),
                Some("p"),
                ("https://esxi/sdk", "root", "p"),
            ),
            (
                "esxi:8443",
                Some("root"),
                Some("p"),
                ("https://esxi:8443/sdk", "root", "p"),
            ),
            (
                "https://root:p%40ss@esxi/sdk",
                None,
                None,
                ("https://esxi/sdk", "root", "p@ss"),
            ),
            (
                "a@vsphere.local:x@vc",
                None,
                None,
                ("https://vc/sdk", "a@vsphere.local", "x"),
            ),
            (
                "https://u:p@[fd00::1]:444/",
                Some("other"),
                None,
                ("https://[fd00::1]:444/sdk", "other", "p"),
            ),
        ] {
            let read = read(
                url,
                username.map(Into::into),
                password.map(Into::into),
                false,
            )
            .unwrap();
            let found = (
                read.url.as_str(),
                read.username.as_str(),
                read.password.expose_secret(),
            );
            assert_eq!(found, expected, "{url}");
            assert_eq!(read.trust, Trust::System);
        }
        let any = read("h", Some("u".into()), Some("p".into()), true).unwrap();
        assert_eq!(any.trust, Trust::DangerAcceptAny);
    }

    #[test]
    fn what_is_missing_is_named_and_no_password_is_repeated() {
        assert!(
            read("h", None, Some("p".into()), false)
                .unwrap_err()
                .starts_with("GOVC_USERNAME")
        );
        assert!(
            read("h", Some("u".into()), None, false)
                .unwrap_err()
                .starts_with("GOVC_PASSWORD")
        );
        let error = read("ftp://u:geheim@h", None, None, false).unwrap_err();
        assert!(
            error.starts_with("GOVC_URL") && !error.contains("geheim"),
            "{error}"
        );
    }
}
