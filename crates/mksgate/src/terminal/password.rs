//! A password that somebody is asked for.

use std::io::{IsTerminal, stderr, stdin};

use secrecy::SecretString;

/// A password, where there is somebody to be asked.
pub(crate) fn ask_password(prompt: &str) -> Option<SecretString> {
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return None;
    }
    Some(rpassword::prompt_password(prompt).ok()?.into())
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
