//! CreateScreenshot_Task, and DeleteDatastoreFile_Task for its file (`docs/webmks.md` 3.5).

use super::call::{Call, Reply};
use crate::api_tasks::Outcome;
use crate::inventory::vm::Vm;
use crate::png_file;
use crate::power::Power;
use crate::screenshots::{ScreenshotFault, Screenshots};
use crate::vim25::fault::Fault;
use crate::vim25::reference::reference;
use crate::vim25::value::{MoRef, Value};

/// CreateScreenshot_Task. Which faults come from the call and which from the task is a guess, except NoPermission; so
/// is NotSupported for a bridged VM, whose framebuffer the simulator does not have.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, Fault> {
    let vm = call.state.inventory.vm(&call.this);
    let vm = vm.ok_or_else(|| Fault::not_found(&call.this))?;
    let settings = call.state.screenshots();
    if let Some(refused) = settings.refused {
        return Err(fault(refused, &call.this));
    }
    if vm.power() != Power::On {
        return Err(Fault::invalid_power_state(vm.power()));
    }
    let Some(read_screen) = &vm.read_screen else {
        return Err(Fault::not_supported());
    };
    let picture = || {
        let (size, pixels) = read_screen();
        png_file::encode(size, pixels.into_iter())
    };
    let tasks = &call.state.api_tasks;
    let task = tasks.begin("CreateScreenshot_Task", &call.this);
    if !settings.endless {
        let outcome = write_screenshot(call, vm, settings, picture);
        tasks.end_soon(&call.state.tasks, &call.state.changes, &task, outcome);
    }
    Ok(returned(task))
}

fn write_screenshot(
    call: &Call<'_>,
    vm: &Vm,
    settings: Screenshots,
    picture: impl FnOnce() -> Vec<u8>,
) -> Outcome {
    if let Some(failed) = settings.failed {
        return Err(fault(failed, &call.this));
    }
    let folder = vm.name.replace('/', "_");
    let content = settings.content.unwrap_or_else(picture);
    let path = call.state.datastore.write_picture(&folder, content);
    let path = path.ok_or_else(Fault::no_disk_space)?;
    Ok(Some(settings.path.unwrap_or(path)))
}

/// DeleteDatastoreFile_Task; a vCenter requires the datacenter.
pub(super) fn delete(call: &Call<'_>) -> Result<Reply, Fault> {
    let (state, ids) = (call.state, call.state.inventory.ids);
    if call.this.id != ids.file_manager {
        return Err(Fault::not_found(&call.this));
    }
    let datacenter = reference(call.arguments, "datacenter");
    let here = MoRef::new("Datacenter", ids.datacenter);
    let named = datacenter
        .as_ref()
        .map_or_else(|| state.is_esxi(), |named| *named == here);
    if !named {
        return Err(Fault::invalid_argument("datacenter"));
    }
    if state.screenshots().deletion_denied {
        return Err(Fault::no_permission(&here, FILE_MANAGEMENT));
    }
    let name = call.arguments.text_of("name").unwrap_or_default();
    let outcome = match state.datastore.remove(name) {
        true => Ok(None),
        false => Err(Fault::file_not_found(name)),
    };
    let task = state.api_tasks.begin("DeleteDatastoreFile_Task", &here);
    state
        .api_tasks
        .end_soon(&state.tasks, &state.changes, &task, outcome);
    Ok(returned(task))
}

fn fault(fault: ScreenshotFault, vm: &MoRef) -> Fault {
    match fault {
        ScreenshotFault::NoPermission => Fault::no_permission(vm, CREATE_SCREENSHOT),
        ScreenshotFault::TaskInProgress => Fault::task_in_progress(),
        ScreenshotFault::FileFault => Fault::no_disk_space(),
        ScreenshotFault::InvalidState => Fault::invalid_state(),
    }
}

fn returned(task: MoRef) -> Reply {
    let mut xml = String::new();
    Value::Ref(task).write("returnval", &mut xml);
    xml.into()
}

const CREATE_SCREENSHOT: &str = "VirtualMachine.Interact.CreateScreenshot";
const FILE_MANAGEMENT: &str = "Datastore.FileManagement";
