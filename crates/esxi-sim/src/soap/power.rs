//! The methods that change a VM's power, and ReconfigVM_Task for its firmware. Which faults come from the call and which
//! from the task is a guess.

use std::sync::atomic::Ordering;

use super::call::{Call, Reply};
use crate::api_tasks::Outcome;
use crate::inventory::vm::Vm;
use crate::power::Power;
use crate::vim25::fault::Fault;
use crate::vim25::value::Value;

/// PowerOnVM_Task: from off or suspended.
pub(super) fn on(call: &Call<'_>) -> Result<Reply, Fault> {
    let vm = permitted(call, "VirtualMachine.Interact.PowerOn")?;
    let outcome = match vm.power() {
        Power::On => Err(Fault::power_state(Power::On, Power::On)),
        before => {
            if before == Power::Off {
                vm.firmware.boot();
            }
            call.state.set_power(vm, Power::On);
            Ok(None)
        }
    };
    Ok(task(call, "PowerOnVM_Task", outcome))
}

/// PowerOffVM_Task. That a suspended VM cannot be switched off is a guess.
pub(super) fn off(call: &Call<'_>) -> Result<Reply, Fault> {
    let vm = permitted(call, "VirtualMachine.Interact.PowerOff")?;
    let outcome = from_on(call, vm, Power::Off);
    Ok(task(call, "PowerOffVM_Task", outcome))
}

/// SuspendVM_Task.
pub(super) fn suspend(call: &Call<'_>) -> Result<Reply, Fault> {
    let vm = permitted(call, "VirtualMachine.Interact.Suspend")?;
    let outcome = from_on(call, vm, Power::Suspended);
    Ok(task(call, "SuspendVM_Task", outcome))
}

/// ResetVM_Task. That consoles stay open and the screen stays the same are guesses.
pub(super) fn reset(call: &Call<'_>) -> Result<Reply, Fault> {
    let vm = permitted(call, "VirtualMachine.Interact.Reset")?;
    let outcome = match vm.power() {
        Power::On => {
            vm.firmware.boot();
            call.state.changes.send_replace(());
            Ok(None)
        }
        existing => Err(Fault::power_state(Power::On, existing)),
    };
    Ok(task(call, "ResetVM_Task", outcome))
}

/// ShutdownGuest, which has no task. The guest shuts down at once.
pub(super) fn shut_down(call: &Call<'_>) -> Result<Reply, Fault> {
    let vm = permitted(call, "VirtualMachine.Interact.PowerOff")?;
    if vm.power() == Power::On && !vm.has_tools() {
        return Err(Fault::tools_unavailable());
    }
    from_on(call, vm, Power::Off)?;
    Ok(Reply::default())
}

/// ReconfigVM_Task, of which only `bootOptions.enterBIOSSetup` is carried out.
pub(super) fn reconfigure(call: &Call<'_>) -> Result<Reply, Fault> {
    let vm = permitted(call, "VirtualMachine.Config.Settings")?;
    let spec = call.arguments.child("spec");
    let options = spec.and_then(|spec| spec.child("bootOptions"));
    if let Some(options) = options {
        let enters = options.is_true("enterBIOSSetup");
        vm.firmware.enters_next.store(enters, Ordering::SeqCst);
    }
    Ok(task(call, "ReconfigVM_Task", Ok(None)))
}

fn permitted<'a>(call: &'a Call<'_>, privilege: &str) -> Result<&'a Vm, Fault> {
    let vm = call.state.inventory.vm(&call.this);
    let vm = vm.ok_or_else(|| Fault::not_found(&call.this))?;
    match vm.permits(privilege) {
        true => Ok(vm),
        false => Err(Fault::no_permission(&call.this, privilege)),
    }
}

/// Changes the power of a VM that must be on.
fn from_on(call: &Call<'_>, vm: &Vm, to: Power) -> Outcome {
    match vm.power() {
        Power::On => {
            call.state.set_power(vm, to);
            Ok(None)
        }
        existing => Err(Fault::power_state(to, existing)),
    }
}

fn task(call: &Call<'_>, name: &'static str, outcome: Outcome) -> Reply {
    let state = call.state;
    let task = state.api_tasks.begin(name, &call.this);
    state
        .api_tasks
        .end_soon(&state.tasks, &state.changes, &task, outcome);
    let mut xml = String::new();
    Value::Ref(task).write("returnval", &mut xml);
    xml.into()
}
