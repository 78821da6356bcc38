//! The VM that a command is about: which vSphere has it, who may log in there, and what to say where there is none.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::sync::Arc;

use clap::Args;
use clap_complete::ArgValueCompleter;
use rfb_proto::VncPassword;
use vsphere::{Error, Power, Vm, VmRef};

use super::no_such_vm::no_such_vm;
use super::vm_password::{VmPassword, configured};
use super::{CommandError, completions, configuration, login, unless, unless_interrupted};
use crate::signals::Ends;
use crate::terminal::{Spinner, Terminal};
use console::dialer::Dialer;
use console::progress::{Observer, Progress};
use console::secret::Secret;
use console::settings::VSphere;
use console::upstream::Upstream;
use gateway::settings::Config;

#[derive(Args)]
pub(crate) struct Which {
    /// A VM: its name, inventory path (/DC/vm/folder/name), uuid:…, instance-uuid:… or moref:…
    #[arg(add = known_vms())]
    vm: VmRef,
    #[command(flatten)]
    vsphere: OfVSphere,
    #[command(flatten)]
    password: VmPassword,
}

#[derive(Args)]
pub(crate) struct OfVSphere {
    /// The vSphere to ask, by its name in the configuration [default: all of them]
    #[arg(long, value_name = "NAME")]
    vsphere: Option<String>,
}

/// For shells that complete it.
pub(crate) fn known_vms() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| completions::vm_names(current, configuration::silent))
}

/// A VM, and the vSphere that has it.
pub(crate) struct Chosen {
    /// Logged in to.
    pub(crate) upstream: Arc<Upstream>,
    /// Its name in the configuration.
    pub(crate) vsphere: String,
    /// As it was found.
    pub(crate) vm: Vm,
    /// As it was named.
    pub(crate) wanted: VmRef,
    /// For a host that asks for it.
    pub(crate) vnc_password: Option<Secret<VncPassword>>,
}

impl OfVSphere {
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

impl Which {
    /// What was named otherwise than by the flattened arguments.
    pub(crate) const fn new(vm: VmRef, vsphere: OfVSphere, password: VmPassword) -> Self {
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
    pub(crate) async fn visit<T>(
        self,
        config: Config,
        terminal: Terminal,
        work: impl AsyncFnOnce(&Chosen, &Spinner) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        // From the beginning, so that none is missed between two steps.
        let mut ends = Ends::watch()?;
        let work = async |chosen: &Chosen, spinner: &Spinner| {
            unless(&mut ends, work(chosen, spinner)).await
        };
        self.stay(config, terminal, work).await
    }

    /// As [`Which::visit`], with work that sees to interrupts itself.
    pub(crate) async fn stay<T>(
        self,
        config: Config,
        terminal: Terminal,
        work: impl AsyncFnOnce(&Chosen, &Spinner) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let spinner = terminal.spinner("logging in");
        self.stay_before(config, &spinner, &*spinner.observer(), work)
            .await
    }

    /// As [`Which::stay`], before `observer`.
    pub(crate) async fn stay_before<T>(
        self,
        config: Config,
        spinner: &Spinner,
        observer: &Observer,
        work: impl AsyncFnOnce(&Chosen, &Spinner) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let mut sessions = login::Sessions::default();
        let choosing = self.choose(config, &mut sessions, spinner, observer);
        let done = match unless_interrupted(choosing).await {
            Ok(chosen) => work(&chosen, spinner).await,
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
    ) -> Result<Chosen, CommandError> {
        let given = self.password.read()?;
        // First all sessions, then all questions: whoever is told sees one step end and the next one begin.
        let mut upstreams = Vec::new();
        for (vsphere, settings) in self.vsphere.of(config.vspheres)? {
            spinner.say("logging in");
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
                    found.push(Chosen {
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
            (Some(chosen), None) => {
                observer(Progress::Found {
                    vsphere: &chosen.vsphere,
                    vm: &chosen.vm,
                });
                Ok(chosen)
            }
            (Some(one), Some(other)) => Err(CommandError::Failed(format!(
                "{} and {} both have a VM {}: name one of them with --vsphere",
                other.vsphere, one.vsphere, self.vm
            ))),
            _ => Err(no_such_vm(&self.vm, sessions.open()).await),
        }
    }
}

impl Chosen {
    /// Its console. By its id the VM need not be looked up again.
    pub(crate) fn dialer(&self) -> Dialer {
        let vm = VmRef::Moref(self.vm.moref.clone());
        Dialer::Vm(Arc::clone(&self.upstream), vm, self.vnc_password.clone())
    }

    /// A VM that does not run has no console.
    pub(crate) fn must_run(&self) -> Result<(), CommandError> {
        match self.vm.power {
            Power::On => Ok(()),
            power => Err(CommandError::Failed(not_running(&self.vm, Some(power)))),
        }
    }

    /// Why its console cannot be had, in words.
    pub(crate) fn explain(&self, failure: &console::Error) -> String {
        match failure {
            console::Error::VSphere(Error::InvalidPowerState { state, .. }) => {
                not_running(&self.vm, *state)
            }
            other => other.to_string(),
        }
    }
}

/// It is not for a viewer to start a machine: this says who can.
fn not_running(vm: &Vm, state: Option<Power>) -> String {
    let (state, remedy) = match state {
        Some(Power::Suspended) => ("suspended", "resume"),
        _ => ("powered off", "start"),
    };
    let name = quoted(vm.path.as_deref().unwrap_or(&vm.name));
    format!(
        "{} is {state}: {remedy} it, as with `govc vm.power -on {name}`",
        vm.name
    )
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-%".contains(c);
    if word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
