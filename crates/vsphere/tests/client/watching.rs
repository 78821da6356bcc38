//! Watched VMs: changes reported by the PropertyCollector.

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;
use vsphere::{ConnectionState, Power, VmState, Watch};

use crate::support::{Host, envelope, fault, made, nothing, ok, running};

pub(crate) async fn watched_host() -> Host {
    let host = Host::esxi().await;
    for (method, kind, id) in [
        (
            "CreatePropertyCollector",
            "PropertyCollector",
            "session[52]pc-1",
        ),
        ("CreateFilter", "PropertyFilter", "session[52]filter-1"),
    ] {
        host.on(method, made(method, kind, id));
    }
    for method in [
        "DestroyPropertyFilter",
        "DestroyPropertyCollector",
        "CancelWaitForUpdates",
    ] {
        host.on(method, nothing(method));
    }
    host
}

fn update(
    version: &str,
    kind: &str,
    moref: &str,
    changes: &[(&str, &str)],
) -> crate::support::Reply {
    let changes: String = changes
        .iter()
        .map(|(name, value)| {
            format!("<changeSet><name>{name}</name><op>assign</op>{value}</changeSet>")
        })
        .collect();
    ok(envelope(&format!(
        "<WaitForUpdatesExResponse xmlns='urn:vim25'><returnval><version>{version}</version><filterSet><filter type='PropertyFilter'>f</filter><objectSet><kind>{kind}</kind><obj type='VirtualMachine'>{moref}</obj>{changes}</objectSet></filterSet></returnval></WaitForUpdatesExResponse>"
    )))
}

async fn next(watch: &mut Watch) -> VmState {
    timeout(Duration::from_secs(20), watch.changed())
        .await
        .unwrap()
}

const ON: (&str, &str) = ("runtime.powerState", "<val>poweredOn</val>");
const OFF: (&str, &str) = ("runtime.powerState", "<val>poweredOff</val>");
const CONNECTED: (&str, &str) = ("runtime.connectionState", "<val>connected</val>");
const HOST_9: (&str, &str) = ("runtime.host", "<val type='HostSystem'>host-9</val>");

#[tokio::test]
async fn watch_reports_states_and_changes() {
    let host = watched_host().await;
    let answers = host.gate("WaitForUpdatesEx");
    let client = Arc::new(host.client());
    let _background = running(&client);
    let mut watch = client.watch("7");
    answers
        .send(update("1", "enter", "7", &[ON, CONNECTED, HOST_9]))
        .await
        .unwrap();
    let state = next(&mut watch).await;
    assert_eq!(state.power, Some(Power::On));
    assert_eq!(state.connection, Some(ConnectionState::Connected));
    assert_eq!(state.host_moref.as_deref(), Some("host-9"));
    // Nothing happened for as long as a wait lasts: the same version is asked again.
    answers
        .send(ok(envelope(
            "<WaitForUpdatesExResponse xmlns='urn:vim25'/>",
        )))
        .await
        .unwrap();
    answers
        .send(update("2", "modify", "7", &[OFF]))
        .await
        .unwrap();
    let state = next(&mut watch).await;
    assert_eq!(state.power, Some(Power::Off));
    assert_eq!(state.host_moref.as_deref(), Some("host-9"));
    answers.send(update("3", "leave", "7", &[])).await.unwrap();
    assert!(next(&mut watch).await.gone);
    // No VM is watched any more.
    host.called("DestroyPropertyCollector", 1).await;
    let asked = host.asked();
    let versions: Vec<&str> = asked
        .iter()
        .filter(|asked| asked.method == "WaitForUpdatesEx")
        .filter_map(|asked| Some(asked.body.split_once("<version>")?.1.split_once('<')?.0))
        .collect();
    assert_eq!(versions, ["", "1", "1", "2"]);
    assert_eq!(host.count("CreateFilter"), 1);
}

#[tokio::test]
async fn another_watch_adds_a_filter_and_restarts_updates() {
    let host = watched_host().await;
    let answers = host.gate("WaitForUpdatesEx");
    let client = Arc::new(host.client());
    let _background = running(&client);
    let mut first = client.watch("7");
    answers
        .send(update("1", "enter", "7", &[ON]))
        .await
        .unwrap();
    next(&mut first).await;
    host.called("WaitForUpdatesEx", 2).await;
    let mut second = client.watch("8");
    host.called("WaitForUpdatesEx", 3).await;
    assert!(
        host.asked()
            .last()
            .unwrap()
            .body
            .contains("<version></version>")
    );
    answers
        .send(update("2", "enter", "8", &[OFF]))
        .await
        .unwrap();
    assert_eq!(next(&mut second).await.power, Some(Power::Off));
    assert_eq!(host.count("CreateFilter"), 2);
    assert_eq!(host.count("CancelWaitForUpdates"), 1);
    // The third watch of the same VM costs nothing and knows at once.
    let mut third = client.watch("8");
    assert_eq!(next(&mut third).await.power, Some(Power::Off));
    assert_eq!(first.state().power, Some(Power::On));
}

#[tokio::test]
async fn last_dropped_watch_destroys_the_collector() {
    let host = watched_host().await;
    let answers = host.gate("WaitForUpdatesEx");
    let client = Arc::new(host.client());
    let _background = running(&client);
    let mut watch = client.watch("7");
    answers
        .send(update("1", "enter", "7", &[ON]))
        .await
        .unwrap();
    next(&mut watch).await;
    drop(watch);
    host.called("DestroyPropertyCollector", 1).await;
}

#[tokio::test]
async fn watch_continues_in_a_new_session_and_after_a_lost_version() {
    let host = watched_host().await;
    let answers = host.gate("WaitForUpdatesEx");
    let client = Arc::new(host.client());
    let _background = running(&client);
    let mut watch = client.watch("7");
    answers
        .send(update("1", "enter", "7", &[ON]))
        .await
        .unwrap();
    next(&mut watch).await;
    answers
        .send(fault("invalid-collector-version"))
        .await
        .unwrap();
    answers
        .send(update("1", "enter", "7", &[OFF]))
        .await
        .unwrap();
    assert_eq!(next(&mut watch).await.power, Some(Power::Off));
    host.called("WaitForUpdatesEx", 4).await;
    host.expire();
    answers.send(fault("not-authenticated")).await.unwrap();
    answers
        .send(update("1", "enter", "7", &[ON]))
        .await
        .unwrap();
    assert_eq!(next(&mut watch).await.power, Some(Power::On));
    assert_eq!(host.count("Login"), 2);
}

#[tokio::test]
async fn watch_of_a_missing_vm_reports_gone() {
    let host = watched_host().await;
    host.on("CreateFilter", fault("managed-object-not-found"));
    let _answers = host.gate("WaitForUpdatesEx");
    let client = Arc::new(host.client());
    let _background = running(&client);
    let mut watch = client.watch("99");
    assert!(next(&mut watch).await.gone);
}
