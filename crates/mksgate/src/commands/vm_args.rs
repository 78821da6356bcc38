//! The VM that a command is about: which vSphere has it, who may log in there, and what to say where there is none.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use clap::Args;
use clap_complete::ArgValueCompleter;
use vsphere::{Error, VmRef};

use super::found_vm::FoundVm;
use super::no_such_vm::no_such_vm;
use super::vm_password::{VmPassword, configured};
use super::{CommandError, completions, configuration, interruptible, login, or_signal};
use crate::signals::TerminationSignals;
use crate::terminal::{Spinner, Terminal};
use console::progress::{Observer, Progress};
use console::settings::VSphere;
use gateway::settings::Config;

#[derive(Args)]
pub(crate) struct VmArgs {
    /// A VM: its name, inventory path (/DC/vm/folder/name), uuid:…, instance-uuid:… or moref:…
    #[arg(add = known_vms())]
    vm: VmRef,
    #[command(flatten)]
    vsphere: VSphereArg,
    #[command(flatten)]
    password: VmPassword,
}

#[derive(Args)]
pub(crate) struct VSphereArg {
    /// The vSphere to ask, by its name in the configuration [default: all of them]
    #[arg(long, value_name = "NAME")]
    vsphere: Option<String>,
}

/// For shells that complete it.
pub(crate) fn known_vms() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| completions::vm_names(current, configuration::silent))
}

impl VSphereArg {
    /// Those that are to be asked.
    pub(crate) fn of(
        &self,
        vspheres: BTreeMap<String, VSphere>,
    ) -> Result<BTreeMap<String, VSphere>, CommandError> {
        let Some(name) = &self.vsphere else {
            return Ok(vspheres);
        };
        if !vspheres.contains_key(name) {
            let known: Vec<&str> = vspheres.keys().map(String::as_str).collect();
            return Err(CommandError::Usage(format!(
                "there is no vSphere {name}: name one of {}",
                known.join(", ")
            )));
        }
        Ok(vspheres
            .into_iter()
            .filter(|(each, _)| each == name)
            .collect())
    }
}

impl VmArgs {
    /// What was named otherwise than by the flattened arguments.
    pub(crate) const fn new(vm: VmRef, vsphere: VSphereArg, password: VmPassword) -> Self {
        Self {
            vm,
            vsphere,
            password,
        }
    }

    /// The VM as it was named.
    pub(crate) fn name(&self) -> String {
        self.vm.to_string()
    }

    /// How many of the configuration's vSpheres are to be asked.
    pub(crate) fn asked(&self, config: &Config) -> usize {
        match self.vsphere.vsphere {
            Some(_) => 1,
            None => config.vspheres.len(),
        }
    }

    /// Finds the VM, does `work` with it, and logs out again whatever becomes of that, an interrupt or SIGTERM included.
    pub(crate) async fn run_interruptible<T>(
        self,
        config: Config,
        terminal: Terminal,
        work: impl AsyncFnOnce(&FoundVm, &Spinner) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        // From the beginning, so that none is missed between two steps.
        let mut signals = TerminationSignals::watch()?;
        let work = async |found_vm: &FoundVm, spinner: &Spinner| {
            or_signal(&mut signals, work(found_vm, spinner)).await
        };
        self.run(config, terminal, work).await
    }

    /// As [`Which::visit`], with work that sees to interrupts itself.
    pub(crate) async fn run<T>(
        self,
        config: Config,
        terminal: Terminal,
        work: impl AsyncFnOnce(&FoundVm, &Spinner) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let spinner = terminal.spinner("logging in");
        self.run_observed(config, &spinner, &*spinner.observer(), work)
            .await
    }

    /// As [`Which::stay`], before `observer`.
    pub(crate) async fn run_observed<T>(
        self,
        config: Config,
        spinner: &Spinner,
        observer: &Observer,
        work: impl AsyncFnOnce(&FoundVm, &Spinner) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let mut sessions = login::Sessions::default();
        let choosing = self.choose(config, &mut sessions, spinner, observer);
        let done = match interruptible(choosing).await {
            Ok(found_vm) => work(&found_vm, spinner).await,
            Err(error) => Err(error),
        };
        sessions.end().await;
        done
    }

    /// The one VM in all vSpheres that are to be asked.
    async fn choose(
        self,
        config: Config,
        sessions: &mut login::Sessions,
        spinner: &Spinner,
        observer: &Observer,
    ) -> Result<FoundVm, CommandError> {
        let given = self.password.read()?;
        // First all sessions, then all questions: whoever is told sees one step end and the next one begin.
        let mut upstreams = Vec::new();
        for (vsphere, settings) in self.vsphere.of(config.vspheres)? {
            spinner.set_message("logging in");
            let upstream = sessions
                .begin(&vsphere, settings, spinner, observer)
                .await?;
            upstreams.push((vsphere, upstream));
        }
        let mut found = Vec::new();
        for (vsphere, upstream) in upstreams {
            match upstream.client().find(&self.vm).await {
                Ok(vm) => {
                    let configured = || configured(&config.consoles, &vsphere, &vm);
                    let vnc_password = given.clone().or_else(configured);
                    found.push(FoundVm {
                        upstream,
                        vsphere,
                        vm,
                        wanted: self.vm.clone(),
                        vnc_password,
                    });
                }
                Err(Error::NoSuchVm { .. }) => {}
                Err(error) => return Err(console::Error::from(error).into()),
            }
        }
        match (found.pop(), found.pop()) {
            (Some(found_vm), None) => {
                observer(Progress::Found {
                    vsphere: &found_vm.vsphere,
                    vm: &found_vm.vm,
                });
                Ok(found_vm)
            }
            (Some(one), Some(other)) => Err(CommandError::Failed(format!(
                "{} and {} both have a VM {}: name one of them with --vsphere",
                other.vsphere, one.vsphere, self.vm
            ))),
            _ => Err(no_such_vm(&self.vm, sessions.open()).await),
        }
    }
}
