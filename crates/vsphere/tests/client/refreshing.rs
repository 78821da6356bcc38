//! States of watched VMs that are read at once.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::{Instant, timeout};
use vsphere::{ConnectionState, Error, Power};

use crate::support::{Host, Reply, fault, object, objects, ok};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn states(vms: &[(&str, &str)]) -> Reply {
    let vm = |(moref, power): &(&str, &str)| {
        let properties = [
            ("runtime.powerState", *power),
            ("runtime.connectionState", "connected"),
            ("runtime.host", "HostSystem:host-9"),
        ];
        object("VirtualMachine", moref, &properties)
    };
    ok(objects(&vms.iter().map(vm).collect::<String>()))
}

#[tokio::test]
async fn refresh_reports_the_state_to_all_watches_of_the_vm() {
    let host = Host::esxi().await;
    host.on("RetrievePropertiesEx", states(&[("7", "poweredOff")]));
    let client = host.client();
    let (mut first, second) = (client.watch("7"), client.watch("7"));
    client.refresh("7", soon()).await.unwrap();
    let state = first.changed().await;
    assert_eq!(state.power, Some(Power::Off));
    assert_eq!(state.connection, Some(ConnectionState::Connected));
    assert_eq!(state.host_moref.as_deref(), Some("host-9"));
    assert_eq!(second.state(), state);
    let asked = host.asked();
    let read = asked.last().unwrap();
    assert!(read.body.contains(">7</obj>"), "{}", read.body);
    assert_eq!(read.body.matches("<pathSet>").count(), 3, "{}", read.body);
}

#[tokio::test]
async fn vms_that_are_asked_for_during_a_read_share_the_next() {
    let host = Host::esxi().await;
    let client = host.client();
    client.login().await.unwrap();
    let answers = host.gate("RetrievePropertiesEx");
    let names: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    let watches: Vec<_> = names.iter().map(|name| client.watch(name)).collect();
    // Twice each, as with two viewers of each VM.
    let refreshes = names.iter().chain(&names);
    let refreshed = join_all(refreshes.map(|name| client.refresh(name, soon())));
    let answering = async {
        host.called("RetrievePropertiesEx", 1).await;
        answers.send(states(&[("0", "poweredOff")])).await.unwrap();
        host.called("RetrievePropertiesEx", 2).await;
        let rest: Vec<(&str, &str)> = names
            .iter()
            .map(|name| (name.as_str(), "poweredOff"))
            .collect();
        answers.send(states(&rest)).await.unwrap();
    };
    let (refreshed, ()) = tokio::join!(refreshed, answering);
    assert!(refreshed.iter().all(Result::is_ok), "{refreshed:?}");
    assert_eq!(host.count("RetrievePropertiesEx"), 2);
    for watch in watches {
        assert_eq!(watch.state().power, Some(Power::Off));
    }
}

#[tokio::test]
async fn deleted_vm_is_reported_gone_and_the_others_are_read() {
    let host = Host::esxi().await;
    let client = host.client();
    client.login().await.unwrap();
    // The fixture names VM 7.
    let missing = fault("managed-object-not-found");
    host.script_of(
        "RetrievePropertiesEx",
        [states(&[]), missing, states(&[("9", "suspended")])],
    );
    let (gone, other) = (client.watch("7"), client.watch("9"));
    let refreshed = join_all(["8", "7", "9"].map(|name| client.refresh(name, soon())));
    assert!(refreshed.await.iter().all(Result::is_ok));
    assert!(gone.state().gone);
    assert_eq!(other.state().power, Some(Power::Suspended));
}

#[tokio::test]
async fn refresh_ends_at_its_deadline() {
    let host = Host::esxi().await;
    let client = host.client();
    client.login().await.unwrap();
    let _answers = host.gate("RetrievePropertiesEx");
    let until = Instant::now() + Duration::from_millis(200);
    // The second waits for the first.
    let both = join_all(["7", "8"].map(|name| client.refresh(name, until)));
    let ended = timeout(Duration::from_secs(20), both).await.unwrap();
    assert!(
        ended
            .iter()
            .all(|ended| matches!(ended, Err(Error::Timeout { .. }))),
        "{ended:?}"
    );
}
