//! `mksgate screenshot`: saves screens as PNG.

mod all;
mod api;
mod capture;
mod capture_args;
mod file;
mod file_names;
mod symlinks;

use std::ffi::OsString;
use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::TypedValueParser;

use super::console_args::{ConsoleArgs, ConsoleTarget};
use super::found_vm::FoundVm;
use super::{CommandError, or_signal, print_async, url_args};
use capture_args::CaptureArgs;
use config::client::ClientConfig;
use console::dialer::Dialer;
use terminal::signals::TerminationSignals;
use terminal::{Spinner, Terminal};

#[derive(Args)]
#[command(
    mut_group("console", |group| group.arg("all")),
    mut_arg("via", |via| via.conflicts_with(url_args::ORIGIN)),
)]
pub(crate) struct Options {
    /// File to write; - is stdout, unless that is a terminal
    #[arg(
        short,
        long,
        value_name = "FILE.png",
        value_parser = clap::builder::OsStringValueParser::new().try_map(picture_file),
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    output: Option<PathBuf>,
    /// Capture every running VM, four at a time; with several vSpheres, file names begin with the vSphere
    #[arg(long, requires = "directory")]
    all: bool,
    /// Directory for the files of --all
    #[arg(short, long, value_name = "DIR", requires = "all")]
    directory: Option<PathBuf>,
    #[command(flatten)]
    capture: CaptureArgs,
    // Last: options after it would be listed under its help heading.
    #[command(flatten)]
    console: ConsoleArgs,
}

pub(crate) async fn run(
    options: Options,
    config: impl FnOnce() -> Result<ClientConfig, CommandError>,
    terminal: Terminal,
) -> Result<(), CommandError> {
    let capture = |within| CaptureArgs {
        within,
        ..options.capture
    };
    if let Some(directory) = options.directory {
        let config = config()?;
        let capture = capture(config.gateway.handshake_timeout);
        let (vsphere, password) = options.console.into_all();
        let password = password.read()?;
        let selection = all::Selection { vsphere, password };
        return all::run(selection, &directory, capture, config, terminal).await;
    }
    // clap requires it.
    let output = options
        .output
        .ok_or_else(|| CommandError::Usage("name a file, or --all".into()))?;
    let mut signals = TerminationSignals::watch()?;
    let taken = match options.console.into_target(config)? {
        ConsoleTarget::Vm(vm_args, config) => {
            let capture = capture(config.gateway.handshake_timeout);
            let work = async |found_vm: &FoundVm, spinner: &Spinner| {
                found_vm.require_running()?;
                let observer = spinner.observer();
                let password = found_vm.vnc_password.clone();
                let taken = capture
                    .take(&found_vm.upstream, &found_vm.vm, password, &*observer)
                    .await;
                taken.map_err(|error| found_vm.explain(&error))
            };
            vm_args.run_interruptible(*config, terminal, work).await?
        }
        ConsoleTarget::Url(endpoint, within) => {
            let spinner = terminal.spinner("asking for the URL");
            let (dialer, observer) = (Dialer::Url(endpoint), spinner.observer());
            let taken = capture(within).take_from(&dialer, &*observer);
            or_signal(&mut signals, async { Ok(taken.await?) }).await?
        }
    };
    taken.print_leftover();
    if output == Path::new("-") {
        return or_signal(&mut signals, print_async(taken.png))
            .await
            .map(drop);
    }
    file::write(&output, &taken.png)
}

/// Refuses a terminal as output: PNG bytes may act as control sequences.
fn picture_file(name: OsString) -> Result<PathBuf, &'static str> {
    match name.to_str() {
        Some("") => Err("write the name of a file"),
        Some("-") if stdout().is_terminal() => Err(
            "standard output is a terminal: write the name of a file, or redirect it with > or |",
        ),
        _ => Ok(name.into()),
    }
}
