//! The console that a command is about: a VM's, or one at a URL.

use std::sync::Arc;
use std::time::Duration;

use clap::{ArgGroup, Args};
use vsphere::VmRef;

use super::CommandError;
use super::url_args::{self, UrlArgs};
use super::vm_args::{VSphereArg, VmArgs, known_vms};
use super::vm_password::VmPassword;
use console::endpoint::Endpoint;
use gateway::settings::Config;

#[derive(Args)]
#[command(
    group(ArgGroup::new("console").required(true).args(["vm", "url", "url_command"])),
    mut_arg("vsphere", |vsphere| vsphere.conflicts_with(url_args::ORIGIN)),
    mut_arg("vnc_password_file", |file| file.conflicts_with(url_args::ORIGIN)),
    mut_arg("vnc_password_env", |variable| variable.conflicts_with(url_args::ORIGIN)),
)]
pub(crate) struct ConsoleArgs {
    /// A VM: its name, inventory path (/DC/vm/folder/name), uuid:…, instance-uuid:… or moref:…
    #[arg(add = known_vms())]
    vm: Option<VmRef>,
    #[command(flatten)]
    vsphere: VSphereArg,
    #[command(flatten)]
    password: VmPassword,
    #[command(flatten)]
    at: Box<UrlArgs>,
}

/// What is known of it before anything is asked.
pub(crate) enum ConsoleTarget {
    /// A VM, and where to look for it.
    Vm(VmArgs, Box<Config>),
    /// What is at a URL, and how long it may take to be ready.
    Url(Arc<Endpoint>, Duration),
}

impl ConsoleArgs {
    /// Only a VM needs a configuration.
    pub(crate) fn wanted(
        self,
        config: impl FnOnce() -> Result<Config, CommandError>,
    ) -> Result<ConsoleTarget, CommandError> {
        match (self.at.endpoint()?, self.vm) {
            (Some((endpoint, within)), _) => Ok(ConsoleTarget::Url(Arc::new(endpoint), within)),
            (None, Some(vm)) => Ok(ConsoleTarget::Vm(
                VmArgs::new(vm, self.vsphere, self.password),
                Box::new(config()?),
            )),
            // The group of arguments has been asked for already.
            (None, None) => Err(CommandError::Usage("name a VM, or a URL by --url".into())),
        }
    }
}
