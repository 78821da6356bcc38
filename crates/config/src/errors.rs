//! All mistakes of a configuration.

use std::fmt;

use crate::error::ConfigError;

/// All mistakes of a configuration, at least one. As text, one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    first: ConfigError,
    others: Vec<ConfigError>,
}

impl ConfigErrors {
    /// In the order of their places in the file; `None` where there is none.
    pub(crate) fn of(mut errors: Vec<ConfigError>) -> Option<Self> {
        errors.sort_by_key(ConfigError::position);
        let mut errors = errors.into_iter();
        Some(Self {
            first: errors.next()?,
            others: errors.collect(),
        })
    }

    pub(crate) fn into_first(self) -> ConfigError {
        self.first
    }

    /// The mistakes, in the order of their places in the file.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(first: ConfigError) -> Self {
        Self {
            first,
            others: Vec::new(),
        }
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        self.others
            .iter()
            .try_for_each(|error| write!(f, "\n{error}"))
    }
}

impl std::error::Error for ConfigErrors {}
