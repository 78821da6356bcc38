//! The keys and types of `gateway.toml`: lists all errors, where serde stops at the first.

use std::collections::BTreeSet;
use std::mem;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::de::{DeArray, DeTable, DeValue, Deserializer};
use toml::{Spanned, map::Map};

use crate::error::ConfigError;
use crate::errors::ConfigErrors;
use crate::file::File;
use crate::toml_error;

/// The file without its invalid keys and values.
pub(crate) struct Syntax {
    pub(crate) file: File,
    pub(crate) errors: Vec<ConfigError>,
    /// Tables from which a key was removed, and that key: it may be a misspelt form of one that is missing there.
    pub(crate) incomplete: Vec<(Range<usize>, String)>,
    /// Names of all `[vsphere.NAME]`, including removed ones.
    pub(crate) vspheres: BTreeSet<String>,
    /// Likewise of `[auth.NAME]`.
    pub(crate) auths: BTreeSet<String>,
    /// Whether there is a key or table `console`.
    pub(crate) has_console: bool,
}

/// Reads the file, and again without each key or value at which serde stopped. After an error of TOML's syntax nothing can be
/// read, so it is returned alone.
pub(crate) fn read(text: &str, path: &Path) -> Result<Syntax, ConfigErrors> {
    let wrong = |error: &toml::de::Error| ConfigError::toml(path, text, error);
    let mut document = DeTable::parse(text).map_err(|error| wrong(&error))?;
    let names = |section| -> BTreeSet<String> {
        let section = document
            .get_ref()
            .get(section)
            .and_then(|of| of.get_ref().as_table());
        let entries = section.into_iter().flat_map(Map::iter);
        let tables = entries.filter(|(_, value)| value.get_ref().is_table());
        tables
            .map(|(name, _)| name.get_ref().clone().into_owned())
            .collect()
    };
    let (vspheres, auths) = (names("vsphere"), names("auth"));
    let has_console = document.get_ref().contains_key("console");
    let (mut errors, mut incomplete) = (Vec::new(), Vec::new());
    loop {
        let error = match File::deserialize(Deserializer::from(document.clone())) {
            Ok(file) => {
                return Ok(Syntax {
                    file,
                    errors,
                    incomplete,
                    vspheres,
                    auths,
                    has_console,
                });
            }
            Err(error) => error,
        };
        let found = wrong(&error);
        let span = error.span();
        let is_removed = match toml_error::wrong_section(text, &error) {
            Some(section) => document.get_mut().remove(section).is_some(),
            None => span
                .is_some_and(|span| remove(document.get_mut(), &span, &mut incomplete).is_some()),
        };
        errors.push(found);
        // The loop ends, since each round makes the document smaller.
        if !is_removed {
            return Err(ConfigErrors::of(errors).unwrap_or_else(|| wrong(&error).into()));
        }
    }
}

/// Removes the key, value or item at `span`, and returns the key to which it belongs. Adds that to `incomplete` for each table
/// around it.
fn remove(
    table: &mut DeTable<'_>,
    span: &Range<usize>,
    incomplete: &mut Vec<(Range<usize>, String)>,
) -> Option<String> {
    let mut entries = table.iter();
    let found = entries.find(|(key, value)| key.span() == *span || value.span() == *span);
    match found.map(|(key, _)| key.clone()) {
        Some(key) => {
            table.remove(&key)?;
            Some(key.into_inner().into_owned())
        }
        None => table.iter_mut().find_map(|(key, value)| {
            let within = remove_within(value, span, incomplete)?;
            Some(match within.is_empty() {
                true => key.get_ref().clone().into_owned(),
                false => within,
            })
        }),
    }
}

/// Likewise; the key of an item is empty.
fn remove_within(
    value: &mut Spanned<DeValue<'_>>,
    span: &Range<usize>,
    incomplete: &mut Vec<(Range<usize>, String)>,
) -> Option<String> {
    let around = value.span();
    let key = match value.get_mut() {
        DeValue::Table(table) => remove(table, span, incomplete)?,
        DeValue::Array(items) => {
            let before = items.len();
            let kept = mem::replace(items, DeArray::new()).into_iter();
            *items = kept.filter(|item| item.span() != *span).collect();
            match items.len() < before {
                true => String::new(),
                false => items
                    .iter_mut()
                    .find_map(|item| remove_within(item, span, incomplete))?,
            }
        }
        _ => return None,
    };
    incomplete.push((around, key.clone()));
    Some(key)
}
