//! Who may log in by name and password, to which consoles, and whether only to look.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::{Glob, GlobSet, GlobSetBuilder};
use rfb_proto::{MAX_CREDENTIAL, Password};

use super::hashing::{self, StoredHash};

/// Makes a user one who may only look.
const VIEW_ONLY: &str = "view-only";

/// How near a pattern must be to that to be taken for it: two letters off.
const NEAR: f64 = 0.85;

/// A users file: lines of `name:$argon2id$…`, and after another colon the consoles that the user may open
/// (names or globs, separated by commas; none: all of them) and the word `view-only`.
pub struct Users {
    /// In the order of their names; never empty.
    records: Vec<Record>,
    /// The file that it was read from, where it was one: tells its users from those of the same name elsewhere.
    origin: PathBuf,
    /// Chooses whose hash an unknown user's password is compared with.
    stand_in: RandomState,
}

struct Record {
    user: User,
    /// Those that became [`User::consoles`], in their order there.
    patterns: Vec<String>,
    hash: Arc<StoredHash>,
}

/// A user who has given the right password.
#[derive(Debug, Clone)]
pub struct User {
    /// As in the users file.
    pub name: String,
    /// Keys, pointer and clipboard go nowhere.
    pub view_only: bool,
    /// `None`: all of them.
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
        let names = self.records.iter().map(|record| &record.user.name);
        f.debug_set().entries(names).finish()
    }
}

impl Users {
    /// Reads the text of a users file. Blank lines and lines that begin with `#` say nothing.
    ///
    /// # Errors
    /// A sentence with the number of the first line that is wrong. Nothing of a hash is in it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut by_name = BTreeMap::new();
        let lines = (1..).zip(text.lines().map(str::trim));
        for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let record = Record::parse(line).map_err(|error| format!("line {number}: {error}"))?;
            let name = record.user.name.clone();
            if by_name.insert(name.clone(), record).is_some() {
                return Err(format!(
                    "line {number}: {name} is there already: keep one of the lines"
                ));
            }
        }
        if by_name.is_empty() {
            return Err("it names no user: add a line made by `mksgate passwd NAME`".into());
        }
        let records = by_name.into_values().collect();
        Ok(Self {
            records,
            origin: PathBuf::new(),
            stand_in: RandomState::new(),
        })
    }

    /// They were read from this file.
    pub fn with_origin(self, origin: PathBuf) -> Self {
        Self { origin, ..self }
    }

    /// The file that they were read from.
    pub(crate) fn origin(&self) -> &Path {
        &self.origin
    }

    /// A sentence for each pattern that fits none of `consoles`: whoever wrote it meant one, or something else.
    pub(crate) fn doubts(&self, consoles: &[String]) -> Vec<String> {
        let of_one = |record: &Record| {
            let fitting: BTreeSet<usize> = record
                .user
                .consoles
                .iter()
                .flat_map(|set| consoles.iter().flat_map(|console| set.matches(console)))
                .collect();
            let patterns = record.patterns.iter().enumerate();
            let idle = patterns.filter(|(place, _)| !fitting.contains(place));
            idle.map(|(_, pattern)| doubt(&record.user.name, pattern))
                .collect::<Vec<_>>()
        };
        self.records.iter().flat_map(of_one).collect()
    }

    /// The user, if there is one of that name and this is the password. A password is hashed once in any
    /// case, at one of a few places in the whole process.
    pub async fn verify(&self, name: &str, password: &Password) -> Option<User> {
        self.verify_by(name, password, hashing::matches).await
    }

    async fn verify_by<F>(
        &self,
        name: &str,
        password: &Password,
        matches: impl FnOnce(Arc<StoredHash>, Password) -> F,
    ) -> Option<User>
    where
        F: Future<Output = bool>,
    {
        let place = self
            .records
            .binary_search_by(|record| record.user.name.as_str().cmp(name));
        let record = self
            .records
            .get(place.unwrap_or_else(|_| self.stand_in(name)))?;
        let right = matches(Arc::clone(&record.hash), password.clone()).await;
        (right && place.is_ok()).then(|| record.user.clone())
    }

    /// Whose hash an unknown user's password is compared with. A name always gets the same one, and it may
    /// be anybody's: so where hashes cost differently, that tells nothing about who is there.
    fn stand_in(&self, name: &str) -> usize {
        let users = u64::try_from(self.records.len()).unwrap_or(u64::MAX);
        let chosen = self.stand_in.hash_one(name).checked_rem(users);
        chosen
            .and_then(|chosen| usize::try_from(chosen).ok())
            .unwrap_or_default()
    }
}

impl Record {
    fn parse(line: &str) -> Result<Self, String> {
        let (name, rest) = line
            .split_once(':')
            .ok_or("it is not NAME:HASH, as `mksgate passwd NAME` prints it")?;
        check_name(name)?;
        let (hash, rights) = rest.split_once(':').unwrap_or((rest, ""));
        let hash = Arc::new(StoredHash::parse(hash)?);
        let (view_only, patterns) = parse_rights(rights);
        let consoles = globs(&patterns)?;
        let name = name.to_owned();
        Ok(Self {
            user: User {
                name,
                view_only,
                consoles,
            },
            patterns,
            hash,
        })
    }
}

/// What a user may be called, so that a line of the users file can hold it and a viewer can send it.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn check_name(name: &str) -> Result<(), String> {
    let wrong = |c: char| c == ':' || c.is_control();
    let fits = (1..=MAX_CREDENTIAL).contains(&name.len());
    if !fits || name.contains(wrong) || name.starts_with('#') || name.trim() != name {
        return Err(format!(
            "a user name has 1 to {MAX_CREDENTIAL} bytes, no colon, no # in front and no space at either end"
        ));
    }
    Ok(())
}

/// Whether the user may only look, and the consoles, as they are written.
fn parse_rights(rights: &str) -> (bool, Vec<String>) {
    let rights = rights.split(',').map(str::trim);
    let (words, patterns): (Vec<&str>, Vec<&str>) = rights
        .filter(|right| !right.is_empty())
        .partition(|right| *right == VIEW_ONLY);
    let patterns = patterns.into_iter().map(str::to_owned).collect();
    (!words.is_empty(), patterns)
}

/// `None` where there is no pattern.
fn globs(patterns: &[String]) -> Result<Option<GlobSet>, String> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let mut consoles = GlobSetBuilder::new();
    for pattern in patterns {
        let glob = Glob::new(pattern)
            .map_err(|error| format!("{pattern:?} is no console ({})", error.kind()))?;
        consoles.add(glob);
    }
    match consoles.build() {
        Ok(consoles) => Ok(Some(consoles)),
        Err(error) => Err(format!("its consoles cannot be used ({error})")),
    }
}

fn doubt(user: &str, pattern: &str) -> String {
    let remedy = match strsim::jaro_winkler(pattern, VIEW_ONLY) > NEAR {
        true => format!("did you mean {VIEW_ONLY}?"),
        false => "correct it in the users file, or remove it".into(),
    };
    format!("{pattern:?} of the user {user} fits no console of this configuration: {remedy}")
}
