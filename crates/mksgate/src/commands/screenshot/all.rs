//! `--all`: captures every running VM.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use futures::{StreamExt, stream};
use rfb_proto::VncPassword;
use vsphere::{Power, Vm};

use super::capture_args::CaptureArgs;
use super::file;
use crate::commands::client_config::ClientConfig;
use crate::commands::vm_args::VSphereArg;
use crate::commands::vm_password::configured;
use crate::commands::{CommandError, interruptible, login};
use crate::terminal::{Spinner, Terminal};
use console::Error;
use console::secret::Secret;
use console::upstream::Upstream;

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
        CommandError::Failed(format!(
            "cannot create {shown} ({error}): name another directory"
        ))
    })?;
    let mut sessions = login::Sessions::default();
    let done = interruptible(async {
        let spinner = terminal.spinner("listing VMs");
        let mut vms = Vec::new();
        for (name, settings) in selection.vsphere.of(config.vspheres)? {
            let upstream = sessions.log_in(&name, settings, &spinner, &|_| {}).await?;
            let found = upstream.client().vms().await.map_err(Error::from)?;
            let running = found.into_iter().filter(|vm| vm.power == Power::On);
            vms.extend(running.map(|vm| {
                let configured = || configured(&config.consoles, &name, &vm);
                let password = selection.password.clone().or_else(configured);
                (Arc::clone(&upstream), vm, password)
            }));
        }
        drop(spinner);
        capture_all(vms, directory, capture, terminal).await
    })
    .await;
    sessions.log_out().await;
    done
}

/// A running VM, its vSphere, and its VNC password.
type Running = (Arc<Upstream>, Vm, Option<Secret<VncPassword>>);

async fn capture_all(
    vms: Vec<Running>,
    directory: &Path,
    capture: CaptureArgs,
    terminal: Terminal,
) -> Result<(), CommandError> {
    let (all, bar) = (vms.len(), terminal.bar(vms.len()));
    let file_names = file_names(vms.iter().map(|(_, vm, _)| vm));
    let pictures = stream::iter(vms.into_iter().zip(file_names));
    let taken = pictures.map(|((upstream, vm, password), name)| {
        let path = directory.join(name);
        let bar = bar.clone();
        async move { capture_one((upstream, vm, password), &path, capture, &bar).await }
    });
    let taken: Vec<bool> = taken.buffer_unordered(MAX_CONCURRENT).collect().await;
    drop(bar);
    match taken.iter().filter(|taken| !**taken).count() {
        0 => {
            let shown = directory.display();
            terminal.note(format!("{all} screenshots are in {shown}"));
            Ok(())
        }
        failed => Err(CommandError::Failed(format!(
            "{failed} of {all} screenshots failed: see the messages above"
        ))),
    }
}

/// Captures one VM and reports a failure at once. Returns success.
async fn capture_one(
    (upstream, vm, password): Running,
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
    bar.suspend(|| crate::terminal::print_stderr(format!("mksgate: {}: {why}", vm.name)));
    false
}

/// A unique file name per VM: path separators are replaced, and duplicates get the moref appended.
fn file_names<'a>(vms: impl Iterator<Item = &'a Vm>) -> Vec<String> {
    let mut used = BTreeSet::new();
    vms.map(|vm| {
        let safe = |c: char| match c {
            '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
            c if c.is_control() => '_',
            c => c,
        };
        let name: String = vm.name.chars().map(safe).collect();
        let name = name.trim_start_matches('.');
        let plain = format!("{name}.png");
        // Some file systems ignore case.
        match !name.is_empty() && used.insert(plain.to_lowercase()) {
            true => plain,
            false => format!("{name}-{}.png", vm.moref),
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use vsphere::ConnectionState;

    use super::*;

    #[test]
    fn file_names_are_unique_and_have_no_path_separators() {
        let vm = |name: &str, moref: &str| Vm {
            moref: moref.into(),
            name: name.into(),
            power: Power::On,
            connection: ConnectionState::Connected,
            host: None,
            host_moref: None,
            path: None,
            uuid: None,
            instance_uuid: None,
        };
        let vms = [
            vm("web", "1"),
            vm("Web", "2"),
            vm("../a/b", "3"),
            vm("...", "4"),
        ];
        assert_eq!(
            file_names(vms.iter()),
            ["web.png", "Web-2.png", "_a_b.png", "-4.png"]
        );
    }
}
