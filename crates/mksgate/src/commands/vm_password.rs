//! The VNC password of a VM, for ESXi hosts that require it.

use std::path::PathBuf;

use clap::Args;
use rfb_proto::VncPassword;
use vsphere::Vm;

use super::configured_console::serves_vm;
use super::{CommandError, url_args};
use console::secret::Secret;
use console::settings::Backend;
use gateway::settings::ConsoleSettings;

/// Never an argument itself: other users can read those in the process list.
#[derive(Args)]
pub(crate) struct VmPassword {
    /// File with the VM's VNC password in its first line, for hosts that require one; must be readable by you only [default: the
    /// password of the VM's console in the configuration]
    #[arg(long, value_name = "FILE", conflicts_with = "vnc_password_env")]
    vnc_password_file: Option<PathBuf>,
    /// Environment variable with the VM's VNC password
    #[arg(long, value_name = "VARIABLE")]
    vnc_password_env: Option<String>,
}

impl VmPassword {
    /// The password of the options; without one, [`configured`] applies.
    pub(super) fn read(&self) -> Result<Option<Secret<VncPassword>>, CommandError> {
        let (file, variable) = (&self.vnc_password_file, &self.vnc_password_env);
        url_args::vnc_password(file.as_ref(), variable.as_ref()).map_err(CommandError::Usage)
    }
}

/// The password of the console in the configuration that leads to this VM.
pub(super) fn configured(
    consoles: &[ConsoleSettings],
    vsphere: &str,
    vm: &Vm,
) -> Option<Secret<VncPassword>> {
    let of_vm = consoles
        .iter()
        .filter(|console| serves_vm(&console.backend, vsphere, vm));
    of_vm
        .filter_map(|console| match &console.backend {
            Backend::Vm { password, .. } => password.clone(),
            Backend::Url(_) => None,
        })
        .next()
}
