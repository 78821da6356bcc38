//! The session cache, `~/.cache/mksgate`: one file for each combination of URL, user name and
//! certificate verification.

use std::path::PathBuf;

use console::settings::VSphere;
use console::tls::Trust;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vsphere::{SessionCookie, SessionStore};

use crate::user_files::{self, Readers};

/// The file of one session. It is used only for the same account.
pub struct SessionCache {
    path: PathBuf,
    account: Account,
}

/// Identifies a session. The cookie is never sent to another URL, or with another certificate verification.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Account {
    url: String,
    username: String,
    trust: String,
}

/// The contents of the file.
#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    account: Account,
    cookie: String,
}

impl SessionCache {
    /// The cache of this account; `None` without a home directory.
    ///
    /// # Errors
    /// A sentence: somebody else may have written the cache, or may read it.
    pub fn of(vsphere: &VSphere) -> Result<Option<Self>, String> {
        let Some(folder) = user_files::cache_folder() else {
            return Ok(None);
        };
        let account = Account {
            url: vsphere.url.to_string(),
            username: vsphere.username.clone(),
            trust: trust_in_words(&vsphere.trust),
        };
        let cache = Self {
            path: folder.join(format!("session-{}.json", account.digest())),
            account,
        };
        user_files::read(&cache.path, Readers::Owner)?;
        Ok(Some(cache))
    }
}

impl SessionCache {
    /// Returns whether there was no file.
    fn create_file(&self, cookie: &SessionCookie) -> Result<bool, String> {
        let entry = Entry {
            account: self.account.clone(),
            cookie: cookie.expose().to_owned(),
        };
        let text = serde_json::to_string(&entry).map_err(|error| error.to_string())?;
        user_files::create_new(&self.path, &text)
    }
}

impl SessionStore for SessionCache {
    /// A file that cannot be read counts as missing; the session is then not kept.
    fn load(&self) -> Option<SessionCookie> {
        let text = user_files::read(&self.path, Readers::Owner).ok()??;
        let entry: Entry = serde_json::from_str(&text).ok()?;
        let cookie = SessionCookie::new(&entry.cookie)?;
        (entry.account == self.account).then_some(cookie)
    }

    fn save(&self, cookie: &SessionCookie) -> bool {
        let saved = self.create_file(cookie).and_then(|is_saved| {
            if is_saved || self.load().is_some() {
                return Ok(is_saved);
            }
            // The file has no valid session of this account.
            let _ = std::fs::remove_file(&self.path);
            self.create_file(cookie)
        });
        saved.unwrap_or_else(|error| {
            tracing::debug!(%error, "the session is not kept");
            false
        })
    }

    fn remove(&self, ended: &SessionCookie) {
        if self.load().is_some_and(|kept| kept == *ended) {
            // If this fails, the next login removes the file.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Account {
    fn digest(&self) -> String {
        // A length before each part, so that different accounts have different input.
        let mut hash = Sha256::new();
        for part in [&self.url, &self.username, &self.trust] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        let digest: [u8; 32] = hash.finalize().into();
        digest.map(|byte| format!("{byte:02x}")).concat()
    }
}

/// The verification of certificates as text; two that accept different certificates have different texts.
fn trust_in_words(trust: &Trust) -> String {
    match trust {
        Trust::System => "system".into(),
        Trust::WebPki => "webpki".into(),
        Trust::Pinned(thumbprint) => thumbprint.to_string(),
        Trust::DangerAcceptAny => "danger-accept-any".into(),
        Trust::File(authorities) => {
            let digest = |certificate: &rustls::pki_types::CertificateDer<'_>| {
                let digest: [u8; 32] = Sha256::digest(certificate).into();
                digest.map(|byte| format!("{byte:02x}")).concat()
            };
            let digests: Vec<String> = authorities.iter().map(digest).collect();
            format!("file:{}", digests.join(","))
        }
    }
}

#[cfg(test)]
mod tests {
    use console::tls::Thumbprint;

    use super::*;

    fn vsphere(url: &str, username: &str, trust: Trust) -> VSphere {
        VSphere {
            trust,
            ..VSphere::new(url.parse().unwrap(), username.into(), "secret".into())
        }
    }

    fn cache(folder: &std::path::Path, vsphere: &VSphere) -> SessionCache {
        let account = Account {
            url: vsphere.url.to_string(),
            username: vsphere.username.clone(),
            trust: trust_in_words(&vsphere.trust),
        };
        SessionCache {
            path: folder.join(format!("mksgate/session-{}.json", account.digest())),
            account,
        }
    }

    fn cookie(name: &str) -> SessionCookie {
        SessionCookie::new(&format!("vmware_soap_session=\"{name}\"")).unwrap()
    }

    const URL: &str = "https://esxi.example/sdk";

    #[test]
    fn a_session_is_found_only_under_the_same_address_user_and_trust() {
        let home = tempfile::tempdir().unwrap();
        let pin = |byte| Trust::Pinned(Thumbprint::Sha256([byte; 32]));
        let own = cache(home.path(), &vsphere(URL, "root", pin(1)));
        assert_eq!(own.load(), None);
        assert!(own.save(&cookie("one")));
        assert_eq!(own.load(), Some(cookie("one")));
        for other in [
            vsphere("https://esxi.example:444/sdk", "root", pin(1)),
            vsphere(URL, "rooted", pin(1)),
            vsphere(URL, "root", pin(2)),
            vsphere(URL, "root", Trust::DangerAcceptAny),
        ] {
            let other = cache(home.path(), &other);
            assert_eq!(other.load(), None, "{}", other.account.trust);
            // Not even from a file of the right name.
            std::fs::copy(&own.path, &other.path).unwrap();
            assert_eq!(other.load(), None, "{}", other.account.trust);
            assert!(other.save(&cookie("other")), "it replaces such a file");
        }
        assert_eq!(own.load(), Some(cookie("one")));
    }

    #[test]
    fn the_first_session_stays_until_it_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let cache = cache(home.path(), &vsphere(URL, "root", Trust::System));
        assert!(cache.save(&cookie("one")));
        assert!(!cache.save(&cookie("two")));
        cache.remove(&cookie("two"));
        assert_eq!(cache.load(), Some(cookie("one")));
        cache.remove(&cookie("one"));
        assert!(!cache.path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_others_may_read_is_not_used_and_is_replaced() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let cache = cache(home.path(), &vsphere(URL, "root", Trust::System));
        assert!(cache.save(&cookie("one")));
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(&cache.path, open).unwrap();
        assert_eq!(cache.load(), None);
        assert!(cache.save(&cookie("two")));
        assert_eq!(cache.load(), Some(cookie("two")));
    }
}
