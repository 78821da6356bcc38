//! Which certificates the environment says to trust.

use std::env::{split_paths, var};
use std::path::Path;

use console::tls::Trust;

const TRUST: &str = "MKSGATE_TRUST";
const AUTHORITIES: &str = "GOVC_TLS_CA_CERTS";
const INSECURE: &str = "GOVC_INSECURE";

/// `MKSGATE_TRUST`, in the words of the key `trust`; else `GOVC_TLS_CA_CERTS`, PEM files separated as in `PATH`; else
/// `GOVC_INSECURE`. `None` where none of them is set.
///
/// Unlike in govc, `GOVC_TLS_CA_CERTS` takes precedence over `GOVC_INSECURE`, so that the certificate is verified.
pub(crate) fn read() -> Result<Option<Trust>, String> {
    let set = |name| var(name).ok().filter(|value| !value.is_empty());
    choose(
        set(TRUST).as_deref(),
        set(AUTHORITIES).as_deref(),
        set(INSECURE).as_deref(),
    )
}

fn choose(
    trust: Option<&str>,
    authorities: Option<&str>,
    insecure: Option<&str>,
) -> Result<Option<Trust>, String> {
    if let Some(trust) = trust {
        let trust = Trust::parse(trust, Path::to_path_buf);
        return trust.map(Some).map_err(|error| format!("{TRUST}: {error}"));
    }
    if let Some(files) = authorities {
        return certificates(files)
            .map(Some)
            .map_err(|error| format!("{AUTHORITIES}: {error}"));
    }
    let accept_any = matches!(insecure, Some("1" | "true" | "TRUE" | "True" | "t" | "T"));
    Ok(accept_any.then_some(Trust::DangerAcceptAny))
}

/// The authorities of all files, which replace the system's.
fn certificates(files: &str) -> Result<Trust, String> {
    let mut all = Vec::new();
    for file in split_paths(files).filter(|file| !file.as_os_str().is_empty()) {
        let word = format!("file:{}", file.display());
        if let Trust::File(authorities) = Trust::parse(&word, Path::to_path_buf)? {
            all.extend(authorities);
        }
    }
    match all.is_empty() {
        true => Err("it has no file name: name a PEM file, or unset it".into()),
        false => Ok(Trust::File(all)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mksgate_trust_takes_the_values_of_the_key_trust() {
        let trust = |text| choose(Some(text), Some("/nowhere.pem"), Some("1"));
        assert_eq!(trust("webpki"), Ok(Some(Trust::WebPki)));
        assert_eq!(trust("system"), Ok(Some(Trust::System)));
        let pinned = format!("sha256:{}", "ab".repeat(32));
        assert!(matches!(trust(&pinned), Ok(Some(Trust::Pinned(_)))));
        assert!(
            trust("sha256:ab")
                .unwrap_err()
                .starts_with("MKSGATE_TRUST: ")
        );
    }

    #[test]
    fn authorities_of_several_files_are_all_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["one.pem", "two.pem"].map(|name| folder.path().join(name));
        for path in &paths {
            let made = rcgen::generate_simple_self_signed(["esxi".into()]).unwrap();
            std::fs::write(path, made.cert.pem()).unwrap();
        }
        let joined = std::env::join_paths([&paths[0], Path::new(""), &paths[1]]).unwrap();
        let read = choose(None, joined.to_str(), Some("1")).unwrap();
        assert!(matches!(read, Some(Trust::File(all)) if all.len() == 2));
    }

    #[test]
    fn files_of_authorities_that_are_missing_are_named() {
        for (files, expected) in [
            ("/nowhere.pem", "/nowhere.pem"),
            (":", "it has no file name"),
        ] {
            let error = choose(None, Some(files), None).unwrap_err();
            assert!(error.starts_with("GOVC_TLS_CA_CERTS: ") && error.contains(expected));
        }
    }

    #[test]
    fn only_what_govc_takes_for_true_is_insecure() {
        for (value, expected) in [
            ("1", Some(Trust::DangerAcceptAny)),
            ("0", None),
            ("yes", None),
        ] {
            assert_eq!(choose(None, None, Some(value)), Ok(expected));
        }
        assert_eq!(choose(None, None, None), Ok(None));
    }
}
