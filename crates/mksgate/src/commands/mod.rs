//! What each command does. One file a command.

pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod passwd;
pub(crate) mod serve;
mod table;
pub(crate) mod trust;
pub(crate) mod vms;

use std::io::{ErrorKind, Write, stdout};

use crate::cli::CommandError;

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
