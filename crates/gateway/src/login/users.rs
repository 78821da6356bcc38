//! Who may log in by name and password, to which consoles, and whether only to look.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rfb_proto::{MAX_CREDENTIAL, Password};

use super::hashing::{self, StoredHash};
use super::rights::{Named, Right};

/// Makes a user one who may only look.
const VIEW_ONLY: &str = "view-only";

/// How near a pattern must be to that to be taken for it: two letters off.
const NEAR: f64 = 0.85;

/// A users file: lines of `name:$argon2id$…`, and after another colon the consoles that the user may open
/// (names or globs, of all vSpheres or as `VSPHERE:PATTERN` of one, separated by commas; none: all of them) and the word
/// `view-only`.
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
    consoles: Option<Vec<Right>>,
}

impl User {
    /// Whether this console is among those of the user.
    pub(crate) fn may_open(&self, console: Named<'_>) -> bool {
        let mut rights = self.consoles.iter().flatten();
        self.consoles.is_none() || rights.any(|right| right.fits(console))
    }

    /// Whether some of them are named by inventory path.
    pub(crate) fn needs_path(&self) -> bool {
        self.consoles.iter().flatten().any(Right::is_path)
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

    /// A sentence for each pattern that means none of `consoles`, or more than it seems to: whoever wrote it meant
    /// something else.
    pub(crate) fn doubts(&self, consoles: &[Named<'_>]) -> Vec<String> {
        let users = self.records.iter().map(|record| &record.user);
        let rights = users.flat_map(|user| {
            user.consoles
                .iter()
                .flatten()
                .map(|right| (&user.name, right))
        });
        rights
            .filter_map(|(user, right)| doubt(user, right, consoles))
            .collect()
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
fn parse_rights(rights: &str) -> (bool, Vec<&str>) {
    let rights = rights.split(',').map(str::trim);
    let (words, patterns): (Vec<&str>, Vec<&str>) = rights
        .filter(|right| !right.is_empty())
        .partition(|right| *right == VIEW_ONLY);
    (!words.is_empty(), patterns)
}

/// What is doubtful about one pattern.
fn doubt(user: &str, right: &Right, consoles: &[Named<'_>]) -> Option<String> {
    let pattern = &right.text;
    let fitting: Vec<&Named<'_>> = consoles
        .iter()
        .filter(|console| right.fits(**console))
        .collect();
    let Some(first) = fitting.first() else {
        let remedy = match strsim::jaro_winkler(pattern, VIEW_ONLY) > NEAR {
            true => format!("did you mean {VIEW_ONLY}?"),
            false if can_be_known_only_later(right, consoles) => return None,
            false => "correct it in the users file, or remove it".into(),
        };
        return Some(format!(
            "{pattern:?} of the user {user} fits no console of this configuration: {remedy}"
        ));
    };
    let elsewhere = fitting.iter().find(|other| other.vsphere != first.vsphere);
    if let Some(other) = elsewhere.filter(|_| !right.is_everything()) {
        let [one, other] = [first, *other].map(|console| console.vsphere.unwrap_or("a URL"));
        let example = fitting
            .iter()
            .find_map(|console| console.vsphere)
            .unwrap_or_default();
        return Some(format!(
            "{pattern:?} of the user {user} means consoles of {one} and of {other}: write \"{example}:{pattern}\" if only those are meant"
        ));
    }
    let another = fitting.iter().find(|other| other.is_another_than(first));
    another.filter(|_| right.is_plain()).map(|other| {
        let [one, other] = [first, *other].map(|console| console.in_full());
        format!("{pattern:?} of the user {user} means two VMs, {one} and {other}: write the inventory path of the one that is meant")
    })
}

/// A path or an id may mean a console that is configured by another name, and a name one that is configured by an id: that is
/// known when the VM is looked up.
fn can_be_known_only_later(right: &Right, consoles: &[Named<'_>]) -> bool {
    let by_name = !right.is_path() && !right.is_id();
    consoles.iter().any(|console| {
        let is_known = console.vm.is_some() || console.vsphere.is_none();
        !(is_known || by_name && console.has_plain_name())
    })
}
