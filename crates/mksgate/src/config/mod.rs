//! The configuration: what a `gateway.toml` means, read into [`gateway::settings::Config`] that are valid.

mod admin;
mod auth;
mod checked;
mod endpoint;
mod error;
mod file;
mod habits;
pub(crate) mod scalar;
pub(crate) mod secrets;
mod vsphere;

use std::io::Read;
use std::path::Path;

use console::named_file;
use gateway::settings::Config;
use secrecy::SecretString;

pub use error::ConfigError;
pub(crate) use vsphere::sdk_url;

/// Asks a person, with this prompt, for a password; `None` where nobody is there.
pub(crate) type Ask<'a> = &'a dyn Fn(&str) -> Option<SecretString>;

/// Reads and checks a configuration file and the secrets that it names.
///
/// # Errors
/// [`ConfigError`] at the first thing that is wrong: nothing of the file has taken effect then.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    load_asking(path, &|_| None)
}

/// As [`load`], and asks for a vSphere's password that the file leaves out.
pub(crate) fn load_asking(path: &Path, ask: Ask<'_>) -> Result<Config, ConfigError> {
    let mut text = String::new();
    let read = named_file::open(path)
        .and_then(|file| file.take(named_file::MOST + 1).read_to_string(&mut text));
    match read.map_err(|error| ConfigError::unreadable(path, &error))? {
        read if u64::try_from(read).is_ok_and(|read| read <= named_file::MOST) => {
            checked::check(&text, path, ask)
        }
        _ => Err(ConfigError::whole(
            path,
            format!(
                "it has more than {} bytes: name another with --config FILE",
                named_file::MOST
            ),
        )),
    }
}

/// Checks the text of a configuration file that is, or would be, at `path`: other paths in it are
/// relative to that one's folder.
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
    checked::check(text, path, &|_| None)
}
