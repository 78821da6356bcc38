//! The keys file of the API: names, hashes of keys, and rights.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::users::{User, check_name};

/// The beginning of every hash. Keys are random and long, so that a fast hash cannot be searched either.
const PREFIX: &str = "$sha256$";

/// Random bytes of a key.
const LENGTH: usize = 32;

/// A keys file: lines of `name:$sha256$…`, and after another colon the rights, as in a users file.
pub struct ApiKeys(Vec<Record>);

struct Record {
    hash: [u8; 32],
    /// With the key's name.
    user: User,
}

impl fmt::Debug for ApiKeys {
    /// Prints the names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|record| &record.user.name);
        f.debug_set().entries(names).finish()
    }
}

impl ApiKeys {
    /// Parses a keys file. Blank lines and lines that begin with `#` are skipped; a file without a key admits nobody.
    ///
    /// # Errors
    /// A sentence for each invalid line, with its number, which repeats no part of a hash or key.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let (mut records, mut errors) = (Vec::new(), Vec::new());
        let mut names = BTreeSet::new();
        let lines = (1..).zip(text.lines().map(str::trim));
        for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            match Record::parse(line) {
                Ok(record) if names.insert(record.user.name.clone()) => records.push(record),
                Ok(Record { user, .. }) => errors.push(format!(
                    "line {number}: duplicate key {}: keep one of the lines",
                    user.name
                )),
                Err(error) => errors.push(format!("line {number}: {error}")),
            }
        }
        match errors.is_empty() {
            true => Ok(Self(records)),
            false => Err(errors),
        }
    }

    /// Who has this key. Each hash is compared, so that the time tells nothing of them.
    pub fn find(&self, key: &str) -> Option<&User> {
        let hash = hash(key);
        let mut found = None;
        for record in &self.0 {
            if record.hash.ct_eq(&hash).into() {
                found = Some(&record.user);
            }
        }
        found
    }
}

impl Record {
    fn parse(line: &str) -> Result<Self, String> {
        let (name, rest) = line
            .split_once(':')
            .ok_or("expected NAME:HASH, as `mksgate passwd --api NAME` prints it")?;
        check_name(name)?;
        // A hash among the rights would be taken for a pattern, and shown.
        if rest.matches(PREFIX).count() > 1 {
            return Err(
                "two hashes in one line (is a line break missing?): write each key in a line of its own".into(),
            );
        }
        let (hash, rights) = rest.split_once(':').unwrap_or((rest, ""));
        Ok(Self {
            hash: parse_hash(hash)?,
            user: User::with_rights(name, rights)?,
        })
    }
}

fn parse_hash(text: &str) -> Result<[u8; 32], &'static str> {
    let encoded = text.strip_prefix(PREFIX);
    let decoded = encoded.and_then(|encoded| BASE64_URL_SAFE_NO_PAD.decode(encoded).ok());
    decoded.and_then(|hash| hash.try_into().ok()).ok_or(
        "the second field is not the hash of a key: create it with `mksgate passwd --api NAME`",
    )
}

fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key).into()
}

/// A new key, and its line for the keys file.
///
/// # Errors
/// A sentence: the operating system provides no randomness.
pub fn generate(name: &str) -> Result<(Zeroizing<String>, String), String> {
    let mut random = Zeroizing::new([0; LENGTH]);
    getrandom::fill(random.as_mut_slice()).map_err(|error| format!("no randomness ({error})"))?;
    let key = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(random.as_slice()));
    let hash = BASE64_URL_SAFE_NO_PAD.encode(hash(&key));
    Ok((key, format!("{name}:{PREFIX}{hash}")))
}

#[cfg(test)]
mod tests {
    use crate::rights::ConsoleNames;

    use super::*;

    fn may(user: &User, configured: &str) -> bool {
        user.may_open(ConsoleNames {
            vsphere: Some("lab"),
            configured,
            vm: None,
        })
    }

    #[test]
    fn a_generated_key_is_found_with_its_rights_and_no_other_is() {
        let (portal, portals) = generate("portal").unwrap();
        let (billing, billings) = generate("billing").unwrap();
        assert_eq!(portal.len(), 43);
        assert_ne!(*portal, *billing);
        let text = format!("# keys\n\n{portals}\n{billings}:lab:web*,view-only\n");
        let keys = ApiKeys::parse(&text).unwrap();
        let found = keys.find(&portal).unwrap();
        assert!(found.name == "portal" && !found.view_only && may(found, "db01"));
        let found = keys.find(&billing).unwrap();
        assert!(found.name == "billing" && found.view_only);
        assert!(may(found, "web01") && !may(found, "db01"));
        for wrong in ["", "x", &portal[1..], &billings] {
            assert!(keys.find(wrong).is_none());
        }
        assert_eq!(format!("{keys:?}"), r#"{"portal", "billing"}"#);
    }

    #[test]
    fn a_file_without_keys_admits_nobody() {
        assert!(ApiKeys::parse("# revoked\n").unwrap().find("").is_none());
    }

    #[test]
    fn invalid_lines_are_named_by_number_and_show_no_hash() {
        let (key, line) = generate("portal").unwrap();
        let key = key.as_str();
        for (text, words) in [
            (format!("\n{key}"), "line 2: expected NAME:HASH"),
            (
                format!("portal:{key}"),
                "line 1: the second field is not the hash of a key",
            ),
            (
                "portal:$argon2id$v=19$x".into(),
                "the second field is not the hash",
            ),
            (format!("{line}{line}"), "two hashes in one line"),
            (format!("{line}\n{line}"), "line 2: duplicate key portal"),
            (format!("#x:y\n:{line}"), "line 2: a user name has 1 to"),
            (format!("{line}:web["), "is not a valid pattern"),
        ] {
            let error = ApiKeys::parse(&text).unwrap_err().join("\n");
            assert!(error.contains(words), "{text:?} gives {error}");
            assert!(
                !error.contains(key) && !error.contains(&line[10..30]),
                "{error}"
            );
        }
    }
}
