//! The users file: names, password hashes and rights.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rfb_proto::{MAX_CREDENTIAL, Password};

use super::hashing::{self, StoredHash};
use super::rights::{ConsoleNames, Right};

/// The word that makes a user view-only.
const VIEW_ONLY: &str = "view-only";

/// The Jaro-Winkler similarity above which a pattern is taken for a misspelt [`VIEW_ONLY`]: up to two letters differ.
const NEAR: f64 = 0.85;

/// A users file: lines of `name:$argon2id$…`, and after another colon the consoles that the user may open
/// (names or globs, of all vSpheres or as `VSPHERE:PATTERN` of one, separated by commas; none: all of them) and the word
/// `view-only`.
pub struct Users {
    /// Sorted by name; never empty.
    records: Vec<Record>,
    /// The path of the file: distinguishes its users from those of the same name in other files.
    origin: PathBuf,
    /// Chooses the hash that an unknown user's password is compared with.
    decoy_choice: RandomState,
}

struct Record {
    user: User,
    hash: Arc<StoredHash>,
}

/// A user who has logged in.
#[derive(Debug, Clone)]
pub struct User {
    /// As in the users file.
    pub name: String,
    /// Input events and clipboard are dropped.
    pub view_only: bool,
    /// The consoles that the user may open; `None`: all.
    consoles: Option<Vec<Right>>,
}

impl User {
    /// Whether the user has the right to this console.
    pub(crate) fn may_open(&self, console: ConsoleNames<'_>) -> bool {
        let mut rights = self.consoles.iter().flatten();
        self.consoles.is_none() || rights.any(|right| right.matches(console))
    }

    /// Whether a right is an inventory path, which costs a further round trip to look up.
    pub(crate) fn needs_path(&self) -> bool {
        self.consoles.iter().flatten().any(Right::is_path)
    }
}

impl fmt::Debug for Users {
    /// Prints the names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.records.iter().map(|record| &record.user.name);
        f.debug_set().entries(names).finish()
    }
}

impl Users {
    /// Parses a users file. Blank lines and lines that begin with `#` are skipped.
    ///
    /// # Errors
    /// A sentence with the number of the first invalid line, which repeats no part of a hash.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut by_name = BTreeMap::new();
        let lines = (1..).zip(text.lines().map(str::trim));
        for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let record = Record::parse(line).map_err(|error| format!("line {number}: {error}"))?;
            let name = record.user.name.clone();
            if by_name.insert(name.clone(), record).is_some() {
                return Err(format!(
                    "line {number}: duplicate user {name}: keep one of the lines"
                ));
            }
        }
        if by_name.is_empty() {
            return Err(
                "the file contains no user: add a line printed by `mksgate passwd NAME`".into(),
            );
        }
        let records = by_name.into_values().collect();
        Ok(Self {
            records,
            origin: PathBuf::new(),
            decoy_choice: RandomState::new(),
        })
    }

    /// Sets the path of the file that the users were read from.
    pub fn with_origin(self, origin: PathBuf) -> Self {
        Self { origin, ..self }
    }

    /// The path of the file that the users were read from.
    pub(crate) fn origin(&self) -> &Path {
        &self.origin
    }

    /// A sentence for each pattern that matches none of `consoles`, or VMs that its author probably did not mean.
    pub(crate) fn warnings(&self, consoles: &[ConsoleNames<'_>]) -> Vec<String> {
        let users = self.records.iter().map(|record| &record.user);
        let rights = users.flat_map(|user| {
            user.consoles
                .iter()
                .flatten()
                .map(|right| (&user.name, right))
        });
        rights
            .filter_map(|(user, right)| warning(user, right, consoles))
            .collect()
    }

    /// The user, if the name exists and the password is right. Hashes the password once in every case, so that the time does
    /// not tell whether the name exists.
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
        let found = self
            .records
            .binary_search_by(|record| record.user.name.as_str().cmp(name));
        let record = self
            .records
            .get(found.unwrap_or_else(|_| self.decoy(name)))?;
        let right = matches(Arc::clone(&record.hash), password.clone()).await;
        (right && found.is_ok()).then(|| record.user.clone())
    }

    /// The index of the hash that an unknown user's password is compared with. It is always the same one for a name, and any
    /// of the file's: where hashes differ in cost, the time still does not tell whether a name exists.
    fn decoy(&self, name: &str) -> usize {
        let users = u64::try_from(self.records.len()).unwrap_or(u64::MAX);
        let chosen = self.decoy_choice.hash_one(name).checked_rem(users);
        chosen
            .and_then(|chosen| usize::try_from(chosen).ok())
            .unwrap_or_default()
    }
}

impl Record {
    fn parse(line: &str) -> Result<Self, String> {
        let (name, rest) = line
            .split_once(':')
            .ok_or("expected NAME:HASH, as `mksgate passwd NAME` prints it")?;
        check_name(name)?;
        let (hash, rights) = rest.split_once(':').unwrap_or((rest, ""));
        let hash = Arc::new(StoredHash::parse(hash)?);
        let (view_only, patterns) = parse_rights(rights);
        let consoles = patterns.iter().map(|pattern| Right::parse(pattern));
        let consoles: Vec<Right> = consoles.collect::<Result<_, _>>()?;
        let name = name.to_owned();
        Ok(Self {
            user: User {
                name,
                view_only,
                consoles: (!consoles.is_empty()).then_some(consoles),
            },
            hash,
        })
    }
}

/// Checks that a name can stand in a line of the users file and be sent by a viewer.
///
/// # Errors
/// A sentence with the rules.
pub fn check_name(name: &str) -> Result<(), String> {
    let is_forbidden = |c: char| c == ':' || c.is_control();
    let fits = (1..=MAX_CREDENTIAL).contains(&name.len());
    if !fits || name.contains(is_forbidden) || name.starts_with('#') || name.trim() != name {
        return Err(format!(
            "a user name has 1 to {MAX_CREDENTIAL} bytes, no colon, no # in front and no space at either end"
        ));
    }
    Ok(())
}

/// Whether `view-only` is among the rights, and the patterns.
fn parse_rights(rights: &str) -> (bool, Vec<&str>) {
    let rights = rights.split(',').map(str::trim);
    let (words, patterns): (Vec<&str>, Vec<&str>) = rights
        .filter(|right| !right.is_empty())
        .partition(|right| *right == VIEW_ONLY);
    (!words.is_empty(), patterns)
}

/// The warning about one pattern, if there is one.
fn warning(user: &str, right: &Right, consoles: &[ConsoleNames<'_>]) -> Option<String> {
    let pattern = &right.text;
    let matching: Vec<&ConsoleNames<'_>> = consoles
        .iter()
        .filter(|console| right.matches(**console))
        .collect();
    let Some(first) = matching.first() else {
        let remedy = match strsim::jaro_winkler(pattern, VIEW_ONLY) > NEAR {
            true => format!("did you mean {VIEW_ONLY}?"),
            false if needs_lookup(right, consoles) => return None,
            false => "correct it in the users file, or remove it".into(),
        };
        return Some(format!(
            "{pattern:?} of the user {user} matches no configured console: {remedy}"
        ));
    };
    let elsewhere = matching.iter().find(|other| other.vsphere != first.vsphere);
    if let Some(other) = elsewhere.filter(|_| !right.matches_all()) {
        let [one, other] = [first, *other].map(|console| console.vsphere.unwrap_or("a URL"));
        let example = matching
            .iter()
            .find_map(|console| console.vsphere)
            .unwrap_or_default();
        return Some(format!(
            "{pattern:?} of the user {user} matches consoles of {one} and of {other}: write \"{example}:{pattern}\" to restrict it"
        ));
    }
    let another = matching.iter().find(|other| other.is_other_vm(first));
    another.filter(|_| right.is_literal()).map(|other| {
        let [one, other] = [first, *other].map(|console| console.path_or_name());
        format!("{pattern:?} of the user {user} matches two VMs, {one} and {other}: write the inventory path of one")
    })
}

/// Whether the right may match once VMs are looked up: a path or an id may be that of a console configured by name, and a
/// name that of a console configured by id.
fn needs_lookup(right: &Right, consoles: &[ConsoleNames<'_>]) -> bool {
    let by_name = !right.is_path() && !right.is_id();
    consoles.iter().any(|console| {
        let is_known = console.vm.is_some() || console.vsphere.is_none();
        !(is_known || by_name && console.has_display_name())
    })
}
