//! Power, firmware, and the privileges for them.

use vsphere::{Error, FIRMWARE_PRIVILEGE, Power, PowerAction};

use crate::support::{
    Host, Reply, envelope, fault, fixture, made, nothing, object, objects, ok, status,
};
use crate::watching::watched_host;

/// The UpdateSet of a task.
fn task(changes: &str) -> Reply {
    ok(envelope(&format!(
        "<WaitForUpdatesExResponse xmlns='urn:vim25'><returnval><version>1</version><filterSet><filter type='PropertyFilter'>f</filter><objectSet><kind>enter</kind><obj type='Task'>task-1</obj>{changes}</objectSet></filterSet></returnval></WaitForUpdatesExResponse>"
    )))
}

fn change(name: &str, value: &str) -> String {
    format!("<changeSet><name>{name}</name><op>assign</op><val>{value}</val></changeSet>")
}

fn task_failed(kind: &str, fields: &str) -> Reply {
    let error = format!(
        "<fault xsi:type='{kind}'>{fields}</fault><localizedMessage>Words of the server.</localizedMessage>"
    );
    task(&[change("info.state", "error"), change("info.error", &error)].concat())
}

fn call_failed(kind: &str, fields: &str) -> Reply {
    status(
        500,
        envelope(&format!(
            "<e:Fault><faultcode>ServerFaultCode</faultcode><faultstring>Words of the server.</faultstring><detail><{kind}Fault xsi:type='{kind}'>{fields}</{kind}Fault></detail></e:Fault>"
        )),
    )
}

/// A host on which every method on a VM begins a task that succeeds.
async fn host() -> Host {
    let host = watched_host().await;
    for method in [
        "PowerOnVM_Task",
        "PowerOffVM_Task",
        "ResetVM_Task",
        "SuspendVM_Task",
        "ReconfigVM_Task",
    ] {
        host.on(method, made(method, "Task", "task-1"));
    }
    host.on("ShutdownGuest", nothing("ShutdownGuest"));
    host.on("WaitForUpdatesEx", task(&change("info.state", "success")));
    host
}

#[tokio::test]
async fn each_action_calls_its_method_and_waits_for_its_task() {
    for (action, method) in [
        (PowerAction::On, "PowerOnVM_Task"),
        (PowerAction::Off, "PowerOffVM_Task"),
        (PowerAction::Reset, "ResetVM_Task"),
        (PowerAction::Suspend, "SuspendVM_Task"),
    ] {
        let host = host().await;
        let running = task(&change("info.state", "running"));
        let done = task(&change("info.state", "success"));
        host.script_of("WaitForUpdatesEx", [running, done]);
        host.client().power("7", action).await.unwrap();
        assert_eq!(host.count(method), 1, "{action:?}");
        assert_eq!(host.count("WaitForUpdatesEx"), 2, "{action:?}");
        assert_eq!(host.count("DestroyPropertyCollector"), 1, "{action:?}");
        let asked = host.asked();
        let call = asked.iter().find(|asked| asked.method == method);
        let body = &call.unwrap().body;
        assert!(
            body.contains("<_this type=\"VirtualMachine\">7</_this>"),
            "{body}"
        );
    }
}

#[tokio::test]
async fn guest_is_asked_to_shut_down_without_a_task() {
    let host = host().await;
    let client = host.client();
    client.power("7", PowerAction::ShutDownGuest).await.unwrap();
    assert_eq!(host.count("ShutdownGuest"), 1);
    assert_eq!(host.count("WaitForUpdatesEx"), 0);
    host.on("ShutdownGuest", call_failed("ToolsUnavailable", ""));
    let refused = client.power("7", PowerAction::ShutDownGuest).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "the guest of vm08 does not run VMware Tools, so it cannot be asked to shut down: start them, or switch the VM off"
    );
}

#[tokio::test]
async fn vm_that_is_on_cannot_be_switched_on() {
    let fields =
        "<requestedState>poweredOn</requestedState><existingState>poweredOn</existingState>";
    // Either the call fails or its task.
    for as_task in [false, true] {
        let host = host().await;
        match as_task {
            true => host.on("WaitForUpdatesEx", task_failed("InvalidPowerState", fields)),
            false => host.on("PowerOnVM_Task", call_failed("InvalidPowerState", fields)),
        }
        let refused = host.client().power("7", PowerAction::On).await;
        let error = refused.unwrap_err();
        assert!(
            matches!(
                &error,
                Error::CannotChangePower {
                    state: Some(Power::On),
                    ..
                }
            ),
            "{error:?}"
        );
        assert_eq!(
            error.to_string(),
            "vm08 cannot be switched on while it is powered on: check its power state"
        );
        assert_eq!(error.code(), "vm-power-state");
        assert_eq!(host.count("PowerOnVM_Task"), 1);
    }
}

#[tokio::test]
async fn missing_privilege_is_named_with_the_vm() {
    let fields = |privilege| {
        format!("<object type='VirtualMachine'>7</object><privilegeId>{privilege}</privilegeId>")
    };
    let host = host().await;
    let client = host.client();
    let denied = fields(PowerAction::Reset.privilege());
    host.on("ResetVM_Task", call_failed("NoPermission", &denied));
    let refused = client.power("7", PowerAction::Reset).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "root lacks the privilege VirtualMachine.Interact.Reset on vm08: give it a role that has it"
    );
    let denied = fields(FIRMWARE_PRIVILEGE);
    host.on("ReconfigVM_Task", call_failed("NoPermission", &denied));
    let refused = client.boot_into_firmware_once("7").await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "root lacks the privilege VirtualMachine.Config.Settings on vm08: give it a role that has it"
    );
}

#[tokio::test]
async fn action_whose_answer_is_lost_is_not_repeated() {
    let host = host().await;
    host.on("ResetVM_Task", status(503, ""));
    let refused = host.client().power("7", PowerAction::Reset).await;
    let error = refused.unwrap_err();
    assert!(
        matches!(error, Error::Http { status: 503, .. }),
        "{error:?}"
    );
    assert_eq!(host.count("ResetVM_Task"), 1);
}

#[tokio::test]
async fn action_begins_once_although_the_session_ends_before_its_task() {
    let host = host().await;
    let updates = host.gate("WaitForUpdatesEx");
    let client = host.client();
    let test = async {
        host.called("WaitForUpdatesEx", 1).await;
        host.expire();
        updates.send(fault("not-authenticated")).await.unwrap();
        let done = task(&change("info.state", "success"));
        updates.send(done).await.unwrap();
    };
    let (done, ()) = tokio::join!(client.power("7", PowerAction::Suspend), test);
    done.unwrap();
    assert_eq!(host.count("SuspendVM_Task"), 1);
    assert_eq!(host.count("Login"), 2);
}

#[tokio::test]
async fn firmware_is_asked_for_by_the_boot_options() {
    let host = host().await;
    host.client().boot_into_firmware_once("7").await.unwrap();
    let asked = host.asked();
    let call = asked.iter().find(|asked| asked.method == "ReconfigVM_Task");
    let body = &call.unwrap().body;
    let spec = "<spec><bootOptions><enterBIOSSetup>true</enterBIOSSetup></bootOptions></spec>";
    assert!(body.contains(spec), "{body}");
    assert_eq!(host.count("WaitForUpdatesEx"), 1);
}

#[tokio::test]
async fn privileges_are_told_in_the_order_of_the_question() {
    let host = host().await;
    let client = host.client();
    let wanted = [
        PowerAction::On.privilege(),
        PowerAction::Reset.privilege(),
        FIRMWARE_PRIVILEGE,
    ];
    let refused = client.may("7", &wanted).await.unwrap_err();
    assert!(matches!(refused, Error::NotSupported { .. }), "{refused:?}");

    let content = fixture("service-content-esxi-7.0");
    let manager = "<authorizationManager type=\"AuthorizationManager\">ha-authmgr</authorizationManager></returnval>";
    let content = content.replacen("</returnval>", manager, 1);
    let host = Host::esxi().await;
    host.on("RetrieveServiceContent", ok(content));
    let key = [("currentSession.key", "52aa-key")];
    let session = object("SessionManager", "ha-sessionmgr", &key);
    host.on("RetrievePropertiesEx", ok(objects(&session)));
    let availability = |privilege: &str, granted: bool| {
        format!(
            "<privAvailability><privId>{privilege}</privId><isGranted>{granted}</isGranted></privAvailability>"
        )
    };
    let told = [
        availability(wanted[2], true),
        availability(wanted[0], true),
        availability(wanted[1], false),
    ];
    host.on(
        "HasPrivilegeOnEntities",
        ok(envelope(&format!(
            "<HasPrivilegeOnEntitiesResponse xmlns='urn:vim25'><returnval><entity type='VirtualMachine'>7</entity>{}</returnval></HasPrivilegeOnEntitiesResponse>",
            told.concat()
        ))),
    );
    let may = host.client().may("7", &wanted).await.unwrap();
    assert_eq!(may, [true, false, true]);
    let asked = host.asked();
    let body = &asked.last().unwrap().body;
    assert!(body.contains("<sessionId>52aa-key</sessionId>"), "{body}");
}
