//! Which configuration a command goes by: the one that is named, one that is found, or the environment.

use std::path::{Path, PathBuf};

use super::{CommandError, file_owner};
use gateway::settings::Config;

use crate::config;
use crate::govc;
use crate::terminal::{Terminal, ask_password, print_stderr};

/// The configuration of the current folder.
const HERE: &str = "gateway.toml";

/// The configuration of the machine.
const ETC: &str = "/etc/mksgate/gateway.toml";

/// What a command goes by.
pub(crate) struct Found {
    path: Result<PathBuf, CommandError>,
    /// Why the file in the current folder is not read, where there is one.
    passed_over: Option<String>,
}

impl Found {
    /// The file that is named, else the one in the current folder, else the machine's. The environment stands in for that of
    /// the current folder `unless_in_environment`.
    fn find(named: Option<PathBuf>, unless_in_environment: bool) -> Self {
        let here = Path::new(HERE);
        let passed_over = match here.exists() && named.is_none() {
            true if unless_in_environment && govc::is_set() => {
                Some("GOVC_URL is set: unset it, or name the file with --config".to_owned())
            }
            true => file_owner::distrust_reason(here),
            false => None,
        };
        let found = || {
            let here = (passed_over.is_none() && here.exists()).then(|| here.to_owned());
            let etc = || Some(PathBuf::from(ETC)).filter(|path| path.exists());
            here.or_else(etc)
        };
        let path = named.or_else(found).ok_or_else(|| {
            CommandError::Usage(match &passed_over {
                Some(why) => format!("./{HERE} is not read, since {why}"),
                None => {
                    format!(
                        "there is no ./{HERE} and no {ETC}: write one, or name it with --config"
                    )
                }
            })
        });
        Self { path, passed_over }
    }

    /// Tells why the file in the current folder is not read, where something else is.
    fn into_path(self, report: impl Fn(String)) -> Result<PathBuf, CommandError> {
        if let (Some(why), Ok(_)) = (&self.passed_over, &self.path) {
            report(not_read(why));
        }
        self.path
    }
}

fn not_read(why: &str) -> String {
    format!("mksgate: ./{HERE} is not read, since {why}")
}

/// Where the configuration is, for the daemon and for what checks its configuration.
pub(crate) fn path(named: Option<PathBuf>) -> Result<PathBuf, CommandError> {
    Found::find(named, false).into_path(print_stderr)
}

/// For commands that can do without a configuration: the one that is named or found, else what `GOVC_URL`
/// and its companions say. Whoever is there is asked for a password that is in neither.
pub(crate) fn or_environment(
    named: Option<PathBuf>,
    terminal: Terminal,
) -> Result<Config, CommandError> {
    let Found { path, passed_over } = Found::find(named, true);
    let (vsphere, missing) = match path {
        Ok(path) => {
            passed_over.inspect(|why| terminal.note(not_read(why)));
            return Ok(config::load_asking(&path, &ask_password)?);
        }
        Err(missing) => (govc::vsphere(&ask_password), missing),
    };
    match (vsphere, missing) {
        (Some(vsphere), _) => {
            passed_over.inspect(|why| terminal.note(not_read(why)));
            Ok(Config::of_one(
                govc::NAME,
                vsphere.map_err(CommandError::Usage)?,
            ))
        }
        (None, CommandError::Usage(sentence)) => {
            Err(CommandError::Usage(format!("{sentence}, or set GOVC_URL")))
        }
        (None, missing) => Err(missing),
    }
}

/// The same for a shell that completes a command line: nobody is asked, and nobody told.
pub(super) fn silent(named: Option<PathBuf>) -> Option<Config> {
    match Found::find(named, true).path {
        Ok(path) => config::load(&path).ok(),
        Err(_) => {
            let vsphere = govc::vsphere(&|_| None)?;
            Some(Config::of_one(govc::NAME, vsphere.ok()?))
        }
    }
}
