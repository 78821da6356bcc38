//! `mksgate completions`: the script that lets a shell complete our command line, names of VMs included.

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
use console::printable::printable;
use console::slots::Slots;
use console::upstream::Upstream;
use gateway::settings::Config;
use shell::Shell;

/// The variable by which the script asks us for candidates.
pub(crate) const VARIABLE: &str = "MKSGATE_COMPLETE";

/// The shell that asks, if one does.
static ASKING: OnceLock<String> = OnceLock::new();

/// Remembers which shell asks, before clap takes the variable out of the environment.
pub(crate) fn remember_shell() {
    if let Ok(shell) = std::env::var(VARIABLE) {
        // Ignored on purpose: this is done once.
        let _ = ASKING.set(shell);
    }
}

/// Whoever has pressed Tab does not wait any longer.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Args)]
pub(crate) struct Options {
    /// The shell. Put into ~/.bashrc: source <(mksgate completions bash)
    #[arg(value_parser = PossibleValuesParser::new(["bash", "zsh", "fish", "elvish", "powershell"]))]
    shell: String,
}

/// Prints the script.
pub(crate) fn run(options: &Options) -> Result<(), CommandError> {
    let cannot = || CommandError::Failed(format!("there are no completions for {}", options.shell));
    let shells = Shells::builtins();
    let shell = shells.completer(&options.shell).ok_or_else(cannot)?;
    let script = shell::registration(shell, VARIABLE).ok_or_else(cannot)?;
    print_bytes(script.as_bytes())
}

/// The names of the VMs that can be asked for in time, as far as they go on from the `current` word, and quoted for the shell
/// that asks. Nobody is there to be told what went wrong.
pub(crate) fn vm_names(
    current: &OsStr,
    config: impl FnOnce(Option<PathBuf>) -> Option<Config>,
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
    let listed = runtime.block_on(async { timeout(PATIENCE, list(config)).await });
    runtime.shutdown_background();
    let variable = |name| std::env::var(name).unwrap_or_default();
    let asking = ASKING.get().map(String::as_str).unwrap_or_default();
    let shell = Shell::new(asking, &variable(shell::TYPED));
    let begins = shell.read(&current.to_string_lossy());
    let completes = |(name, help): (String, String)| {
        // What has a control character in it is a name that nobody could type, and that a terminal could obey.
        let fits = name.starts_with(&begins) && printable(&name) == name;
        let candidate = || CompletionCandidate::new(shell.write(&name));
        fits.then(|| candidate().help(Some(printable(&help).into())))
    };
    let listed = listed.unwrap_or_default().into_iter();
    listed.filter_map(completes).collect()
}

/// What names each VM, and what is to be said of it.
async fn list(config: Config) -> Vec<(String, String)> {
    let mut candidates = Vec::new();
    for (name, settings) in config.vspheres {
        let Ok(upstream) = Upstream::new(&name, settings, Slots::default()) else {
            continue;
        };
        let vms = upstream.client().vms().await.unwrap_or_default();
        upstream.client().logout().await;
        for vm in &vms {
            let twins = vms.iter().filter(|other| other.name == vm.name).count();
            let path = vm.path.clone().unwrap_or_default();
            let place = format!("{} {path}", vm.power);
            // A name that two bear names neither.
            candidates.push(match twins {
                1 => (vm.name.clone(), place),
                _ => (path, vm.power.to_string()),
            });
        }
    }
    candidates
}

/// The `--config` of the command line that is being completed.
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
