//! How a password that the file leaves out is asked for.

use secrecy::SecretString;

/// Asks a person, with this prompt, for a password; `None` where nobody is there.
pub(crate) type AskPassword<'a> = &'a dyn Fn(&str) -> Option<SecretString>;
