//! Arguments that select a VM, and its lookup in the vSpheres.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use clap::Args;
use clap_complete::ArgValueCompleter;
use vsphere::{Error, VmRef};

use super::failure::Failure;
use super::found_vm::FoundVm;
use super::no_such_vm::no_such_vm;
use super::unavailable::{Unavailable, is_out_of_order};
use super::vm_password::{VmPassword, configured};
use super::{CommandError, completions, configuration, interruptible, login, or_signal};
use config::client::{ClientConfig, ClientVSphere};
use console::progress::{Observer, Progress};
use terminal::signals::TerminationSignals;
use terminal::{Spinner, Terminal};

#[derive(Args)]
pub(crate) struct VmArgs {
    /// VM: name, inventory path (/DC/vm/folder/name), uuid:…, instance-uuid:… or moref:…
    #[arg(add = vm_completer())]
    vm: VmRef,
    #[command(flatten)]
    vsphere: VSphereArg,
    #[command(flatten)]
    password: VmPassword,
    /// Whether the VM is looked for in the other vSpheres if one cannot be asked.
    #[arg(skip)]
    skips_unavailable: bool,
}

#[derive(Args)]
pub(crate) struct VSphereArg {
    /// Name of a configured vSphere to search [default: all]
    #[arg(long, value_name = "NAME")]
    vsphere: Option<String>,
    /// Log in, and log out at the end: use and keep no session in ~/.cache/mksgate
    #[arg(long)]
    no_cache: bool,
}

/// Completes VM names in the shell.
pub(crate) fn vm_completer() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| completions::vm_names(current, configuration::silent))
}

impl VSphereArg {
    /// The vSpheres to search.
    pub(crate) fn of(
        &self,
        mut vspheres: BTreeMap<String, ClientVSphere>,
    ) -> Result<BTreeMap<String, ClientVSphere>, CommandError> {
        if self.no_cache {
            for vsphere in vspheres.values_mut() {
                vsphere.sessions = None;
            }
        }
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
    pub(crate) const fn new(vm: VmRef, vsphere: VSphereArg, password: VmPassword) -> Self {
        Self {
            vm,
            vsphere,
            password,
            skips_unavailable: false,
        }
    }

    /// A vSphere that cannot be asked is named on stderr, and the VM is looked for in the others. Otherwise it is an error: it may
    /// have the VM.
    pub(crate) fn skipping_unavailable(self) -> Self {
        Self {
            skips_unavailable: true,
            ..self
        }
    }

    pub(crate) fn name(&self) -> String {
        self.vm.to_string()
    }

    /// The number of vSpheres to search.
    pub(crate) fn vsphere_count(&self, config: &ClientConfig) -> usize {
        match self.vsphere.vsphere {
            Some(_) => 1,
            None => config.vspheres.len(),
        }
    }

    /// Finds the VM and runs `work` until it completes or a signal arrives. Logs out in every case.
    pub(crate) async fn run_interruptible<T>(
        self,
        config: ClientConfig,
        terminal: Terminal,
        work: impl AsyncFnOnce(&FoundVm, &Spinner) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        // Watched before the lookup, so that no signal is missed.
        let mut signals = TerminationSignals::watch()?;
        let work = async |found_vm: &FoundVm, spinner: &Spinner| {
            or_signal(&mut signals, work(found_vm, spinner)).await
        };
        self.run(config, terminal, work).await
    }

    /// As [`VmArgs::run_interruptible`], but `work` handles signals itself.
    pub(crate) async fn run<T>(
        self,
        config: ClientConfig,
        terminal: Terminal,
        work: impl AsyncFnOnce(&FoundVm, &Spinner) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let spinner = terminal.spinner("logging in");
        self.run_observed(config, &spinner, &*spinner.observer(), work)
            .await
    }

    /// As [`VmArgs::run`], with an observer of the progress.
    pub(crate) async fn run_observed<T>(
        self,
        config: ClientConfig,
        spinner: &Spinner,
        observer: &Observer,
        work: impl AsyncFnOnce(&FoundVm, &Spinner) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let mut sessions = login::Sessions::default();
        let finding = self.find_vm(config, &mut sessions, spinner, observer);
        let done = match interruptible(finding).await {
            Ok(found_vm) => work(&found_vm, spinner).await,
            Err(error) => Err(error),
        };
        sessions.log_out().await;
        done
    }

    /// Finds the VM; fails if several vSpheres have it.
    async fn find_vm(
        self,
        config: ClientConfig,
        sessions: &mut login::Sessions,
        spinner: &Spinner,
        observer: &Observer,
    ) -> Result<FoundVm, CommandError> {
        let password = self.password.read()?;
        // All logins before all lookups: the progress then shows one step after the other.
        let vspheres = self.vsphere.of(config.vspheres)?;
        let mut unavailable = match self.skips_unavailable {
            true => Unavailable::of(vspheres.len()),
            false => Unavailable::none_allowed(vspheres.len()),
        };
        let mut upstreams = Vec::new();
        for (vsphere, settings) in vspheres {
            spinner.set_message("logging in");
            let upstream = sessions.log_in(&vsphere, settings, spinner, observer).await;
            let upstream = unavailable.skip(&vsphere, spinner, upstream)?;
            upstreams.extend(upstream.map(|upstream| (vsphere, upstream)));
        }
        let (mut found, mut without) = (Vec::new(), Vec::new());
        for (vsphere, upstream) in upstreams {
            let error = match upstream.client().find(&self.vm).await {
                Ok(vm) => {
                    let configured = || configured(&config.consoles, &vsphere, &vm);
                    let vnc_password = password.clone().or_else(configured);
                    found.push(FoundVm {
                        upstream,
                        vsphere,
                        vm,
                        vm_ref: self.vm.clone(),
                        vnc_password,
                    });
                    continue;
                }
                Err(Error::NoSuchVm { .. }) => {
                    without.push(upstream);
                    continue;
                }
                Err(error) => console::Error::from(error),
            };
            if !is_out_of_order(&error) {
                return Err(error.into());
            }
            let failed = Err::<(), _>(error.into());
            unavailable.skip(&vsphere, spinner, failed)?;
        }
        unavailable.check_any_left()?;
        match (found.pop(), found.pop()) {
            (Some(found_vm), None) => {
                observer(Progress::Found {
                    vsphere: &found_vm.vsphere,
                    vm: &found_vm.vm,
                });
                Ok(found_vm)
            }
            (Some(one), Some(other)) => Err(ambiguous(&one, &other, &self.vm)),
            _ => {
                let asked = without.iter().map(|upstream| &**upstream);
                Err(no_such_vm(&self.vm, asked, &unavailable).await)
            }
        }
    }
}

fn ambiguous(one: &FoundVm, other: &FoundVm, vm: &VmRef) -> CommandError {
    let (one, other) = (&one.vsphere, &other.vsphere);
    CommandError::failed(Failure::local(
        "vm-ambiguous",
        format!("{other} and {one} both have a VM {vm}: name one of them with --vsphere"),
    ))
}
