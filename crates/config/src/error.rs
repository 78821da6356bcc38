//! Errors of the configuration: position, cause, remedy.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Minimum Jaro-Winkler similarity of a suggested key.
const MIN_SIMILARITY: f64 = 0.7;

/// A mistake in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    path: PathBuf,
    /// Line and column, from 1; `None` for the file as a whole.
    position: Option<(usize, usize)>,
    sentence: String,
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
            io::ErrorKind::NotFound => {
                "there is no such file: name another with --config FILE".into()
            }
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
        }
    }

    pub(crate) fn in_file(path: &Path, sentence: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            position: None,
            sentence: sentence.into(),
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
        }
    }

    /// Rewords an error of the TOML parser as one line, with a suggestion for an unknown key.
    pub(crate) fn toml(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let is_wrong_value = error.message().starts_with("invalid type");
        let sentence = wrong_header(text, error.span().filter(|_| is_wrong_value))
            .or_else(|| unknown_key(error.message()))
            .or_else(|| wrong_value(error.message()))
            .or_else(|| unquoted_value(error.message()))
            .or_else(|| missing_or_duplicate(error.message()))
            .unwrap_or_else(|| error.message().replace('\n', "; "));
        Self {
            path: path.into(),
            position: error.span().map(|span| position(text, span.start)),
            sentence,
        }
    }
}

/// Line and column of a byte, from 1; columns count characters.
fn position(text: &str, byte: usize) -> (usize, usize) {
    let preceding = text.get(..byte).unwrap_or(text);
    let line_start = preceding.rfind('\n').map_or(0, |newline| newline + 1);
    let column = preceding
        .get(line_start..)
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (preceding.matches('\n').count() + 1, column)
}

/// Parses serde's "invalid type: string "…", expected a number". Omits the value, which may be a misplaced secret.
fn wrong_value(message: &str) -> Option<String> {
    let rest = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))?;
    let (_, expected) = rest.rsplit_once(", expected ")?;
    let expected = match expected {
        "usize" => "a whole number without quotes, 0 or more".to_owned(),
        "u16" => "a port without quotes, a whole number up to 65535".to_owned(),
        "a string" => "a text in quotes".to_owned(),
        "a sequence" => "a list, as in [\"one\", \"two\"]".to_owned(),
        "a boolean" => "true or false, without quotes".to_owned(),
        "a map" => "a table".to_owned(),
        other => match other.strip_prefix("struct ") {
            Some(_) => "a table".to_owned(),
            None => other.replace('\n', "; "),
        },
    };
    Some(format!("wrong type of value: expected {expected}"))
}

/// An unquoted value, which TOML reports as a string without quotes.
fn unquoted_value(message: &str) -> Option<String> {
    message
        .starts_with("string values must be quoted")
        .then(|| {
            "this is not a value: quote text, as in \"lab\", and write true or false without quotes"
                .to_owned()
        })
}

/// Missing and duplicate keys.
fn missing_or_duplicate(message: &str) -> Option<String> {
    if message == "duplicate key" {
        return Some("duplicate key: keep one of the two".into());
    }
    let key = message.strip_prefix("missing field ")?;
    Some(format!("{key} is missing: add it"))
}

/// A misspelt header such as `[vsphere]`, which serde reports at the keys below it.
fn wrong_header(text: &str, span: Option<Range<usize>>) -> Option<String> {
    let at = span?.start;
    let line_end = text
        .get(at..)?
        .find('\n')
        .map_or(text.len(), |end| at + end);
    let headers = text.get(..line_end)?.lines().map(str::trim);
    let header = headers.rev().find(|line| line.starts_with('['))?;
    let header = header.split('#').next().unwrap_or_default().trim_end();
    Some(match header {
        "[vsphere]" => "this [vsphere] has no name: write [vsphere.NAME]".to_owned(),
        "[auth]" => "this [auth] has no name: write [auth.NAME]".to_owned(),
        "[console]" => "consoles are an array of tables: write [[console]]".to_owned(),
        _ => return None,
    })
}

/// Parses serde's "unknown field `a`, expected one of `b`, `c`".
fn unknown_key(message: &str) -> Option<String> {
    let mut names = message
        .strip_prefix("unknown field ")?
        .split('`')
        .skip(1)
        .step_by(2);
    let unknown = names.next()?;
    let known: Vec<&str> = names.collect();
    let nearest = known
        .iter()
        .map(|name| (strsim::jaro_winkler(unknown, name), name))
        .filter(|(similarity, _)| *similarity > MIN_SIMILARITY)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    Some(match nearest {
        Some((_, name)) => format!("unknown key `{unknown}`: did you mean `{name}`?"),
        None if known.is_empty() => format!("unknown key `{unknown}`: no key is allowed here"),
        None => format!(
            "unknown key `{unknown}`: the keys of this section are {}",
            known.join(", ")
        ),
    })
}
