//! Who may log in by name and password, to which consoles, and whether only to look.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use globset::{Glob, GlobSet, GlobSetBuilder};
use rfb_proto::{MAX_CREDENTIAL, Password};

use crate::hashing::{self, StoredHash};

/// Makes a user one who may only look.
const VIEW_ONLY: &str = "view-only";

/// A users file: lines of `name:$argon2id$…`, and after another colon the consoles that the user may open
/// (names or globs, separated by commas; none: all of them) and the word `view-only`.
pub struct Users {
    /// In the order of their names; never empty.
    records: Vec<Record>,
    /// Chooses whose hash an unknown user's password is compared with.
    stand_in: RandomState,
}

struct Record {
    user: User,
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
            stand_in: RandomState::new(),
        })
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
        let (view_only, consoles) = parse_rights(rights)?;
        let name = name.to_owned();
        Ok(Self {
            user: User {
                name,
                view_only,
                consoles,
            },
            hash,
        })
    }
}

/// What a user may be called, so that a line of the users file can hold it and a viewer can send it.
///
/// # Errors
/// A sentence that says what is wrong.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let wrong = |c: char| c == ':' || c.is_control();
    let fits = (1..=MAX_CREDENTIAL).contains(&name.len());
    if !fits || name.contains(wrong) || name.starts_with('#') || name.trim() != name {
        return Err(format!(
            "a user name has 1 to {MAX_CREDENTIAL} bytes, no colon, no # in front and no space at either end"
        ));
    }
    Ok(())
}

fn parse_rights(rights: &str) -> Result<(bool, Option<GlobSet>), String> {
    let (mut view_only, mut consoles) = (false, None);
    let rights = rights.split(',').map(str::trim);
    for right in rights.filter(|right| !right.is_empty()) {
        if right == VIEW_ONLY {
            view_only = true;
            continue;
        }
        let glob = Glob::new(right)
            .map_err(|error| format!("{right:?} is no console ({})", error.kind()))?;
        consoles.get_or_insert_with(GlobSetBuilder::new).add(glob);
    }
    let consoles = consoles.map(|consoles| consoles.build()).transpose();
    match consoles {
        Ok(consoles) => Ok((view_only, consoles)),
        Err(error) => Err(format!("its consoles cannot be used ({error})")),
    }
}
