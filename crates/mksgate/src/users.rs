//! Who may log in by name and password, to which consoles, and whether only to look.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use globset::{Glob, GlobSet, GlobSetBuilder};
use rfb_proto::Password;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// How many passwords are hashed at once, in the whole process: each takes a core for tens of milliseconds
/// and some 19 MiB, and sessions want to go on meanwhile. Whoever waits for a place is one of the bounded
/// crowd of those who have not logged in.
static HASHERS: Semaphore = Semaphore::const_new(2);

/// The most memory that a hash in the file may ask for, in KiB: 1 GiB would be a mistake or an attack on
/// ourselves.
const MAX_MEMORY: u32 = 256 * 1024;

/// The most passes that a hash in the file may ask for.
const MAX_PASSES: u32 = 32;

/// Makes a user one who may only look.
const VIEW_ONLY: &str = "view-only";

/// A users file: lines of `name:$argon2id$…`, and after another colon the consoles that the user may open
/// (names or globs, separated by commas; none: all of them) and the word `view-only`.
pub struct Users {
    by_name: BTreeMap<String, Record>,
    /// What an unknown user's password is compared with, so that this takes as long as a known one's.
    decoy: Arc<str>,
}

struct Record {
    hash: Arc<str>,
    view_only: bool,
    /// `None`: all of them.
    consoles: Option<GlobSet>,
}

/// A user who has given the right password.
#[derive(Debug, Clone)]
pub struct User {
    /// As in the users file.
    pub name: String,
    /// Keys, pointer and clipboard go nowhere.
    pub view_only: bool,
    consoles: Option<GlobSet>,
}

impl User {
    /// Whether this console, as the configuration names its VM, is among those of the user.
    pub fn may_open(&self, console: &str) -> bool {
        self.consoles
            .as_ref()
            .is_none_or(|consoles| consoles.is_match(console))
    }
}

impl fmt::Debug for Users {
    /// Names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.by_name.keys()).finish()
    }
}

impl Users {
    /// Reads the text of a users file. Blank lines and lines that begin with `#` say nothing.
    ///
    /// # Errors
    /// A sentence with the number of the first line that is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut by_name = BTreeMap::new();
        let mut decoy = None;
        for (number, line) in text
            .lines()
            .enumerate()
            .map(|(number, line)| (number + 1, line.trim()))
        {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, record, params) =
                parse_line(line).map_err(|error| format!("line {number}: {error}"))?;
            if by_name.insert(name.clone(), record).is_some() {
                return Err(format!(
                    "line {number}: {name} is there already: keep one of the lines"
                ));
            }
            decoy.get_or_insert(params);
        }
        let params = decoy.ok_or("it names no user: add a line made by `mksgate passwd NAME`")?;
        Ok(Self {
            by_name,
            decoy: hash_with(params, b"whoever is not there")?.into(),
        })
    }

    /// The user, if there is one of that name and this is the password. It takes as long to refuse one that
    /// is not there, as long as all hashes have the same parameters, which `mksgate passwd` sees to.
    pub async fn verify(&self, name: &str, password: &Password) -> Option<User> {
        let record = self.by_name.get(name);
        let hash = record.map_or(&self.decoy, |record| &record.hash);
        let right = matches(Arc::clone(hash), password.clone()).await;
        let record = record.filter(|_| right)?;
        Some(User {
            name: name.to_owned(),
            view_only: record.view_only,
            consoles: record.consoles.clone(),
        })
    }
}

/// The hash of a new password, for the users file.
///
/// # Errors
/// A sentence, where the operating system has no randomness for the salt.
pub(crate) fn hash(password: &[u8]) -> Result<String, String> {
    hash_with(Params::default(), password)
}

fn hash_with(params: Params, password: &[u8]) -> Result<String, String> {
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    hasher
        .hash_password(password)
        .map(|hash| hash.to_string())
        .map_err(|error| format!("cannot hash ({error})"))
}

async fn matches(hash: Arc<str>, password: Password) -> bool {
    // It is never closed.
    let Ok(_place) = HASHERS.acquire().await else {
        return false;
    };
    let verified = spawn_blocking(move || {
        let parsed = PasswordHash::new(&hash);
        parsed.is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.expose().as_bytes(), &hash)
                .is_ok()
        })
    });
    verified.await.unwrap_or(false)
}

fn parse_line(line: &str) -> Result<(String, Record, Params), String> {
    let (name, rest) = line
        .split_once(':')
        .ok_or("it is not NAME:HASH, as `mksgate passwd NAME` prints it")?;
    if name.is_empty() {
        return Err("it has no name before the colon".into());
    }
    let (hash, rights) = rest.split_once(':').unwrap_or((rest, ""));
    let params = parse_hash(hash)?;
    let (mut view_only, mut consoles) = (false, None);
    for right in rights
        .split(',')
        .map(str::trim)
        .filter(|right| !right.is_empty())
    {
        if right == VIEW_ONLY {
            view_only = true;
            continue;
        }
        let glob = Glob::new(right)
            .map_err(|error| format!("{right:?} is no console ({})", error.kind()))?;
        consoles.get_or_insert_with(GlobSetBuilder::new).add(glob);
    }
    let consoles = consoles.map(|consoles| consoles.build()).transpose();
    let consoles = consoles.map_err(|error| format!("its consoles cannot be used ({error})"))?;
    Ok((
        name.to_owned(),
        Record {
            hash: hash.into(),
            view_only,
            consoles,
        },
        params,
    ))
}

/// The hash itself is not repeated in an error.
fn parse_hash(text: &str) -> Result<Params, String> {
    let wrong = "its second field is no argon2id hash: make it by `mksgate passwd NAME`";
    let hash = PasswordHash::new(text).map_err(|_| wrong)?;
    if hash.algorithm.as_str() != "argon2id" || hash.hash.is_none() {
        return Err(wrong.into());
    }
    let params = Params::try_from(&hash).map_err(|_| wrong)?;
    if params.m_cost() > MAX_MEMORY || params.t_cost() > MAX_PASSES {
        return Err(format!(
            "its hash asks for more than {MAX_MEMORY} KiB or {MAX_PASSES} passes: make it anew"
        ));
    }
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cheap parameters: what is tested is not how hard it is.
    fn line(name: &str, password: &str, rights: &str) -> String {
        let hash = hash_with(Params::new(8, 1, 1, None).unwrap(), password.as_bytes()).unwrap();
        format!("{name}:{hash}{rights}\n")
    }

    async fn logs_in(users: &Users, name: &str, password: &str) -> Option<User> {
        users.verify(name, &Password::new(password)).await
    }

    #[tokio::test]
    async fn name_and_password_must_both_be_right() {
        let text = format!(
            "# people\n\n{}{}",
            line("ada", "lovelace", ""),
            line("bob", "", "")
        );
        let users = Users::parse(&text).unwrap();
        assert_eq!(
            logs_in(&users, "ada", "lovelace").await.unwrap().name,
            "ada"
        );
        for (name, password) in [
            ("ada", "Lovelace"),
            ("ada", ""),
            ("bob", "lovelace"),
            ("eve", "lovelace"),
            ("", ""),
        ] {
            assert!(
                logs_in(&users, name, password).await.is_none(),
                "{name} {password}"
            );
        }
        assert!(
            logs_in(&users, "eve", "whoever is not there")
                .await
                .is_none(),
            "the decoy is nobody's password"
        );
    }

    #[tokio::test]
    async fn rights_are_names_globs_and_a_word() {
        let text = line("ada", "x", ":web*, db01 ,view-only")
            + &line("bob", "x", ":")
            + &line("eve", "x", ":view-only");
        let users = Users::parse(&text).unwrap();
        let ada = logs_in(&users, "ada", "x").await.unwrap();
        assert!(ada.view_only);
        for (console, may) in [
            ("web01", true),
            ("web", true),
            ("db01", true),
            ("db012", false),
            ("myweb", false),
        ] {
            assert_eq!(ada.may_open(console), may, "{console}");
        }
        let bob = logs_in(&users, "bob", "x").await.unwrap();
        assert!(!bob.view_only && bob.may_open("anything"));
        let eve = logs_in(&users, "eve", "x").await.unwrap();
        assert!(eve.view_only && eve.may_open("anything"));
    }

    #[test]
    fn each_wrong_line_is_named_and_no_hash_is_repeated() {
        let good = line("ada", "x", "");
        let argon2i = good.replace("argon2id", "argon2i").replace("ada", "bob");
        let greedy = good.replace("m=8", "m=4000000").replace("ada", "bob");
        for (bad, words) in [
            ("bob\n", "line 2: it is not NAME:HASH"),
            (":x\n", "line 2: it has no name"),
            (
                "bob:plain\n",
                "line 2: its second field is no argon2id hash",
            ),
            (
                argon2i.as_str(),
                "line 2: its second field is no argon2id hash",
            ),
            (greedy.as_str(), "line 2: its hash asks for more"),
            (good.as_str(), "line 2: ada is there already"),
            (&line("bob", "x", ":we[b"), "line 2: \"we[b\" is no console"),
        ] {
            let error = Users::parse(&format!("{good}{bad}")).unwrap_err();
            assert!(error.starts_with(words), "{bad} gives {error}");
            assert!(!error.contains("$argon2"), "{error}");
        }
        assert!(
            Users::parse("# nobody\n")
                .unwrap_err()
                .starts_with("it names no user")
        );
    }

    #[test]
    fn nothing_of_a_hash_can_be_printed() {
        let users = Users::parse(&line("ada", "x", "")).unwrap();
        assert_eq!(format!("{users:?}"), "{\"ada\"}");
    }

    #[tokio::test]
    async fn an_unknown_name_costs_a_hash_too_and_only_two_run_at_once() {
        let users = Users::parse(&line("ada", "x", "")).unwrap();
        let places = HASHERS.acquire_many(2).await.unwrap();
        for name in ["ada", "nobody"] {
            let verify = logs_in(&users, name, "wrong");
            let waits = tokio::time::timeout(std::time::Duration::from_millis(20), verify).await;
            assert!(waits.is_err(), "{name} needs a place to be hashed");
        }
        drop(places);
        assert!(logs_in(&users, "nobody", "wrong").await.is_none());
    }
}
