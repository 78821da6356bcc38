//! Objects as RetrievePropertiesEx returns them.

use super::envelope;

/// The answer of RetrievePropertiesEx with these objects.
pub(crate) fn objects(objects: &str) -> String {
    envelope(&format!(
        "<RetrievePropertiesExResponse xmlns='urn:vim25'><returnval>{objects}</returnval></RetrievePropertiesExResponse>"
    ))
}

/// One VM among the objects, in a folder `group-v3`.
pub(crate) fn vm(moref: &str, name: &str, power: &str) -> String {
    let uuid = format!(
        "564d1c4e-0b02-6e1a-3f5c-{:0>12}",
        moref.trim_start_matches("vm-")
    );
    object(
        "VirtualMachine",
        moref,
        &[
            ("name", name),
            ("runtime.powerState", power),
            ("runtime.connectionState", "connected"),
            ("config.uuid", &uuid),
            ("config.instanceUuid", &uuid.replace("564d", "5052")),
            ("runtime.host", "HostSystem:host-9"),
            ("parent", "Folder:group-v3"),
        ],
    )
}

/// An object; a value of the form `Folder:id` is written as a reference.
pub(crate) fn object(kind: &str, id: &str, properties: &[(&str, &str)]) -> String {
    let mut text = format!("<objects><obj type='{kind}'>{id}</obj>");
    for (name, value) in properties {
        let reference = ["HostSystem", "Folder", "Datacenter", "VirtualApp"]
            .iter()
            .find_map(|kind| Some((kind, value.strip_prefix(kind)?.strip_prefix(':')?)));
        let value = match reference {
            Some((kind, id)) => {
                format!("<val type='{kind}' xsi:type='ManagedObjectReference'>{id}</val>")
            }
            None => format!("<val xsi:type='xsd:string'>{value}</val>"),
        };
        text.push_str(&format!("<propSet><name>{name}</name>{value}</propSet>"));
    }
    text + "</objects>"
}
