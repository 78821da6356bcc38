//! `mksgate completions`: prints shell completion scripts and lists VM names for them.

mod shell;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap_complete::CompletionCandidate;
use clap_complete::env::Shells;
use tokio::time::timeout;

use super::{CommandError, print_bytes};
use config::client::ClientConfig;
use console::printable::printable;
use shell::Shell;

/// Environment variable by which the script requests candidates.
pub(crate) const VARIABLE: &str = "MKSGATE_COMPLETE";

/// The shell that requests candidates, if any.
static REQUESTING_SHELL: OnceLock<String> = OnceLock::new();

/// Must run before clap removes the variable from the environment.
pub(crate) fn remember_shell() {
    if let Ok(shell) = std::env::var(VARIABLE) {
        // Set once: this is called once, at startup.
        let _ = REQUESTING_SHELL.set(shell);
    }
}

/// Limit for listing VMs: the user has pressed Tab and waits.
const LIST_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Args)]
pub(crate) struct Options {
    /// The shell; for bash, add to ~/.bashrc: source <(mksgate completions bash)
    #[arg(value_parser = PossibleValuesParser::new(["bash", "zsh", "fish", "elvish", "powershell"]))]
    shell: String,
}

pub(crate) fn run(options: &Options) -> Result<(), CommandError> {
    let cannot = || CommandError::failed(format!("there are no completions for {}", options.shell));
    let shells = Shells::builtins();
    let shell = shells.completer(&options.shell).ok_or_else(cannot)?;
    let script = shell::registration(shell, VARIABLE).ok_or_else(cannot)?;
    print_bytes(script.as_bytes())
}

/// Names of VMs that continue the `current` word, quoted for the requesting shell. Errors are dropped: the shell cannot show
/// them.
pub(crate) fn vm_names(
    current: &OsStr,
    config: impl FnOnce(Option<PathBuf>) -> Option<ClientConfig>,
) -> Vec<CompletionCandidate> {
    let Some(config) = config(named_configuration()) else {
        return Vec::new();
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    else {
        return Vec::new();
    };
    let listed = runtime.block_on(async { timeout(LIST_TIMEOUT, list(config)).await });
    runtime.shutdown_background();
    let variable = |name| std::env::var(name).unwrap_or_default();
    let requesting = REQUESTING_SHELL
        .get()
        .map(String::as_str)
        .unwrap_or_default();
    let shell = Shell::new(requesting, &variable(shell::TYPED));
    let prefix = shell.read(&current.to_string_lossy());
    let candidate_of = |(name, help): (String, String)| {
        // A name with control characters cannot be typed and could send commands to the terminal.
        let matches = name.starts_with(&prefix) && printable(&name) == name;
        let candidate = || CompletionCandidate::new(shell.write(&name));
        matches.then(|| candidate().help(Some(printable(&help).into())))
    };
    let listed = listed.unwrap_or_default().into_iter();
    listed.filter_map(candidate_of).collect()
}

/// Candidate and description of each VM.
async fn list(config: ClientConfig) -> Vec<(String, String)> {
    let mut candidates = Vec::new();
    for (name, vsphere) in config.vspheres {
        let Ok(upstream) = vsphere.upstream(&name) else {
            continue;
        };
        let vms = upstream.client().vms().await.unwrap_or_default();
        upstream.client().logout().await;
        for vm in &vms {
            let same_name = vms.iter().filter(|other| other.name == vm.name).count();
            let path = vm.path.clone().unwrap_or_default();
            let description = format!("{} {path}", vm.power);
            // Ambiguous names are replaced by inventory paths.
            candidates.push(match same_name {
                1 => (vm.name.clone(), description),
                _ => (path, vm.power.to_string()),
            });
        }
    }
    candidates
}

/// The value of `--config` on the command line that is being completed.
fn named_configuration() -> Option<PathBuf> {
    let words: Vec<_> = std::env::args_os().collect();
    let pairs = words.windows(2);
    pairs
        .filter_map(|pair| match pair {
            [option, path] if option == "--config" => Some(PathBuf::from(path)),
            _ => None,
        })
        .next_back()
}
