//! The configuration: reads `gateway.toml`, or govc's environment variables, into a valid [`gateway::settings::Config`].

mod admin;
mod ask;
mod auth;
mod consoles;
mod dialect;
mod endpoint;
mod error;
mod file;
pub mod govc;
mod govc_trust;
pub mod known_hosts;
mod limits;
mod scalar;
mod sdk_url;
pub mod secret_file;
pub mod secret_variables;
mod source;
pub mod user_files;
mod vsphere;

use std::io::Read;
use std::path::Path;

use console::named_file;
use gateway::settings::Config;

pub use ask::AskPassword;
pub use error::ConfigError;
pub use scalar::parse_duration;
pub use sdk_url::sdk_url;
use source::Source;

/// Reads and checks a configuration file and the secrets that it names.
///
/// # Errors
/// [`ConfigError`] of the first mistake. No part of the file has taken effect then.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    load_asking(path, &|_| None)
}

/// As [`load`], and prompts for vSphere passwords that the file omits.
///
/// # Errors
/// As [`load`].
pub fn load_asking(path: &Path, ask: AskPassword<'_>) -> Result<Config, ConfigError> {
    let mut text = String::new();
    let read = named_file::open(path).and_then(|file| {
        file.take(named_file::MAX_SIZE + 1)
            .read_to_string(&mut text)
    });
    match read.map_err(|error| ConfigError::unreadable(path, &error))? {
        read if u64::try_from(read).is_ok_and(|read| read <= named_file::MAX_SIZE) => {
            check(&text, path, ask)
        }
        _ => Err(ConfigError::in_file(
            path,
            format!(
                "it has more than {} bytes: name another with --config FILE",
                named_file::MAX_SIZE
            ),
        )),
    }
}

/// Checks configuration text as if it were at `path`, to whose directory other paths in it are relative.
///
/// # Errors
/// As [`load`].
pub fn parse(text: &str, path: &Path) -> Result<Config, ConfigError> {
    check(text, path, &|_| None)
}

fn check(text: &str, path: &Path, ask: AskPassword<'_>) -> Result<Config, ConfigError> {
    let file: file::File =
        toml::from_str(text).map_err(|error| ConfigError::toml(path, text, &error))?;
    let source = Source { text, path, ask };
    let bind = source.bind(&file.gateway)?;
    let gateway = source.limits(&file.gateway)?;
    let admin = file.admin.as_ref();
    let admin_listen = admin.map(|admin| source.admin_listen(admin)).transpose()?;
    let vspheres = source.check_each(file.vsphere, Source::vsphere)?;
    source.check_auth_names(&file.auth)?;
    let auths = source.check_each(file.auth, Source::auth)?;
    if file.console.is_empty() {
        return Err(ConfigError::in_file(
            path,
            "it names no console: add a [[console]] with port, vsphere and vm (or url)",
        ));
    }
    let consoles = source.consoles(
        file.console,
        bind,
        admin_listen,
        &gateway,
        &vspheres,
        &auths,
    )?;
    let admin = admin.zip(admin_listen);
    let admin = admin
        .map(|(admin, listen)| source.admin(admin, listen))
        .transpose()?;
    Ok(Config {
        gateway,
        admin,
        vspheres,
        consoles,
    })
}
