//! VMs as the PropertyCollector describes them.

use crate::{
    inventory_path::unescape_name,
    object::Object,
    reference::Reference,
    runtime_info::{ConnectionState, Power},
    vm::Vm,
};

/// A VM, with the data for its inventory path.
pub(crate) struct Found {
    pub(crate) vm: Vm,
    /// The name as the API escapes it.
    pub(crate) raw_name: String,
    pub(crate) parent: Option<Reference>,
}

impl Found {
    /// Reads a VM; `None` where its name cannot be read.
    pub(crate) fn read(object: &Object) -> Option<Self> {
        let raw_name = object.text("name")?.to_owned();
        let uuid = |property| object.text(property).and_then(|text| text.parse().ok());
        let vm = Vm {
            moref: object.reference.id.clone(),
            name: unescape_name(&raw_name),
            power: object
                .text("runtime.powerState")
                .and_then(Power::from_api)
                .unwrap_or(Power::Off),
            connection: object
                .text("runtime.connectionState")
                .and_then(ConnectionState::from_api)
                .unwrap_or(ConnectionState::Connected),
            host: None,
            host_moref: object.reference("runtime.host").map(|host| host.id),
            path: None,
            uuid: uuid("config.uuid"),
            instance_uuid: uuid("config.instanceUuid"),
        };
        let parent = object
            .reference("parentVApp")
            .or_else(|| object.reference("parent"));
        Some(Self {
            vm,
            raw_name,
            parent,
        })
    }
}

/// Whether the object is a template, which has no console.
pub(crate) fn is_template(object: &Object) -> bool {
    object.text("config.template") == Some("true")
}
