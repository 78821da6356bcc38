//! ServiceInstance: product information and managers.

use std::time::SystemTime;

use super::call::{Call, Reply};
use crate::inventory::Inventory;
use crate::settings::Kind;
use crate::vim25::value::{Fields, MoRef, Value, date_time};

/// RetrieveServiceContent; requires no session.
pub(super) fn content(call: &Call<'_>) -> Reply {
    let mut xml = String::new();
    service_content(&call.state.inventory).write("returnval", &mut xml);
    xml.into()
}

/// CurrentTime. Requires a session, so that keep-alives detect the loss of theirs (`docs/webmks.md` 3.3).
pub(super) fn current_time() -> Reply {
    let mut xml = String::new();
    date_time(SystemTime::now()).write("returnval", &mut xml);
    xml.into()
}

/// `ServiceInstance.content`.
pub(super) fn service_content(inventory: &Inventory) -> Value {
    let ids = inventory.ids;
    let object = |kind: &str, id: &str| Value::Ref(MoRef::new(kind, id));
    Value::Data(
        "ServiceContent",
        vec![
            ("rootFolder", object("Folder", ids.root)),
            (
                "propertyCollector",
                object("PropertyCollector", ids.property_collector),
            ),
            ("viewManager", object("ViewManager", ids.view_manager)),
            ("about", Value::Data("AboutInfo", about(inventory))),
            (
                "sessionManager",
                object("SessionManager", ids.session_manager),
            ),
            ("searchIndex", object("SearchIndex", ids.search_index)),
            ("fileManager", object("FileManager", ids.file_manager)),
        ],
    )
}

fn about(inventory: &Inventory) -> Fields {
    let version = inventory.product_version.as_str();
    let (name, product, os, api_type) = match inventory.kind {
        Kind::Esxi => ("VMware ESXi", "embeddedEsx", "vmnix-x86", "HostAgent"),
        Kind::VCenter => ("VMware vCenter Server", "vpx", "linux-x64", "VirtualCenter"),
    };
    let mut fields = vec![
        ("name", Value::text(name)),
        (
            "fullName",
            Value::text(format!("{name} {version} build-0 (simulated)")),
        ),
        ("vendor", Value::text("VMware, Inc.")),
        ("version", Value::text(version)),
        ("build", Value::text("0")),
        ("localeVersion", Value::text("INTL")),
        ("localeBuild", Value::text("000")),
        ("osType", Value::text(os)),
        ("productLineId", Value::text(product)),
        ("apiType", Value::text(api_type)),
        ("apiVersion", Value::text(inventory.api.text())),
    ];
    if inventory.kind == Kind::VCenter {
        fields.push((
            "instanceUuid",
            Value::text("5e1f5e1f-0000-5000-8000-00000000c0de"),
        ));
    }
    fields
}
