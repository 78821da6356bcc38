//! The configuration's text and path, and the checks that several tables share.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use secrecy::SecretString;
use toml::Spanned;

use crate::error::ConfigError;
use crate::scalar::Time;
use crate::{MissingPassword, secret_file, toml_error};

/// The text and its path: positions of errors.
pub(crate) struct Document<'a> {
    pub(crate) text: &'a str,
    pub(crate) path: &'a Path,
    pub(crate) missing_password: MissingPassword,
    /// Errors that do not stop the reading, so that the rest of the file is checked too. The configuration is refused if there
    /// is one.
    pub(crate) errors: RefCell<Vec<ConfigError>>,
    /// Tables from which an invalid key was removed, and that key.
    pub(crate) incomplete: Vec<(Range<usize>, String)>,
    /// The removed keys of the current table.
    pub(crate) left_out: RefCell<Vec<String>>,
}

impl Document<'_> {
    /// The value; records the error if there is none.
    pub(crate) fn keep<T>(&self, read: Result<T, ConfigError>) -> Option<T> {
        read.map_err(|error| self.record(error)).ok()
    }

    pub(crate) fn record(&self, error: ConfigError) {
        // The missing key may be a misspelt one that was removed.
        if !error.is_missing() || self.left_out.borrow().is_empty() {
            self.errors.borrow_mut().push(error);
        }
    }

    /// Begins with the table at `span`.
    pub(crate) fn enter(&self, span: &Range<usize>) {
        let left_out = self.incomplete.iter().filter(|(table, _)| table == span);
        self.left_out
            .replace(left_out.map(|(_, key)| key.clone()).collect());
    }

    /// The value of a key that must be there.
    pub(crate) fn required<T>(
        &self,
        value: Option<T>,
        key: &str,
        table: &Range<usize>,
    ) -> Option<T> {
        let may_be = |written: &String| toml_error::is_similar(written, key);
        if value.is_none() && !self.left_out.borrow().iter().any(may_be) {
            let sentence = format!("`{key}` is missing: add it");
            self.record(self.error_at(table.clone(), sentence));
        }
        value
    }

    pub(crate) fn error_at(&self, span: Range<usize>, sentence: impl Into<String>) -> ConfigError {
        ConfigError::at(self.path, self.text, span, sentence)
    }

    pub(crate) fn resolve(&self, path: &Path) -> PathBuf {
        secret_file::resolve_path(path, self.path)
    }

    /// Reads each table. An invalid one of `names` is `None`, since consoles may refer to it.
    pub(crate) fn check_each<T, U>(
        &self,
        tables: BTreeMap<String, Spanned<T>>,
        names: BTreeSet<String>,
        check: impl Fn(&Self, Spanned<T>) -> Option<U>,
    ) -> BTreeMap<String, Option<U>> {
        let mut read: BTreeMap<String, Option<U>> =
            names.into_iter().map(|name| (name, None)).collect();
        for (name, table) in tables {
            self.enter(&table.span());
            read.insert(name, check(self, table));
        }
        read
    }

    pub(crate) fn file_error(&self, file: &Spanned<PathBuf>, sentence: &str) -> ConfigError {
        let sentence = match file.get_ref().as_os_str().is_empty() {
            true => "the file name is empty: write one".into(),
            false => format!("{}: {sentence}", self.resolve(file.get_ref()).display()),
        };
        self.error_at(file.span(), sentence)
    }

    /// Reads the first line of a secret file.
    pub(crate) fn secret_file(&self, file: &Spanned<PathBuf>) -> Result<SecretString, ConfigError> {
        secret_file::read_line(&self.resolve(file.get_ref()))
            .map_err(|error| self.file_error(file, &error))
    }

    /// The valid networks; records an error for each of the others.
    pub(crate) fn networks(&self, texts: &[Spanned<String>]) -> Vec<IpNet> {
        let network = |text: &Spanned<String>| {
            let word = text.get_ref();
            let parsed = word
                .parse()
                .or_else(|_| word.parse().map(|address: IpAddr| IpNet::from(address)));
            parsed.map_err(|_| {
                self.error_at(
                    text.span(),
                    format!("{word:?} is not a network: write one, as \"10.0.0.0/8\""),
                )
            })
        };
        let networks = texts.iter().filter_map(|text| self.keep(network(text)));
        networks.collect()
    }

    pub(crate) fn at_least_one(
        &self,
        given: Option<&Spanned<usize>>,
        key: &str,
        default: usize,
    ) -> usize {
        if let Some(none) = given.filter(|given| *given.get_ref() == 0) {
            let sentence = format!("{key} = 0 admits no viewer: write 1 or more");
            self.record(self.error_at(none.span(), sentence));
        }
        given.map_or(default, |given| *given.get_ref())
    }

    pub(crate) fn longer_than_zero(
        &self,
        given: Option<&Spanned<Time>>,
        key: &str,
        default: Duration,
    ) -> Duration {
        if let Some(zero) = given.filter(|given| given.get_ref().0.is_zero()) {
            let default = default.as_secs();
            let sentence =
                format!("{key} = \"0s\" admits no viewer: write \"{default}s\", or leave it out");
            self.record(self.error_at(zero.span(), sentence));
        }
        given.map_or(default, |given| given.get_ref().0)
    }
}

/// `keys` are the keys that such a section begins with.
pub(crate) fn no_such_section(kind: &str, name: &str, known: &[&str], keys: &str) -> String {
    match known {
        [] => format!("no [{kind}.{name}] section; defined: (none). Add one with {keys}"),
        known => format!(
            "no [{kind}.{name}] section; defined: {}. Name one of these, or add one with {keys}",
            known.join(", ")
        ),
    }
}
