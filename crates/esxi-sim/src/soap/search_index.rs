//! SearchIndex and ViewManager.

use super::call::{Call, Reply};
use crate::inventory::Inventory;
use crate::random;
use crate::sessions::View;
use crate::vim25::fault::Fault;
use crate::vim25::reference::reference;
use crate::vim25::value::{MoRef, Value};

/// FindByUuid: the first VM with this BIOS or instance uuid; not for hosts.
pub(super) fn by_uuid(call: &Call<'_>) -> Reply {
    returned(vms_of_uuid(call).into_iter().take(1))
}

/// FindAllByUuid.
pub(super) fn all_by_uuid(call: &Call<'_>) -> Reply {
    returned(vms_of_uuid(call))
}

/// FindByInventoryPath, such as `DC/vm/folder/name`.
pub(super) fn by_path(call: &Call<'_>) -> Reply {
    let path = call.arguments.text_of("inventoryPath").unwrap_or_default();
    returned(call.state.inventory.at_path(path))
}

/// FindChild: the direct child with this name.
pub(super) fn child(call: &Call<'_>) -> Result<Reply, Fault> {
    let inventory = &call.state.inventory;
    let entity =
        reference(call.arguments, "entity").ok_or_else(|| Fault::invalid_argument("entity"))?;
    inventory
        .entity(&entity)
        .ok_or_else(|| Fault::not_found(&entity))?;
    let name = call.arguments.text_of("name").unwrap_or_default();
    let found = inventory.children(&entity).into_iter().find(|child| {
        let entity = inventory.entity(child);
        entity.as_ref().and_then(|entity| entity.at("name")) == Some(&Value::text(name))
    });
    Ok(returned(found))
}

/// CreateContainerView: the objects of some types below a container.
pub(super) fn create_view(call: &Call<'_>) -> Result<Reply, Fault> {
    let inventory = &call.state.inventory;
    let container = reference(call.arguments, "container")
        .ok_or_else(|| Fault::invalid_argument("container"))?;
    inventory
        .entity(&container)
        .ok_or_else(|| Fault::not_found(&container))?;
    let kinds = call.arguments.children_of("type");
    let view = View {
        container,
        recursive: call.arguments.is_true("recursive"),
        kinds: kinds.map(|kind| kind.text.trim().to_owned()).collect(),
    };
    let key = call
        .session
        .as_ref()
        .map_or("", |session| session.key.as_str());
    let id = format!("session[{key}]{}", random::token());
    let kept = call
        .session
        .as_ref()
        .is_some_and(|session| session.keep_view(&id, view));
    if !kept {
        return Err(Fault::bad_request("too many views in this session"));
    }
    Ok(returned(Some(MoRef::new("ContainerView", id))))
}

/// DestroyView.
pub(super) fn destroy_view(call: &Call<'_>) -> Result<Reply, Fault> {
    let session = call.session.as_ref();
    if session.is_some_and(|session| session.destroy_view(&call.this.id)) {
        Ok(Reply::default())
    } else {
        Err(Fault::not_found(&call.this))
    }
}

fn vms_of_uuid(call: &Call<'_>) -> Vec<MoRef> {
    let uuid = call.arguments.text_of("uuid").unwrap_or_default();
    let by_instance = call.arguments.is_true("instanceUuid");
    let vms = call.state.inventory.existing().filter(|vm| {
        let own = if by_instance {
            &vm.instance_uuid
        } else {
            &vm.uuid
        };
        own.eq_ignore_ascii_case(uuid) && call.arguments.is_true("vmSearch")
    });
    vms.map(|vm| Inventory::vm_ref(vm)).collect()
}

fn returned(objects: impl IntoIterator<Item = MoRef>) -> Reply {
    let mut xml = String::new();
    Value::Refs(objects.into_iter().collect()).write("returnval", &mut xml);
    xml.into()
}
