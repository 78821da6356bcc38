//! AuthorizationManager: which privileges the user has.

use super::call::{Call, Reply};
use crate::vim25::fault::Fault;
use crate::vim25::reference::references;
use crate::vim25::value::{Value, write_fields};

/// HasPrivilegeOnEntities, for the caller's own session. What is not a VM has all privileges.
pub(super) fn privileges(call: &Call<'_>) -> Result<Reply, Fault> {
    let key = call.arguments.text_of("sessionId");
    let session = call.session.as_ref();
    if session.is_none_or(|session| Some(session.key.as_str()) != key) {
        return Err(Fault::invalid_argument("sessionId"));
    }
    let inventory = &call.state.inventory;
    let mut xml = String::new();
    for entity in references(call.arguments, "entity") {
        inventory
            .entity(&entity)
            .ok_or_else(|| Fault::not_found(&entity))?;
        let vm = inventory.vm(&entity);
        let one = |privilege: &str| {
            let granted = vm.is_none_or(|vm| vm.permits(privilege));
            vec![
                ("privId", Value::text(privilege)),
                ("isGranted", Value::Bool(granted)),
            ]
        };
        let wanted = call.arguments.children_of("privId");
        let all = wanted.map(|privilege| one(privilege.text.trim())).collect();
        let fields = vec![
            ("entity", Value::Ref(entity)),
            (
                "privAvailability",
                Value::List("PrivilegeAvailability", all),
            ),
        ];
        xml.push_str("<returnval>");
        write_fields(&fields, &mut xml);
        xml.push_str("</returnval>");
    }
    Ok(xml.into())
}
