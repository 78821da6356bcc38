//! Selects the configuration: `--config`, a file in a default place, or the environment.

use std::path::{Path, PathBuf};

use super::CommandError;
use config::client::ClientConfig;
use config::file_owner;
use config::govc;
use terminal::{Terminal, print_stderr};

/// In the current directory.
const LOCAL: &str = "gateway.toml";

/// System-wide.
const SYSTEM: &str = "/etc/mksgate/gateway.toml";

/// The selected configuration file.
pub(crate) struct Selection {
    path: Result<PathBuf, CommandError>,
    /// Why the file in the current directory is not read, if it exists.
    skipped: Option<String>,
}

impl Selection {
    /// `--config`, else the current directory, else the system. With `prefer_environment`, `GOVC_URL` takes precedence over
    /// the current directory.
    fn find(named: Option<PathBuf>, prefer_environment: bool) -> Self {
        let local = Path::new(LOCAL);
        let skipped = match local.exists() && named.is_none() {
            true if prefer_environment && govc::is_set() => {
                Some("GOVC_URL is set: unset it, or name the file with --config".to_owned())
            }
            true => file_owner::distrust_reason(local),
            false => None,
        };
        let default = || {
            let local = (skipped.is_none() && local.exists()).then(|| local.to_owned());
            let system = || Some(PathBuf::from(SYSTEM)).filter(|path| path.exists());
            local.or_else(system)
        };
        let path = named.or_else(default).ok_or_else(|| {
            CommandError::Usage(match &skipped {
                Some(why) => format!("./{LOCAL} is not read, since {why}"),
                None => {
                    format!(
                        "there is no ./{LOCAL} and no {SYSTEM}: write one, or name it with --config"
                    )
                }
            })
        });
        Self { path, skipped }
    }

    /// The path; reports a file in the current directory that was skipped in favour of another.
    fn into_path(self, report: impl Fn(String)) -> Result<PathBuf, CommandError> {
        if let (Some(why), Ok(_)) = (&self.skipped, &self.path) {
            report(skipped_message(why));
        }
        self.path
    }
}

fn skipped_message(why: &str) -> String {
    format!("mksgate: ./{LOCAL} is not read, since {why}")
}

/// For `serve` and `check`, which need a file.
pub(crate) fn path(named: Option<PathBuf>) -> Result<PathBuf, CommandError> {
    Selection::find(named, false).into_path(print_stderr)
}

/// For commands that can do without a file: falls back to `GOVC_URL`.
pub(crate) fn or_environment(
    named: Option<PathBuf>,
    terminal: Terminal,
) -> Result<ClientConfig, CommandError> {
    let Selection { path, skipped } = Selection::find(named, true);
    let note = |line| terminal.note(line);
    let (environment, missing) = match path {
        Ok(path) => {
            skipped.inspect(|why| note(skipped_message(why)));
            let file = config::load_for_client(&path)?;
            return ClientConfig::of_file(file, &note).map_err(CommandError::Usage);
        }
        Err(missing) => (govc::environment(), missing),
    };
    match (environment, missing) {
        (Some(environment), _) => {
            skipped.inspect(|why| note(skipped_message(why)));
            let config = environment.and_then(|found| ClientConfig::of_environment(found, &note));
            config.map_err(CommandError::Usage)
        }
        (None, CommandError::Usage(sentence)) => {
            Err(CommandError::Usage(format!("{sentence}, or set GOVC_URL")))
        }
        (None, missing) => Err(missing),
    }
}

/// For shell completion: no prompts and no messages.
pub(super) fn silent(named: Option<PathBuf>) -> Option<ClientConfig> {
    match Selection::find(named, true).path {
        Ok(path) => ClientConfig::of_file(config::load_for_client(&path).ok()?, &|_| {}).ok(),
        Err(_) => ClientConfig::of_environment(govc::environment()?.ok()?, &|_| {}).ok(),
    }
}
