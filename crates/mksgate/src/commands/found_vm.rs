//! A VM that was found, and the vSphere session through which its console is opened.

use std::sync::Arc;

use rfb_proto::VncPassword;
use vsphere::{Error, Power, Vm, VmRef};

use super::CommandError;
use console::dialer::Dialer;
use console::secret::Secret;
use console::upstream::Upstream;

/// A VM, and the vSphere that has it.
pub(crate) struct FoundVm {
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

impl FoundVm {
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
