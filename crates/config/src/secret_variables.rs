//! Environment variables with secrets. Viewers and other child programs are started without them: anybody who can read a
//! viewer's environment would otherwise have the vSphere password.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use secrecy::SecretString;

/// Known without a configuration.
const ALWAYS: [&str; 3] = ["GOVC_PASSWORD", "MKSGATE_COOKIE", "MKSGATE_WEBSOCKETURL"];

/// Removed only if it has credentials.
const URL: &str = "GOVC_URL";

/// Named by the configuration.
static CONFIGURED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Excludes a variable from the environment of child programs.
fn remember(name: &str) {
    let mut configured = CONFIGURED.lock().unwrap_or_else(PoisonError::into_inner);
    configured.insert(name.to_owned());
}

/// Reads a secret from an environment variable; `what` names its content in the error.
///
/// # Errors
/// The variable is unset or empty.
pub fn read(name: &str, what: &str) -> Result<SecretString, String> {
    remember(name);
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    value
        .map(SecretString::from)
        .ok_or_else(|| format!("the environment variable {name} is not set: set it to the {what}"))
}

/// Names of the variables that a child program must not inherit.
pub fn names() -> Vec<String> {
    let configured = CONFIGURED.lock().unwrap_or_else(PoisonError::into_inner);
    let mut names: Vec<String> = ALWAYS.map(str::to_owned).into();
    names.extend(configured.iter().cloned());
    if std::env::var_os(URL).is_some_and(|url| url.to_string_lossy().contains('@')) {
        names.push(URL.to_owned());
    }
    names
}
