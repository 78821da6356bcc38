//! `--all`: captures every running VM.

use std::path::Path;
use std::sync::Arc;

use futures::{StreamExt, stream};
use rfb_proto::VncPassword;
use vsphere::{Power, Vm};

use super::capture_args::CaptureArgs;
use super::file;
use super::file_names::{Named, file_names};
use crate::commands::unavailable::Unavailable;
use crate::commands::vm_args::VSphereArg;
use crate::commands::vm_password::configured;
use crate::commands::{CommandError, interruptible, login};
use config::client::ClientConfig;
use console::Error;
use console::secret::Secret;
use console::upstream::Upstream;
use terminal::{Spinner, Terminal};

/// Hosts answer 503 to more connections at once (`docs/webmks.md` 2.6).
const MAX_CONCURRENT: usize = 4;

/// The VMs to capture.
pub(super) struct Selection {
    pub(super) vsphere: VSphereArg,
    /// Overrides the configured VNC passwords.
    pub(super) password: Option<Secret<VncPassword>>,
}

/// Captures every running VM; fails at the end if any capture failed.
pub(super) async fn run(
    selection: Selection,
    directory: &Path,
    capture: CaptureArgs,
    config: ClientConfig,
    terminal: Terminal,
) -> Result<(), CommandError> {
    std::fs::create_dir_all(directory).map_err(|error| {
        let shown = directory.display();
        CommandError::failed(format!(
            "cannot create {shown} ({error}): name another directory"
        ))
    })?;
    // Named after what is configured, so that --vsphere changes no file's name.
    let several = config.vspheres.len() > 1;
    let mut sessions = login::Sessions::default();
    let done = interruptible(async {
        let spinner = terminal.spinner("listing VMs");
        let vspheres = selection.vsphere.of(config.vspheres)?;
        let mut unavailable = Unavailable::of(vspheres.len());
        let mut vms = Vec::new();
        for (name, settings) in vspheres {
            let found = async {
                let upstream = sessions.log_in(&name, settings, &spinner, &|_| {}).await?;
                let found = upstream.client().vms().await.map_err(Error::from)?;
                Ok((upstream, found))
            };
            let Some((upstream, found)) = unavailable.skip(&name, &spinner, found.await)? else {
                continue;
            };
            vms.extend(found.into_iter().map(|vm| {
                let configured = || configured(&config.consoles, &name, &vm);
                let password = selection.password.clone().or_else(configured);
                (Arc::clone(&upstream), vm, password)
            }));
        }
        drop(spinner);
        unavailable.check_any_left()?;
        capture_all(running(vms, several), directory, capture, terminal).await?;
        unavailable.check_none()
    })
    .await;
    sessions.log_out().await;
    done
}

/// A VM, its vSphere, and its VNC password.
type Listed = (Arc<Upstream>, Vm, Option<Secret<VncPassword>>);

/// Those that run, each with its file name.
fn running(vms: Vec<Listed>, several: bool) -> Vec<(Listed, String)> {
    let mut names = file_names(vms.iter().map(|listed| named(listed, several)));
    vms.into_iter()
        .filter(|(_, vm, _)| vm.power == Power::On)
        .map(|listed| {
            let name = names.next(named(&listed, several));
            (listed, name)
        })
        .collect()
}

fn named((upstream, vm, _): &Listed, several: bool) -> Named<'_> {
    Named {
        vsphere: several.then(|| upstream.client().name()),
        name: &vm.name,
        moref: &vm.moref,
    }
}

async fn capture_all(
    vms: Vec<(Listed, String)>,
    directory: &Path,
    capture: CaptureArgs,
    terminal: Terminal,
) -> Result<(), CommandError> {
    let (all, bar) = (vms.len(), terminal.bar(vms.len()));
    let taken = stream::iter(vms).map(|(listed, name)| {
        let path = directory.join(name);
        let bar = bar.clone();
        async move { capture_one(listed, &path, capture, &bar).await }
    });
    let taken: Vec<bool> = taken.buffer_unordered(MAX_CONCURRENT).collect().await;
    drop(bar);
    match taken.iter().filter(|taken| !**taken).count() {
        0 => {
            let shown = directory.display();
            terminal.note(format!("{all} screenshots are in {shown}"));
            Ok(())
        }
        failed => Err(CommandError::failed(format!(
            "{failed} of {all} screenshots failed: see the messages above"
        ))),
    }
}

/// Captures one VM and reports a failure at once. Returns success.
async fn capture_one(
    (upstream, vm, password): Listed,
    path: &Path,
    capture: CaptureArgs,
    bar: &Spinner,
) -> bool {
    bar.set_message(&vm.name);
    let taken = capture.take(&upstream, &vm, password, &|_| {}).await;
    let written = taken.map_err(CommandError::from).and_then(|taken| {
        bar.suspend(|| taken.print_leftover());
        file::write(path, &taken.png)
    });
    bar.advance();
    let Err(CommandError::Failed(why)) = written else {
        return true;
    };
    bar.suspend(|| why.print_about("vm", &vm.name));
    false
}
