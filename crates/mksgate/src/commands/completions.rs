//! `mksgate completions`: the script that lets a shell complete our command line, names of VMs included.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap_complete::CompletionCandidate;
use clap_complete::env::Shells;
use tokio::time::timeout;

use super::{CommandError, say_bytes};
use console::slots::Slots;
use console::upstream::Upstream;
use gateway::settings::Config;

/// The variable by which the script asks us for candidates.
pub(crate) const VARIABLE: &str = "MKSGATE_COMPLETE";

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
    let mut script = Vec::new();
    shell
        .write_registration(VARIABLE, "mksgate", "mksgate", "mksgate", &mut script)
        .map_err(|_| cannot())?;
    say_bytes(&script)
}

/// The names of the VMs that can be asked for in time. Nobody is there to be told what went wrong.
pub(crate) fn vm_names(
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
    listed.unwrap_or_default()
}

async fn list(config: Config) -> Vec<CompletionCandidate> {
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
                1 => CompletionCandidate::new(vm.name.clone()).help(Some(place.into())),
                _ => CompletionCandidate::new(path).help(Some(vm.power.to_string().into())),
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
