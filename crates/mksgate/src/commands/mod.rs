//! What each command does. One file a command.

pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod passwd;
pub(crate) mod relay;
pub(crate) mod serve;
mod table;
pub(crate) mod trust;
pub(crate) mod vms;

use std::io::{ErrorKind, Write, stdout};

use crate::config::ConfigError;
use crate::error::Failure;
use crate::gateway::StartError;

/// Why a command failed.
pub(crate) enum CommandError {
    /// The configuration is wrong.
    Config(ConfigError),
    /// What was asked for cannot be done as asked.
    Usage(String),
    /// It was tried and failed.
    Failed(String),
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<Failure> for CommandError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure.to_string())
    }
}

impl From<StartError> for CommandError {
    fn from(error: StartError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Prints an answer. A reader who has had enough, as `head` has, is no failure.
fn say(text: impl AsRef<str>) -> Result<(), CommandError> {
    let mut out = stdout().lock();
    match out
        .write_all(text.as_ref().as_bytes())
        .and_then(|()| out.flush())
    {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(CommandError::Failed(format!(
            "cannot write the answer ({error})"
        ))),
        _ => Ok(()),
    }
}
