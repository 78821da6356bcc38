//! Errors of the configuration: position, cause, remedy.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::position::position;
use crate::toml_error;

/// A mistake in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    path: PathBuf,
    /// Line and column, from 1; `None` for the file as a whole.
    position: Option<(usize, usize)>,
    sentence: String,
    /// Whether a key is missing.
    is_missing: bool,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.sentence)
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    /// The configuration file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Line and column, from 1; `None` for the file as a whole.
    pub const fn position(&self) -> Option<(usize, usize)> {
        self.position
    }

    /// What is wrong, without its position.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Self {
        let sentence = match error.kind() {
            io::ErrorKind::NotFound => "it does not exist: name another with --config FILE".into(),
            io::ErrorKind::InvalidData => {
                "it is not UTF-8 text: save it as that, or name another with --config FILE".into()
            }
            io::ErrorKind::PermissionDenied => {
                format!("it cannot be read ({error}): check its permissions")
            }
            _ => format!("it cannot be read ({error}): name another with --config FILE"),
        };
        Self {
            path: path.into(),
            position: None,
            sentence,
            is_missing: false,
        }
    }

    pub(crate) fn in_file(path: &Path, sentence: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            position: None,
            sentence: sentence.into(),
            is_missing: false,
        }
    }

    pub(crate) fn at(
        path: &Path,
        text: &str,
        span: Range<usize>,
        sentence: impl Into<String>,
    ) -> Self {
        Self {
            path: path.into(),
            position: Some(position(text, span.start)),
            sentence: sentence.into(),
            is_missing: false,
        }
    }

    /// Says that a key is missing.
    pub(crate) fn missing(self) -> Self {
        Self {
            is_missing: true,
            ..self
        }
    }

    pub(crate) const fn is_missing(&self) -> bool {
        self.is_missing
    }

    /// An error of the TOML parser, in plain words.
    pub(crate) fn toml(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let sentence = toml_error::sentence(text, error);
        Self {
            path: path.into(),
            position: error.span().map(|span| position(text, span.start)),
            sentence,
            is_missing: false,
        }
    }
}
