//! The VM that a command works on.

use std::sync::Arc;

use rfb_proto::VncPassword;
use vsphere::{Error, Power, Vm, VmRef};

use super::CommandError;
use super::failure::Failure;
use console::dialer::Dialer;
use console::secret::Secret;
use console::upstream::Upstream;

/// A VM, and the session on its vSphere.
pub(crate) struct FoundVm {
    pub(crate) upstream: Arc<Upstream>,
    /// The vSphere's name in the configuration.
    pub(crate) vsphere: String,
    pub(crate) vm: Vm,
    /// The reference by which the VM was looked up.
    pub(crate) vm_ref: VmRef,
    /// For hosts that require VNC authentication.
    pub(crate) vnc_password: Option<Secret<VncPassword>>,
}

impl FoundVm {
    /// Dials by moref, which needs no second lookup.
    pub(crate) fn dialer(&self) -> Dialer {
        let vm = VmRef::Moref(self.vm.moref.clone());
        Dialer::Vm(Arc::clone(&self.upstream), vm, self.vnc_password.clone())
    }

    /// Fails if the VM is off: it then has no console.
    pub(crate) fn require_running(&self) -> Result<(), CommandError> {
        match self.vm.power {
            Power::On => Ok(()),
            power => Err(
                self.explain(&console::Error::VSphere(Error::InvalidPowerState {
                    vm: self.vm.name.clone(),
                    state: Some(power),
                })),
            ),
        }
    }

    /// The error, with a remedy if the VM is not running.
    pub(crate) fn explain(&self, error: &console::Error) -> CommandError {
        let message = match error {
            console::Error::VSphere(Error::InvalidPowerState { state, .. }) => {
                not_running(&self.vm, *state)
            }
            other => other.to_string(),
        };
        CommandError::Failed(Failure::of(error, message))
    }
}

/// Names the remedy: the gateway never powers on a VM.
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

/// Shell-quoted.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-%".contains(c);
    if word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
