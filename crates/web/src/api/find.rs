//! The console that a request names.

use std::sync::Arc;

use axum::http::StatusCode;
use gateway::User;
use vsphere::{Vm, VmRef};

use super::error::ApiError;
use super::request::Wanted;
use crate::row::{PowerState, Row};
use crate::rows::Rows;

/// The console, and the user for whom it is opened: the key's rights, and the name in the request or else the key's.
pub(super) fn find(rows: &Rows, key: &User, wanted: &Wanted) -> Result<(Arc<Row>, User), ApiError> {
    let named: VmRef = wanted
        .vm
        .parse()
        .map_err(|error| ApiError::bad_request(format!("`vm` is not valid: {error}.")))?;
    let is_named = |row: &&Arc<Row>| {
        let vsphere = wanted.vsphere.as_ref();
        vsphere.is_none_or(|vsphere| row.vsphere.as_ref() == Some(vsphere)) && has(row, &named)
    };
    let mut found = rows
        .all
        .iter()
        .filter(is_named)
        .filter(|row| row.is_for(key));
    let row = found.next().ok_or_else(ApiError::no_such_vm)?;
    if let Some(other) = found.next() {
        return Err(ambiguous(row, other));
    }
    if key.view_only && wanted.view_only == Some(false) {
        let message = "This key may only watch: leave `view_only` out, or set it to true.";
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "view-only-key",
            message,
        ));
    }
    match row.power {
        PowerState::Off => return Err(not_running("vm-powered-off", "powered off: switch it on")),
        PowerState::Suspended => return Err(not_running("vm-suspended", "suspended: resume it")),
        PowerState::On | PowerState::Unknown => {}
    }
    let mut user = key.clone();
    user.view_only |= wanted.view_only == Some(true);
    if let Some(name) = &wanted.user {
        user.name.clone_from(name);
    }
    Ok((Arc::clone(row), user))
}

fn has(row: &Row, named: &VmRef) -> bool {
    match &row.vm {
        Some(vm) => is_of(vm, named),
        // A console at a URL has a name only.
        None => matches!(named, VmRef::Name(name) if *name == row.name),
    }
}

fn is_of(vm: &Vm, named: &VmRef) -> bool {
    match named {
        VmRef::Name(name) => *name == vm.name,
        VmRef::Path(path) => vm.path.as_ref() == Some(path),
        VmRef::Uuid(uuid) => vm.uuid == Some(*uuid),
        VmRef::InstanceUuid(uuid) => vm.instance_uuid == Some(*uuid),
        VmRef::Moref(moref) => *moref == vm.moref,
    }
}

fn ambiguous(one: &Row, other: &Row) -> ApiError {
    let shown = |row: &Row| {
        let path = row.vm.as_ref().and_then(|vm| vm.path.clone());
        let vsphere = row.vsphere.as_deref().unwrap_or("no vSphere");
        format!("{} ({vsphere})", path.unwrap_or_else(|| row.path.clone()))
    };
    let message = format!(
        "Several virtual machines have that name, among them {} and {}: name one by its path or id, and `vsphere`.",
        shown(one),
        shown(other)
    );
    ApiError::new(StatusCode::CONFLICT, "ambiguous-vm", message)
}

fn not_running(code: &'static str, state: &str) -> ApiError {
    let message = format!("The virtual machine is {state}.");
    ApiError::new(StatusCode::CONFLICT, code, message)
}

#[cfg(test)]
mod tests {
    use vsphere::{ConnectionState, Power};

    use crate::row::Guest;

    use super::*;

    fn row(vsphere: &str, moref: &str, name: &str, power: Power) -> Row {
        let vm = Vm {
            moref: moref.into(),
            name: name.into(),
            power,
            connection: ConnectionState::Connected,
            host: None,
            host_moref: None,
            path: Some(format!("/DC/vm/{name}")),
            uuid: None,
            instance_uuid: None,
        };
        Row::of_vm(vsphere, &vm, &Guest::default(), Vec::new())
    }

    fn found(json: &str) -> Result<(String, User), String> {
        let rows = vec![
            row("lab", "vm-1", "desk", Power::On),
            row("lab", "vm-2", "twin", Power::On),
            row("prod", "vm-2", "twin", Power::On),
            row("lab", "vm-3", "off", Power::Off),
            row("lab", "vm-4", "asleep", Power::Suspended),
        ];
        let key = User::unrestricted("portal");
        let wanted = serde_json::from_str(json).unwrap();
        let found = find(&Rows::of(rows, &[], &[]), &key, &wanted);
        let found = found.map(|(row, user)| (row.path.clone(), user));
        found.map_err(|error| format!("{error:?}"))
    }

    #[test]
    fn a_console_is_found_by_its_names_for_the_named_user() {
        let (path, user) = found(r#"{"vm":"/DC/vm/desk","user":"ada","view_only":true}"#).unwrap();
        assert_eq!(
            (path.as_str(), user.name.as_str()),
            ("vm/lab/vm%2D1", "ada")
        );
        assert!(user.view_only);
        let (path, user) = found(r#"{"vm":"moref:vm-2","vsphere":"prod"}"#).unwrap();
        assert_eq!(
            (path.as_str(), user.name.as_str()),
            ("vm/prod/vm%2D2", "portal")
        );
        assert!(!user.view_only);
    }

    #[test]
    fn what_cannot_be_opened_has_a_code_and_the_names_that_help() {
        for (json, words) in [
            (
                r#"{"vm":"twin"}"#,
                &["ambiguous-vm", "/DC/vm/twin (lab)", "(prod)"][..],
            ),
            (r#"{"vm":"desk","vsphere":"prod"}"#, &["no-such-vm", "404"]),
            (r#"{"vm":"off"}"#, &["vm-powered-off", "409"]),
            (r#"{"vm":"asleep"}"#, &["vm-suspended", "409"]),
            (r#"{"vm":"uuid:x"}"#, &["bad-request", "400"]),
        ] {
            let error = found(json).unwrap_err();
            assert!(
                words.iter().all(|word| error.contains(word)),
                "{json}: {error}"
            );
        }
    }
}
