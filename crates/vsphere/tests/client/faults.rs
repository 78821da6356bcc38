//! Every fault becomes an error that names its cause and says what to do.

use vsphere::{Error, Power, VmRef};

use crate::support::{Host, fault, fixture, object, objects, ok, vm};

fn vm08() -> VmRef {
    VmRef::Name("vm08".into())
}

async fn refused_with(name: &str) -> Error {
    let host = Host::esxi().await;
    host.on("AcquireTicket", fault(name));
    host.client().ticket(&vm08()).await.unwrap_err()
}

#[tokio::test]
async fn error_names_the_power_state() {
    let error = refused_with("powered-off").await;
    assert!(
        matches!(&error, Error::InvalidPowerState { vm, state: Some(Power::Off) } if vm == "vm08"),
        "{error:?}"
    );
    assert_eq!(error.to_string(), "vm08 is powered off: switch it on first");
    let error = refused_with("suspended").await;
    assert_eq!(error.to_string(), "vm08 is suspended: switch it on first");
}

#[tokio::test]
async fn invalid_state_fault_is_explained_by_the_power_state() {
    let host = Host::esxi().await;
    host.on("AcquireTicket", fault("invalid-state"));
    let on = ok(objects(&vm("7", "vm08", "poweredOn")));
    let off = ok(objects(&vm("7", "vm08", "poweredOff")));
    host.script_of("RetrievePropertiesEx", [on.clone(), off]);
    let error = host.client().ticket(&vm08()).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::InvalidPowerState {
                state: Some(Power::Off),
                ..
            }
        ),
        "{error:?}"
    );

    let gone = ok(objects(
        &vm("7", "vm08", "poweredOn").replace("connected", "disconnected"),
    ));
    host.script_of("RetrievePropertiesEx", [on.clone(), gone]);
    let error = host.client().ticket(&vm08()).await.unwrap_err();
    assert!(matches!(error, Error::HostDisconnected { .. }), "{error:?}");

    host.on("RetrievePropertiesEx", on);
    let error = host.client().ticket(&vm08()).await.unwrap_err();
    assert!(
        matches!(&error, Error::InvalidState { message, .. } if message.contains("not allowed")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_missing_privilege_is_named_with_the_vm() {
    let error = refused_with("no-permission-7.0").await;
    assert_eq!(
        error.to_string(),
        "root lacks the privilege VirtualMachine.Interact.ConsoleInteract on vm08: give it a role that has it"
    );
}

#[tokio::test]
async fn missing_privileges_are_named_with_their_object() {
    let host = Host::vcenter().await;
    host.on("AcquireTicket", fault("no-permission-8.0"));
    let folder = object("Folder", "group-v3", &[("name", "Lab%2f1")]);
    host.script_of(
        "RetrievePropertiesEx",
        [
            ok(objects(&vm("vm-7", "vm08", "poweredOn"))),
            ok(objects(&folder)),
        ],
    );
    let error = host.client().ticket(&vm08()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "root lacks the privilege System.View, VirtualMachine.Interact.ConsoleInteract on Lab/1: give it a role that has it"
    );
}

#[tokio::test]
async fn other_faults_map_to_their_own_errors() {
    let error = refused_with("connection-limit").await;
    assert!(
        matches!(error, Error::ConnectionLimit { limit: Some(1), .. }),
        "{error:?}"
    );
    let error = refused_with("not-supported").await;
    assert!(matches!(error, Error::NotSupported { .. }), "{error:?}");
    let error = refused_with("host-not-connected").await;
    assert!(matches!(error, Error::HostDisconnected { .. }), "{error:?}");
    let error = refused_with("licence").await;
    assert!(matches!(error, Error::Licence { .. }), "{error:?}");
    let error = refused_with("task-in-progress").await;
    assert!(
        matches!(&error, Error::Busy { vm, .. } if vm == "vm08"),
        "{error:?}"
    );
    assert!(!error.to_string().contains('\n'), "{error}");
}

#[tokio::test]
async fn deleted_vm_is_looked_up_once_more() {
    let host = Host::esxi().await;
    let client = host.client();
    client.ticket(&vm08()).await.unwrap();
    host.forget();
    host.on(
        "RetrievePropertiesEx",
        ok(objects(&vm("9", "vm08", "poweredOn"))),
    );
    host.script_of(
        "AcquireTicket",
        [
            fault("managed-object-not-found"),
            ok(fixture("ticket-bare")),
        ],
    );
    let ticket = client.ticket(&vm08()).await.unwrap();
    assert_eq!(ticket.vm().moref, "9");
    assert_eq!(
        host.methods(),
        ["AcquireTicket", "RetrievePropertiesEx", "AcquireTicket"]
    );
}

#[tokio::test]
async fn vm_that_is_not_found_again_is_no_such_vm() {
    let host = Host::esxi().await;
    let client = host.client();
    client.ticket(&vm08()).await.unwrap();
    host.on("RetrievePropertiesEx", ok(objects("")));
    host.on("AcquireTicket", fault("managed-object-not-found"));
    let error = client.ticket(&vm08()).await.unwrap_err();
    assert!(
        matches!(&error, Error::NoSuchVm { what, .. } if what == "vm08"),
        "{error:?}"
    );
}

#[tokio::test]
async fn ticket_waits_for_a_vm_that_is_being_created() {
    let host = Host::esxi().await;
    let not_yet = fault("managed-object-not-found");
    host.script_of(
        "AcquireTicket",
        [not_yet.clone(), not_yet, ok(fixture("ticket-bare"))],
    );
    host.client().ticket(&vm08()).await.unwrap();
    assert_eq!(host.count("AcquireTicket"), 3);
}

#[tokio::test]
async fn vm_that_is_never_created_is_an_error_before_the_deadline() {
    let host = Host::esxi().await;
    let client = host.client();
    // Logged in, and the VM known: within the deadline there is one call.
    client.ticket(&vm08()).await.unwrap();
    host.on("AcquireTicket", fault("managed-object-not-found"));
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_millis(900);
    let error = client.ticket_before(&vm08(), deadline).await.unwrap_err();
    assert!(
        matches!(&error, Error::InvalidState { message, .. } if message.contains("completely created")),
        "{error:?}"
    );
    assert!(tokio::time::Instant::now() < deadline);
}

#[tokio::test]
async fn connection_limit_error_names_the_connected_users() {
    let host = Host::esxi().await;
    host.on("AcquireTicket", fault("connection-limit"));
    host.on("QueryConnections", ok(fixture("connections")));
    let client = host.client();
    let error = client.ticket(&vm08()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "vm08 has all its console connections in use (1): close one of these: LAB\\ann from 192.0.2.77, bob"
    );
    let connections = client.connections(&vm08()).await.unwrap();
    assert_eq!(connections.len(), 2);
    assert_eq!(connections[0].client, "192.0.2.77");
    host.on("QueryConnections", fault("powered-off"));
    let error = client.connections(&vm08()).await.unwrap_err();
    assert!(
        matches!(error, Error::InvalidPowerState { .. }),
        "{error:?}"
    );
}
