//! Starts a program without the secrets of this process.

use std::ffi::OsStr;

use config::secret_variables;
use tokio::process::Command;

/// A command whose environment has none of the variables that hold secrets.
pub(crate) fn command_without_secrets(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for name in secret_variables::names() {
        command.env_remove(name);
    }
    command
}
