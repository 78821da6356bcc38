//! Password prompts.

use std::io::{self, IsTerminal, stderr, stdin};

use secrecy::SecretString;

#[cfg(unix)]
use crate::signals::{Termination, TerminationSignals};

/// Prompts in a program that watches no signals yet: a signal exits at once, with the terminal's echo restored.
pub fn read_password(prompt: &str) -> io::Result<SecretString> {
    Ok(prompt_or_exit(prompt.to_owned())?.into())
}

/// Prompts in a program that watches signals and holds [`Echo`]; `None` without a terminal. Ctrl-C also ends the read with
/// `Interrupted`.
pub(crate) fn read_while_watched(prompt: &str) -> Option<io::Result<SecretString>> {
    is_interactive().then(|| rpassword::prompt_password(prompt).map(SecretString::from))
}

fn is_interactive() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

#[cfg(unix)]
fn prompt_or_exit(prompt: String) -> io::Result<String> {
    let restore_echo = Echo::remember();
    // On a new thread: the caller may be in a runtime, where a second one cannot block.
    let answer = std::thread::scope(|threads| threads.spawn(|| prompt_until_signal(prompt)).join());
    drop(restore_echo);
    match answer.map_err(|_| io::Error::other("the password prompt failed"))?? {
        Ok(answer) => Ok(answer),
        Err(by) => std::process::exit(by.exit_code().into()),
    }
}

/// The answer, or the signal that came first.
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
    // After a signal the reading thread is still blocked: do not wait for it.
    runtime.shutdown_background();
    answer
}

/// Windows restores the console itself.
#[cfg(not(unix))]
fn prompt_or_exit(prompt: String) -> io::Result<String> {
    rpassword::prompt_password(prompt)
}

/// Restores the terminal's settings after an interrupted prompt.
#[cfg(unix)]
pub(crate) struct Echo(Option<rustix::termios::Termios>);

#[cfg(unix)]
impl Echo {
    /// Saves the current settings.
    pub(crate) fn remember() -> Self {
        Self(rustix::termios::tcgetattr(stdin()).ok())
    }
}

#[cfg(unix)]
impl Drop for Echo {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Some(settings) = &self.0 {
            // There is no other way to restore them.
            let _ = tcsetattr(stdin(), OptionalActions::Now, settings);
        }
    }
}

/// Windows restores the console itself.
#[cfg(not(unix))]
pub(crate) struct Echo;

#[cfg(not(unix))]
impl Echo {
    pub(crate) fn remember() -> Self {
        Self
    }
}
