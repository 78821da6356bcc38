//! `mksgate screenshot`: saves screens as PNG.

mod all;
mod api;
mod capture;
mod capture_args;
mod file;
mod file_names;
mod png_decoder;
mod symlinks;

use std::ffi::OsString;
use std::io::{IsTerminal, stdout};
use std::path::{Path, PathBuf};

use clap::Args;
use clap::builder::TypedValueParser;
use vsphere::VmRef;

use super::client_config::ClientConfig;
use super::found_vm::FoundVm;
use super::vm_args::{VSphereArg, VmArgs, vm_completer};
use super::vm_password::VmPassword;
use super::{CommandError, or_signal, print_async};
use capture_args::CaptureArgs;
use terminal::signals::TerminationSignals;
use terminal::{Spinner, Terminal};

#[derive(Args)]
pub(crate) struct Options {
    /// VM: name, inventory path (/DC/vm/folder/name), uuid:…, instance-uuid:… or moref:…
    #[arg(required_unless_present = "all", conflicts_with = "all", add = vm_completer())]
    vm: Option<VmRef>,
    #[command(flatten)]
    vsphere: VSphereArg,
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
    password: VmPassword,
    #[command(flatten)]
    capture: CaptureArgs,
}

pub(crate) async fn run(
    options: Options,
    config: ClientConfig,
    terminal: Terminal,
) -> Result<(), CommandError> {
    let capture = CaptureArgs {
        within: config.gateway.handshake_timeout,
        ..options.capture
    };
    match (options.vm, options.output, options.directory) {
        (Some(vm), Some(output), _) => {
            let mut signals = TerminationSignals::watch()?;
            let vm_args = VmArgs::new(vm, options.vsphere, options.password);
            let work = async |found_vm: &FoundVm, spinner: &Spinner| {
                found_vm.require_running()?;
                let observer = spinner.observer();
                let password = found_vm.vnc_password.clone();
                let taken = capture
                    .take(&found_vm.upstream, &found_vm.vm, password, &*observer)
                    .await;
                taken.map_err(|error| found_vm.explain(&error))
            };
            let taken = vm_args.run_interruptible(config, terminal, work).await?;
            taken.print_leftover();
            if output == Path::new("-") {
                return or_signal(&mut signals, print_async(taken.png))
                    .await
                    .map(drop);
            }
            file::write(&output, &taken.png)
        }
        (_, _, Some(directory)) => {
            let password = options.password.read()?;
            let vm_args = all::Selection {
                vsphere: options.vsphere,
                password,
            };
            all::run(vm_args, &directory, capture, config, terminal).await
        }
        // clap requires one of them.
        _ => Err(CommandError::Usage("name a VM and a file, or --all".into())),
    }
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
