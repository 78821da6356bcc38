//! The password prompt for a vSphere without a configured password.

use secrecy::SecretString;

/// Prompts for a password; `None` without a terminal.
pub type AskPassword<'a> = &'a dyn Fn(&str) -> Option<SecretString>;
