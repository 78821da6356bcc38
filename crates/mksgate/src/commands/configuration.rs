//! Which configuration a command goes by: the one that is named, one that is found, or the environment.

use std::path::PathBuf;

use super::CommandError;
use gateway::settings::Config;

use crate::config;
use crate::environment;
use crate::terminal::ask_password;

/// Where the configuration is looked for, in this order, unless it is named.
const CONFIG_PATHS: [&str; 2] = ["gateway.toml", "/etc/mksgate/gateway.toml"];

/// Where the configuration is.
pub(crate) fn path(named: Option<PathBuf>) -> Result<PathBuf, CommandError> {
    let found = || {
        CONFIG_PATHS
            .iter()
            .map(PathBuf::from)
            .find(|path| path.exists())
    };
    named.or_else(found).ok_or_else(|| {
        let [here, etc] = CONFIG_PATHS;
        CommandError::Usage(format!(
            "there is no ./{here} and no {etc}: write one, or name it with --config"
        ))
    })
}

/// For commands that can do without a configuration: the one that is named or found, else what `GOVC_URL`
/// and its companions say. Whoever is there is asked for a password that is in neither.
pub(crate) fn or_environment(named: Option<PathBuf>) -> Result<Config, CommandError> {
    let missing = match path(named) {
        Ok(path) => return Ok(config::load_asking(&path, &ask_password)?),
        Err(missing) => missing,
    };
    match (environment::vsphere(&ask_password), missing) {
        (Some(vsphere), _) => Ok(Config::of_one(
            environment::NAME,
            vsphere.map_err(CommandError::Usage)?,
        )),
        (None, CommandError::Usage(sentence)) => {
            Err(CommandError::Usage(format!("{sentence}, or set GOVC_URL")))
        }
        (None, missing) => Err(missing),
    }
}

/// The same for a shell that completes a command line: nobody is asked, and nobody told.
pub(super) fn silent(named: Option<PathBuf>) -> Option<Config> {
    match path(named) {
        Ok(path) => config::load(&path).ok(),
        Err(_) => {
            let vsphere = environment::vsphere(&|_| None)?;
            Some(Config::of_one(environment::NAME, vsphere.ok()?))
        }
    }
}
