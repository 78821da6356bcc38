//! A password that somebody is asked for.

use std::io::{self, IsTerminal, stderr, stdin};

use secrecy::SecretString;

#[cfg(unix)]
use crate::signals::{Termination, TerminationSignals};

/// A password, where there is somebody to be asked; see [`read_password`].
pub(crate) fn ask_password(prompt: &str) -> Option<SecretString> {
    is_interactive().then(|| read_password(prompt).ok())?
}

/// A password, for a program that has nothing open yet: signals end it at once, and the terminal shows again
/// what is typed.
pub(crate) fn read_password(prompt: &str) -> io::Result<SecretString> {
    Ok(prompt_or_exit(prompt.to_owned())?.into())
}

/// A password, for a program that watches signals itself, and has taken [`Echo`]; `None` where nobody is there. Ctrl-C is
/// both a signal and an error that is called interrupted.
pub(super) fn read_while_watched(prompt: &str) -> Option<io::Result<SecretString>> {
    is_interactive().then(|| rpassword::prompt_password(prompt).map(SecretString::from))
}

fn is_interactive() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

#[cfg(unix)]
fn prompt_or_exit(prompt: String) -> io::Result<String> {
    let restore_echo = Echo::remember();
    // On a thread of its own: who asks may be within a runtime, in which there can be no other.
    let answer = std::thread::scope(|threads| threads.spawn(|| prompt_until_signal(prompt)).join());
    drop(restore_echo);
    match answer.map_err(|_| io::Error::other("nobody could be asked"))?? {
        Ok(answer) => Ok(answer),
        Err(by) => std::process::exit(by.exit_code().into()),
    }
}

/// The answer, or what told the program to end before there was one.
#[cfg(unix)]
fn prompt_until_signal(prompt: String) -> io::Result<Result<String, Termination>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let answer = runtime.block_on(async {
        let mut signals = TerminationSignals::watch().map_err(io::Error::other)?;
        let asked = tokio::task::spawn_blocking(|| rpassword::prompt_password(prompt));
        tokio::select! {
            by = signals.next() => Ok(Err(by)),
            answer = asked => match answer.map_err(io::Error::other)? {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Err(Termination::Interrupt)),
                answer => answer.map(Ok),
            },
        }
    });
    // Where a signal came first, the thread that reads is still waiting.
    runtime.shutdown_background();
    answer
}

/// Elsewhere a console belongs to whoever reads it.
#[cfg(not(unix))]
fn prompt_or_exit(prompt: String) -> io::Result<String> {
    rpassword::prompt_password(prompt)
}

/// Puts the terminal back to how it was, should the question be broken off.
#[cfg(unix)]
pub(super) struct Echo(Option<rustix::termios::Termios>);

#[cfg(unix)]
impl Echo {
    /// As it is now.
    pub(super) fn remember() -> Self {
        Self(rustix::termios::tcgetattr(stdin()).ok())
    }
}

#[cfg(unix)]
impl Drop for Echo {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Some(before) = &self.0 {
            // Ignored on purpose: there is no other way to put it right.
            let _ = tcsetattr(stdin(), OptionalActions::Now, before);
        }
    }
}

/// Elsewhere a console belongs to whoever reads it.
#[cfg(not(unix))]
pub(super) struct Echo;

#[cfg(not(unix))]
impl Echo {
    /// As it is now.
    pub(super) fn remember() -> Self {
        Self
    }
}
