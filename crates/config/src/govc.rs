//! A vSphere from govc's environment variables.

use std::env::var;

use crate::govc_trust;
use crate::omitted::Omitted;
use crate::sdk_url::{sdk_url, web_client_path};
use console::settings::VSphere;
use console::tls::Trust;

/// Its name in messages.
pub(crate) const NAME: &str = "govc";

/// The vSphere that the variables name.
pub struct Environment {
    /// Its settings; without a password where none is set.
    pub(crate) vsphere: VSphere,
    pub(crate) omitted: Omitted,
}

/// Reads `GOVC_URL` (host, host:port or URL with optional credentials), `GOVC_USERNAME`, `GOVC_PASSWORD`, and which certificates
/// to trust: `MKSGATE_TRUST` (govc itself cannot pin a certificate), `GOVC_TLS_CA_CERTS`, `GOVC_INSECURE`. `None` without
/// `GOVC_URL`.
///
/// # Errors
/// A sentence: a variable is missing or wrong.
pub fn environment() -> Option<Result<Environment, String>> {
    let url = var("GOVC_URL").ok().filter(|url| !url.is_empty())?;
    let read = || {
        let mut vsphere = read(&url, var("GOVC_USERNAME").ok(), var("GOVC_PASSWORD").ok())?;
        let trust = govc_trust::read()?;
        let omitted = Omitted {
            trust: trust.is_none(),
            password_missing: PASSWORD_MISSING.into(),
        };
        vsphere.trust = trust.unwrap_or(Trust::System);
        Ok(Environment { vsphere, omitted })
    };
    Some(read())
}

/// The error for a password that is not set and cannot be asked for.
pub const PASSWORD_MISSING: &str = "GOVC_PASSWORD is not set: set it, or put it into GOVC_URL";

/// Whether `GOVC_URL` names a vSphere.
pub fn is_set() -> bool {
    std::env::var_os("GOVC_URL").is_some_and(|url| !url.is_empty())
}

/// The URL is not repeated in an error: it may hold a password.
fn read(url: &str, username: Option<String>, password: Option<String>) -> Result<VSphere, String> {
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
    let password = given(password, url_password).map(Into::into);
    let url = sdk_url(&format!("{scheme}://{host}{path}"))
        .ok_or("GOVC_URL is not an address: write host, host:port or an https URL")?;
    if let Some(path) = web_client_path(&url) {
        return Err(format!(
            "{path} is the path of a web client: remove {path} from GOVC_URL"
        ));
    }
    Ok(VSphere {
        password,
        ..VSphere::new(url, username, "".into())
    })
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
            let read = read(url, username.map(Into::into), password.map(Into::into)).unwrap();
            let found = (
                read.url.as_str(),
                read.username.as_str(),
                read.password.as_ref().unwrap().expose_secret(),
            );
            assert_eq!(found, expected, "{url}");
        }
    }

    #[test]
    fn errors_name_the_missing_variable_and_omit_passwords() {
        assert!(
            read("h", None, Some("p".into()))
                .unwrap_err()
                .starts_with("GOVC_USERNAME")
        );
        let read_without = read("h", Some("u".into()), None).unwrap();
        assert!(read_without.password.is_none());
        let error = read("ftp://u:s3cr3t@h", None, None).unwrap_err();
        assert!(
            error.starts_with("GOVC_URL") && !error.contains("s3cr3t"),
            "{error}"
        );
    }
}
