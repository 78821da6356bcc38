//! Arguments that select a console: a VM, or a URL.

use std::sync::Arc;
use std::time::Duration;

use clap::{ArgGroup, Args};
use vsphere::{InvalidVmRef, VmRef};

use super::CommandError;
use super::url_args::{self, UrlArgs};
use super::vm_args::{VSphereArg, VmArgs, vm_completer};
use super::vm_password::VmPassword;
use config::client::ClientConfig;
use console::endpoint::Endpoint;

#[derive(Args)]
#[command(
    group(ArgGroup::new("console").required(true).args(["vm", "url", "url_command"])),
    mut_arg("vsphere", |vsphere| vsphere.conflicts_with(url_args::ORIGIN)),
    mut_arg("no_cache", |no_cache| no_cache.conflicts_with(url_args::ORIGIN)),
    mut_arg("vnc_password_file", |file| file.conflicts_with(url_args::ORIGIN)),
    mut_arg("vnc_password_env", |variable| variable.conflicts_with(url_args::ORIGIN)),
)]
pub(crate) struct ConsoleArgs {
    /// VM: name, inventory path (/DC/vm/folder/name), uuid:…, instance-uuid:… or moref:…
    #[arg(index = 1, add = vm_completer())]
    vm: Option<String>,
    #[command(flatten)]
    vsphere: VSphereArg,
    #[command(flatten)]
    password: VmPassword,
    #[command(flatten)]
    url: Box<UrlArgs>,
}

/// The selected console, before any connection.
pub(crate) enum ConsoleTarget {
    /// The VM, and the configuration that has its vSphere.
    Vm(VmArgs, Box<ClientConfig>),
    /// The endpoint, and its handshake timeout.
    Url(Arc<Endpoint>, Duration),
}

impl ConsoleArgs {
    /// With a URL there is no VM: the word in its place belongs to what follows, as the text of `type`.
    pub(crate) fn take_word_after_url(&mut self) -> Option<String> {
        match self.url.is_given() {
            true => self.vm.take(),
            false => None,
        }
    }

    /// For all VMs in place of one.
    pub(crate) fn into_all(self) -> (VSphereArg, VmPassword) {
        (self.vsphere, self.password)
    }

    /// Loads the configuration only for a VM.
    pub(crate) fn into_target(
        self,
        config: impl FnOnce() -> Result<ClientConfig, CommandError>,
    ) -> Result<ConsoleTarget, CommandError> {
        match (self.url.endpoint()?, self.vm) {
            (Some((endpoint, within)), _) => Ok(ConsoleTarget::Url(Arc::new(endpoint), within)),
            (None, Some(vm)) => {
                let invalid = |error: InvalidVmRef| {
                    CommandError::Usage(format!(
                        "invalid value '{vm}' for '[VM]': {error} (see --help)"
                    ))
                };
                let vm = vm.parse::<VmRef>().map_err(invalid)?;
                Ok(ConsoleTarget::Vm(
                    VmArgs::new(vm, self.vsphere, self.password),
                    Box::new(config()?),
                ))
            }
            // clap requires one of the group.
            (None, None) => Err(CommandError::Usage("name a VM, or a URL by --url".into())),
        }
    }
}
