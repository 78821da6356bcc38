//! A vSphere from govc's environment variables.

use std::env::var;
use std::path::Path;

use crate::{AskPassword, sdk_url};
use console::settings::VSphere;
use console::tls::Trust;

/// Its name in messages.
pub const NAME: &str = "govc";

/// Reads `GOVC_URL` (host, host:port or URL with optional credentials), `GOVC_USERNAME`, `GOVC_PASSWORD` and `GOVC_INSECURE`;
/// `None` without `GOVC_URL`. Prompts for a missing password. `MKSGATE_TRUST` takes the values of the key `trust`: govc itself
/// cannot pin a certificate.
pub fn vsphere(ask: AskPassword<'_>) -> Option<Result<VSphere, String>> {
    let url = var("GOVC_URL").ok().filter(|url| !url.is_empty())?;
    let insecure = matches!(
        var("GOVC_INSECURE").as_deref(),
        Ok("1" | "true" | "TRUE" | "True" | "t" | "T")
    );
    let read = read(
        &url,
        var("GOVC_USERNAME").ok(),
        var("GOVC_PASSWORD").ok(),
        insecure,
        ask,
    );
    let trust = var("MKSGATE_TRUST").ok().filter(|trust| !trust.is_empty());
    Some(read.and_then(|vsphere| with_trust(vsphere, trust.as_deref())))
}

/// Whether `GOVC_URL` names a vSphere.
pub fn is_set() -> bool {
    std::env::var_os("GOVC_URL").is_some_and(|url| !url.is_empty())
}

fn with_trust(mut vsphere: VSphere, trust: Option<&str>) -> Result<VSphere, String> {
    if let Some(trust) = trust {
        vsphere.trust = Trust::parse(trust, Path::to_path_buf)
            .map_err(|error| format!("MKSGATE_TRUST: {error}"))?;
    }
    Ok(vsphere)
}

/// The URL is not repeated in an error: it may hold a password.
fn read(
    url: &str,
    username: Option<String>,
    password: Option<String>,
    insecure: bool,
    ask: AskPassword<'_>,
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
        .map(Into::into)
        .or_else(|| ask(&format!("Password of {username} at {host}: ")))
        .ok_or("GOVC_PASSWORD is not set: set it, or put it into GOVC_URL")?;
    let url = sdk_url(&format!("{scheme}://{host}{path}"))
        .ok_or("GOVC_URL is not a host, host:port or https URL")?;
    let mut vsphere = VSphere::new(url, username, password);
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
    fn url_user_and_password_are_read_from_url_and_variables() {
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
                &|_| None,
            )
            .unwrap();
            let found = (
                read.url.as_str(),
                read.username.as_str(),
                read.password.as_ref().unwrap().expose_secret(),
            );
            assert_eq!(found, expected, "{url}");
            assert_eq!(read.trust, Trust::System);
        }
        let any = read("h", Some("u".into()), Some("p".into()), true, &|_| None).unwrap();
        assert_eq!(any.trust, Trust::DangerAcceptAny);
    }

    #[test]
    fn errors_name_the_missing_variable_and_omit_passwords() {
        assert!(
            read("h", None, Some("p".into()), false, &|_| None)
                .unwrap_err()
                .starts_with("GOVC_USERNAME")
        );
        assert!(
            read("h", Some("u".into()), None, false, &|_| None)
                .unwrap_err()
                .starts_with("GOVC_PASSWORD")
        );
        let error = read("ftp://u:geheim@h", None, None, false, &|_| None).unwrap_err();
        assert!(
            error.starts_with("GOVC_URL") && !error.contains("geheim"),
            "{error}"
        );
    }

    #[test]
    fn missing_password_is_prompted_for() {
        let ask: AskPassword<'_> = &|prompt| {
            assert_eq!(prompt, "Password of u at h: ");
            Some("typed".into())
        };
        let read = read("u@h", None, None, false, ask).unwrap();
        assert_eq!(read.password.as_ref().unwrap().expose_secret(), "typed");
    }

    #[test]
    fn mksgate_trust_takes_the_values_of_the_key_trust() {
        let vsphere = || read("u:p@h", None, None, true, &|_| None).unwrap();
        let trust = |text| with_trust(vsphere(), text).map(|vsphere| vsphere.trust);
        assert_eq!(trust(None), Ok(Trust::DangerAcceptAny));
        assert_eq!(trust(Some("webpki")), Ok(Trust::WebPki));
        let pinned = format!("sha256:{}", "ab".repeat(32));
        assert!(matches!(trust(Some(&pinned)), Ok(Trust::Pinned(_))));
        assert!(
            trust(Some("sha256:ab"))
                .unwrap_err()
                .starts_with("MKSGATE_TRUST: ")
        );
    }
}
