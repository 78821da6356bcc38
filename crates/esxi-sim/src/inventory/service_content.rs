//! `ServiceInstance.content`: product information and managers.

use super::Inventory;
use crate::kind::Kind;
use crate::vim25::value::{Fields, MoRef, Value};

impl Inventory {
    /// `ServiceInstance.content`.
    pub(crate) fn service_content(&self) -> Value {
        let ids = self.ids;
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
                ("about", Value::Data("AboutInfo", self.about())),
                (
                    "sessionManager",
                    object("SessionManager", ids.session_manager),
                ),
                ("searchIndex", object("SearchIndex", ids.search_index)),
                ("fileManager", object("FileManager", ids.file_manager)),
                (
                    "authorizationManager",
                    object("AuthorizationManager", ids.authorization_manager),
                ),
            ],
        )
    }

    fn about(&self) -> Fields {
        let version = self.product_version.as_str();
        let (name, product, os, api_type) = match self.kind {
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
            ("apiVersion", Value::text(self.api.text())),
        ];
        if self.kind == Kind::VCenter {
            fields.push((
                "instanceUuid",
                Value::text("5e1f5e1f-0000-5000-8000-00000000c0de"),
            ));
        }
        fields
    }
}
