//! The users file: names, password hashes and rights.

#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rfb_proto::{MAX_CREDENTIAL, Password};

use super::hashing::{self, StoredHash};
use super::rights::{ConsoleNames, Right};

/// The word that makes a user view-only.
pub const VIEW_ONLY: &str = "view-only";

/// The beginning of every hash.
const HASH_PREFIX: &str = "$argon2";

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
    /// The number of its line, from 1.
    line: usize,
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
    /// A user with the right to every console.
    pub fn unrestricted(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            view_only: false,
            consoles: None,
        }
    }

    /// A user with these rights: patterns and words, separated by commas.
    pub(crate) fn with_rights(name: &str, rights: &str) -> Result<Self, String> {
        let (view_only, patterns) = parse_rights(rights);
        let consoles = patterns.iter().map(|pattern| Right::parse(pattern));
        let consoles: Vec<Right> = consoles.collect::<Result<_, _>>()?;
        Ok(Self {
            name: name.to_owned(),
            view_only,
            consoles: (!consoles.is_empty()).then_some(consoles),
        })
    }

    /// Whether the user has the right to this console.
    pub fn may_open(&self, console: ConsoleNames<'_>) -> bool {
        let mut rights = self.consoles.iter().flatten();
        self.consoles.is_none() || rights.any(|right| right.matches(console))
    }

    /// Whether a right is an inventory path, which costs a further round trip to look up.
    pub fn needs_path(&self) -> bool {
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
    /// A sentence for each invalid line, with its number, which repeats no part of a hash.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let mut by_name = BTreeMap::new();
        let mut errors = Vec::new();
        let lines = (1..).zip(text.lines().map(str::trim));
        for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let record = match Record::parse(number, line) {
                Ok(record) => record,
                Err(error) => {
                    errors.push(format!("line {number}: {error}"));
                    continue;
                }
            };
            let name = record.user.name.clone();
            if by_name.insert(name.clone(), record).is_some() {
                errors.push(format!(
                    "line {number}: duplicate user {name}: keep one of the lines"
                ));
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        if by_name.is_empty() {
            return Err(vec![
                "the file contains no user: add a line printed by `mksgate passwd NAME`".into(),
            ]);
        }
        Ok(Self {
            records: by_name.into_values().collect(),
            origin: PathBuf::new(),
            decoy_choice: RandomState::new(),
        })
    }

    /// Sets the path of the file that the users were read from.
    pub fn with_origin(self, origin: PathBuf) -> Self {
        Self { origin, ..self }
    }

    /// The path of the file that the users were read from.
    pub fn origin(&self) -> &Path {
        &self.origin
    }

    /// Each pattern, with the number of its line and the user whom it is for.
    pub fn rights(&self) -> impl Iterator<Item = (usize, &str, &Right)> {
        self.records.iter().flat_map(|record| {
            let rights = record.user.consoles.iter().flatten();
            rights.map(|right| (record.line, record.user.name.as_str(), right))
        })
    }

    /// The user of this name.
    pub fn get(&self, name: &str) -> Option<&User> {
        Some(&self.records.get(self.find(name).ok()?)?.user)
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
        let found = self.find(name);
        let record = self
            .records
            .get(found.unwrap_or_else(|_| self.decoy(name)))?;
        let right = matches(Arc::clone(&record.hash), password.clone()).await;
        (right && found.is_ok()).then(|| record.user.clone())
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.records
            .binary_search_by(|record| record.user.name.as_str().cmp(name))
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
    fn parse(number: usize, line: &str) -> Result<Self, String> {
        let (name, rest) = line
            .split_once(':')
            .ok_or("expected NAME:HASH, as `mksgate passwd NAME` prints it")?;
        check_name(name)?;
        // A hash among the rights would be taken for a pattern, and shown.
        if rest.matches(HASH_PREFIX).count() > 1 {
            return Err(
                "two hashes in one line (is a line break missing?): write each user in a line of its own".into(),
            );
        }
        let (hash, rights) = rest.split_once(':').unwrap_or((rest, ""));
        let hash = Arc::new(StoredHash::parse(hash)?);
        Ok(Self {
            line: number,
            user: User::with_rights(name, rights)?,
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
