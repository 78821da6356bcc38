//! A VM's VNC password, for an ESXi host that asks for it.

use std::path::PathBuf;

use clap::Args;
use rfb_proto::VncPassword;
use vsphere::Vm;

use super::configured_console::serves_vm;
use super::{CommandError, url_args};
use console::secret::Secret;
use console::settings::Behind;
use gateway::settings::Console;

/// The password is no argument itself: every user of a machine can read those.
#[derive(Args)]
pub(crate) struct VmPassword {
    /// The VM's VNC password, where its host asks for one: the first line of a file that only you can read [default: that
    /// of its console in the configuration]
    #[arg(long, value_name = "FILE", conflicts_with = "vnc_password_env")]
    vnc_password_file: Option<PathBuf>,
    /// Likewise, a variable of the environment
    #[arg(long, value_name = "VARIABLE")]
    vnc_password_env: Option<String>,
}

impl VmPassword {
    /// What the options give; else what is configured is asked for later, by [`configured`].
    pub(super) fn read(&self) -> Result<Option<Secret<VncPassword>>, CommandError> {
        let (file, variable) = (&self.vnc_password_file, &self.vnc_password_env);
        url_args::vnc_password(file.as_ref(), variable.as_ref()).map_err(CommandError::Usage)
    }
}

/// The password that a console of the configuration has for this VM.
pub(super) fn configured(
    consoles: &[Console],
    vsphere: &str,
    vm: &Vm,
) -> Option<Secret<VncPassword>> {
    let of_vm = consoles
        .iter()
        .filter(|console| serves_vm(&console.behind, vsphere, vm));
    of_vm
        .filter_map(|console| match &console.behind {
            Behind::Vm { password, .. } => password.clone(),
            Behind::Url(_) => None,
        })
        .next()
}
