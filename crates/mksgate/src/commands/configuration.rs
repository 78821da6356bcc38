//! Selects the configuration: `--config`, a file in a default place, or the environment.

use std::path::{Path, PathBuf};

use super::{CommandError, file_owner};
use config::govc;
use gateway::settings::Config;

use crate::terminal::{Terminal, ask_password, print_stderr};

/// In the current directory.
const HERE: &str = "gateway.toml";

/// System-wide.
const ETC: &str = "/etc/mksgate/gateway.toml";

/// The selected configuration file.
pub(crate) struct Found {
    path: Result<PathBuf, CommandError>,
    /// Why the file in the current directory is not read, if it exists.
    passed_over: Option<String>,
}

impl Found {
    /// `--config`, else the current directory, else the system. With `unless_in_environment`, `GOVC_URL` replaces the current
    /// directory.
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

    /// The path; reports a file in the current directory that was skipped in favour of another.
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

/// For `serve` and `check`, which need a file.
pub(crate) fn path(named: Option<PathBuf>) -> Result<PathBuf, CommandError> {
    Found::find(named, false).into_path(print_stderr)
}

/// For commands that can do without a file: falls back to `GOVC_URL` and prompts for a missing password.
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
            Ok(Config::with_vsphere(
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

/// For shell completion: no prompts and no messages.
pub(super) fn silent(named: Option<PathBuf>) -> Option<Config> {
    match Found::find(named, true).path {
        Ok(path) => config::load(&path).ok(),
        Err(_) => {
            let vsphere = govc::vsphere(&|_| None)?;
            Some(Config::with_vsphere(govc::NAME, vsphere.ok()?))
        }
    }
}
