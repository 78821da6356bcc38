//! The inventory and power against the simulated host.
#![cfg(test)]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use esxi_sim::{Host, Kind, Placement, VmSettings};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use tokio::{task::JoinSet, time::timeout};
use vsphere::{
    Client, Error, FIRMWARE_PRIVILEGE, Inventory, InventoryChanges, InventoryEvent, InventoryState,
    Power, PowerAction, Settings,
};

/// A vCenter with these VMs; their consoles are not used.
async fn vcenter(vms: Vec<VmSettings>) -> Host {
    Host::start(esxi_sim::Settings {
        vms,
        kind: Kind::VCenter,
        ..esxi_sim::Settings::default()
    })
    .await
    .unwrap()
}

fn vm(name: &str) -> VmSettings {
    VmSettings {
        folder: Some("web".into()),
        guest_host_name: Some(format!("{name}.example")),
        ..VmSettings::bridge(name, SocketAddr::from(([127, 0, 0, 1], 9)))
    }
}

fn client(host: &Host) -> Arc<Client> {
    let mut roots = rustls::RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(host.certificate_pem().as_bytes());
    roots.add(certificate.unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let settings = Settings {
        name: "lab".into(),
        url: format!("https://{}/sdk", host.address()).parse().unwrap(),
        username: "root".into(),
        password: Some(esxi_sim::DEMO_PASSWORD.into()),
        sessions: None,
        tls,
        proxy: None,
    };
    Arc::new(Client::new(settings).unwrap())
}

fn running(client: &Arc<Client>) -> JoinSet<()> {
    let client = Arc::clone(client);
    let mut background = JoinSet::new();
    background.spawn(async move { client.run().await });
    background
}

async fn next(reader: &mut Inventory) -> Arc<InventoryChanges> {
    let event = timeout(Duration::from_secs(120), reader.changed()).await;
    match event.expect("no change is reported") {
        InventoryEvent::Changed(changes) => changes,
        InventoryEvent::Reread => panic!("the reader was too slow"),
    }
}

/// A reader that has the whole inventory.
async fn reader(client: &Client) -> Inventory {
    let mut reader = client.inventory();
    while !matches!(reader.snapshot().state, InventoryState::Current) {
        next(&mut reader).await;
    }
    reader
}

#[tokio::test]
async fn inventory_of_5000_vms_follows_every_kind_of_change() {
    let names = (0..5000).map(|number| format!("vm{number:04}"));
    let host = vcenter(names.map(|name| vm(&name)).collect()).await;
    host.place("vm0007", Placement::Deleted);
    let client = client(&host);
    let _background = running(&client);
    let mut reader = reader(&client).await;
    let snapshot = reader.snapshot();
    assert_eq!(snapshot.vms.len(), 4999);
    // Ten answers of at most 500 objects, and the wait that is pending.
    assert!(host.counts().calls_of("WaitForUpdatesEx") >= 10);
    let moref = host.moref("vm0001");
    let first = &snapshot.vms[moref.as_str()];
    assert_eq!(first.vm.path.as_deref(), Some("/DC/vm/web/vm0001"));
    assert_eq!(first.guest_host_name.as_deref(), Some("vm0001.example"));

    host.place("vm0007", Placement::FirstHost);
    assert_eq!(next(&mut reader).await.added[0].vm.name, "vm0007");
    host.rename("vm0001", "a/b");
    let renamed = next(&mut reader).await;
    let path = renamed.changed[0].vm.path.as_deref();
    assert_eq!(path, Some("/DC/vm/web/a%2fb"));
    host.place("vm0001", Placement::OtherHost);
    let moved = next(&mut reader).await;
    assert_ne!(moved.changed[0].vm.host_moref, first.vm.host_moref);
    host.set_power("vm0001", esxi_sim::Power::Suspended);
    let suspended = next(&mut reader).await;
    assert_eq!(suspended.changed[0].vm.power, Power::Suspended);
    host.place("vm0001", Placement::Deleted);
    assert_eq!(next(&mut reader).await.removed, [moref.as_str().into()]);

    host.expire_sessions();
    host.place("vm0002", Placement::Deleted);
    host.rename("vm0003", "other");
    let (mut removed, mut renamed) = (Vec::new(), Vec::new());
    while removed.is_empty() || renamed.is_empty() {
        let changes = next(&mut reader).await;
        removed.extend(changes.removed.iter().cloned());
        renamed.extend(changes.changed.iter().map(|vm| vm.vm.name.clone()));
    }
    assert_eq!(removed, [host.moref("vm0002").as_str().into()]);
    assert_eq!(renamed, ["other"]);
    assert_eq!(host.counts().logins, 2);
    host.stop().await;
}

#[tokio::test]
async fn each_action_changes_the_power_which_the_inventory_reports() {
    let host = vcenter(vec![vm("vm08")]).await;
    let client = client(&host);
    let _background = running(&client);
    let mut reader = reader(&client).await;
    let moref = host.moref("vm08");
    for (action, power) in [
        (PowerAction::Suspend, Power::Suspended),
        (PowerAction::On, Power::On),
        (PowerAction::Off, Power::Off),
        (PowerAction::On, Power::On),
        (PowerAction::ShutDownGuest, Power::Off),
    ] {
        client.power(&moref, action).await.unwrap();
        let changes = next(&mut reader).await;
        assert_eq!(changes.changed[0].vm.power, power, "{action:?}");
    }
    for action in [
        PowerAction::Off,
        PowerAction::Reset,
        PowerAction::ShutDownGuest,
        PowerAction::Suspend,
    ] {
        let refused = client.power(&moref, action).await.unwrap_err();
        assert!(
            matches!(
                &refused,
                Error::CannotChangePower {
                    state: Some(Power::Off),
                    ..
                }
            ),
            "{refused:?}"
        );
    }
    client.power(&moref, PowerAction::On).await.unwrap();
    let refused = client.power(&moref, PowerAction::On).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "vm08 cannot be switched on while it is powered on: check its power state"
    );
    host.stop().await;
}

#[tokio::test]
async fn firmware_is_entered_once() {
    let host = vcenter(vec![vm("vm08")]).await;
    let client = client(&host);
    let moref = host.moref("vm08");
    client.boot_into_firmware_once(&moref).await.unwrap();
    client.power(&moref, PowerAction::Reset).await.unwrap();
    assert!(host.entered_firmware("vm08"));
    client.power(&moref, PowerAction::Reset).await.unwrap();
    assert!(!host.entered_firmware("vm08"));
    host.stop().await;
}

#[tokio::test]
async fn missing_privileges_are_told_before_and_after() {
    let reset = PowerAction::Reset.privilege();
    let limited = VmSettings {
        denied_privileges: vec![reset.into(), FIRMWARE_PRIVILEGE.into()],
        ..vm("vm08")
    };
    let host = vcenter(vec![limited]).await;
    let client = client(&host);
    let moref = host.moref("vm08");
    let wanted = [reset, PowerAction::Off.privilege(), FIRMWARE_PRIVILEGE];
    let may = client.may(&moref, &wanted).await.unwrap();
    assert_eq!(may, [false, true, false]);
    let refused = client.power(&moref, PowerAction::Reset).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "root lacks the privilege VirtualMachine.Interact.Reset on vm08: give it a role that has it"
    );
    let refused = client.boot_into_firmware_once(&moref).await.unwrap_err();
    assert!(matches!(refused, Error::NoPermission { .. }), "{refused:?}");
    host.stop().await;
}
