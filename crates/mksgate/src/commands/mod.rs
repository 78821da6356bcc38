//! The commands, one file each.

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod configuration;
mod configured_console;
pub(crate) mod connect;
mod console_args;
#[cfg(feature = "demo")]
pub(crate) mod demo;
#[cfg(test)]
mod error_texts;
pub(crate) mod exit_code;
pub(crate) mod failure;
mod found_vm;
mod keyboard;
pub(crate) mod keys;
mod login;
pub(crate) mod man;
mod no_such_vm;
pub(crate) mod passwd;
pub(crate) mod probe;
mod random_password;
pub(crate) mod relay;
pub(crate) mod screenshot;
#[cfg(unix)]
pub(crate) mod serve;
mod shutdown_signals;
pub(crate) mod trust;
pub(crate) mod type_text;
mod unavailable;
mod url_args;
mod vm_args;
mod vm_password;
pub(crate) mod vms;

use std::io::{ErrorKind, Write, stdout};

use tokio::task::spawn_blocking;

use config::{ConfigError, ConfigErrors};
use console::Error;
use failure::Failure;
use gateway::StartError;
use terminal::signals::{SignalError, Termination, TerminationSignals};

pub(crate) enum CommandError {
    Config(ConfigErrors),
    /// The arguments cannot be used as given.
    Usage(String),
    /// The command failed.
    Failed(Failure),
    /// The command failed and has reported why; the exit code.
    Reported(u8),
    /// A signal ended the command.
    Signalled(Termination),
}

impl CommandError {
    /// The command failed. A sentence alone has no code of its own.
    pub(crate) fn failed(failure: impl Into<Failure>) -> Self {
        Self::Failed(failure.into())
    }

    /// What a viewer that waits for the console shows: short, without names and addresses; `None` if a signal ends the command.
    fn for_viewer(&self) -> Option<&'static str> {
        match self {
            Self::Config(_) => Some("gateway.toml is wrong: see the messages of mksgate"),
            Self::Usage(_) => Some("mksgate was started with wrong settings: see its messages"),
            Self::Failed(failure) => Some(failure.for_viewer),
            Self::Reported(_) => {
                Some("no vSphere can be asked for the VM: see the messages of mksgate")
            }
            Self::Signalled(_) => None,
        }
    }

    /// Prints the error, unless that is done, and returns the exit code.
    pub(crate) fn report(self) -> u8 {
        let failure = match self {
            Self::Config(errors) => {
                for error in errors.iter() {
                    Failure::local("configuration", error.to_string()).print();
                }
                return exit_code::USAGE;
            }
            Self::Usage(sentence) => Failure::local("usage", sentence),
            Self::Failed(failure) => failure,
            Self::Reported(code) => return code,
            Self::Signalled(by) => return by.exit_code(),
        };
        failure.print();
        failure.exit_code()
    }
}

impl From<ConfigError> for CommandError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error.into())
    }
}

impl From<ConfigErrors> for CommandError {
    fn from(errors: ConfigErrors) -> Self {
        Self::Config(errors)
    }
}

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        Self::failed(&error)
    }
}

impl From<StartError> for CommandError {
    fn from(error: StartError) -> Self {
        Self::failed(&error)
    }
}

impl From<SignalError> for CommandError {
    fn from(error: SignalError) -> Self {
        Self::failed(error.to_string())
    }
}

/// Runs `work` until it completes or a signal arrives.
async fn interruptible<T>(
    work: impl Future<Output = Result<T, CommandError>>,
) -> Result<T, CommandError> {
    or_signal(&mut TerminationSignals::watch()?, work).await
}

/// Likewise, with signals that the caller watches already.
async fn or_signal<T>(
    signals: &mut TerminationSignals,
    work: impl Future<Output = Result<T, CommandError>>,
) -> Result<T, CommandError> {
    tokio::select! {
        done = work => done,
        by = signals.next() => Err(CommandError::Signalled(by)),
    }
}

/// Prints to stdout. A closed pipe, as after `head`, is not an error.
fn print(text: impl AsRef<str>) -> Result<(), CommandError> {
    print_bytes(text.as_ref().as_bytes())
}

/// Likewise, for binary output.
fn print_bytes(bytes: &[u8]) -> Result<(), CommandError> {
    write_stdout(bytes).map(drop)
}

/// Prints on a blocking thread, so that a full pipe does not delay signals. Returns whether stdout is still open.
async fn print_async(answer: impl Into<Vec<u8>>) -> Result<bool, CommandError> {
    let answer = answer.into();
    let written = spawn_blocking(move || write_stdout(&answer)).await;
    written.unwrap_or_else(|error| {
        Err(CommandError::failed(format!(
            "cannot write the answer ({error})"
        )))
    })
}

/// Returns whether stdout is still open.
fn write_stdout(bytes: &[u8]) -> Result<bool, CommandError> {
    let mut out = stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(CommandError::failed(format!(
            "cannot write the answer ({error})"
        ))),
    }
}
