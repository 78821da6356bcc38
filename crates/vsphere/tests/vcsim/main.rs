//! The client against vcsim, govmomi's simulator of vCenter.
//!
//! `VCSIM` names the built program (`main.go` beside this file). Without it, it is built with `go` if there is one; where
//! there is none either, the tests say that they were skipped.
#![cfg(test)]

mod simulator;

use std::{collections::HashSet, sync::Arc, time::Duration};

use secrecy::ExposeSecret;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};
use vsphere::{
    ApiType, Error, Inventory, InventoryChanges, InventoryEvent, InventoryState, Power,
    PowerAction, Vm, VmRef,
};

use simulator::{Simulator, named};

/// Every way of naming that VM.
fn references(vm: &Vm) -> [VmRef; 5] {
    [
        VmRef::Name(vm.name.clone()),
        VmRef::Path(vm.path.clone().unwrap()),
        VmRef::Uuid(vm.uuid.unwrap()),
        VmRef::InstanceUuid(vm.instance_uuid.unwrap()),
        VmRef::Moref(vm.moref.clone()),
    ]
}

#[tokio::test]
async fn every_vm_of_a_large_inventory_is_found_by_every_key() {
    let Some(simulator) = Simulator::start(&["-datacenters=3", "-folders=2", "-vms=40", "-apps=1"])
    else {
        return;
    };
    let client = simulator.client();
    let vms = client.vms().await.unwrap();
    assert!(vms.len() >= 240, "{} VMs", vms.len());
    let paths: HashSet<&str> = vms.iter().map(|vm| vm.path.as_deref().unwrap()).collect();
    assert_eq!(paths.len(), vms.len());
    assert!(paths.contains("/DC0/vm/DC0_H0_VM0"), "{paths:?}");
    assert!(paths.contains("/F0/DC1/vm/F0/DC1_H0_VM0"), "{paths:?}");
    assert!(vms.iter().all(|vm| vm.host.is_some()));
    for vm in vms.iter().step_by(29) {
        for reference in references(vm) {
            let found = client.find(&reference).await.unwrap();
            assert_eq!(found, *vm, "{reference}");
            let ticket = client.ticket(&reference).await.unwrap().into_parts();
            assert_eq!(
                ticket.ticket.expose_secret(),
                format!("ticket-for-{}", vm.moref)
            );
        }
    }
    client.logout().await;
}

#[tokio::test]
async fn esxi_inventory_is_read() {
    let Some(simulator) = Simulator::start(&["-esx"]) else {
        return;
    };
    let client = simulator.client();
    assert_eq!(client.about().await.unwrap().api_type, ApiType::Esxi);
    let vms = client.vms().await.unwrap();
    assert!(!vms.is_empty());
    for vm in &vms {
        assert!(
            vm.path
                .as_deref()
                .unwrap()
                .starts_with("/ha-datacenter/vm/"),
            "{vm:?}"
        );
        for reference in references(vm) {
            assert_eq!(client.find(&reference).await.unwrap(), *vm, "{reference}");
        }
        let ticket = client.ticket(&named(&vm.name)).await.unwrap().into_parts();
        assert_eq!(ticket.from, ApiType::Esxi);
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let Some(simulator) = Simulator::start(&[]) else {
        return;
    };
    let mut settings = simulator.settings();
    settings.password = Some("open sesame".into());
    let error = vsphere::Client::new(settings)
        .unwrap()
        .vms()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::InvalidLogin { .. }), "{error:?}");
}

#[tokio::test]
async fn expired_session_is_renewed_by_every_kind_of_call() {
    let Some(mut simulator) = Simulator::start(&[]) else {
        return;
    };
    let client = simulator.client();
    let vms = client.vms().await.unwrap();
    simulator.command(&["expire"]);
    // The view has gone with the session; this simulator lets property reads through without one.
    assert_eq!(client.vms().await.unwrap(), vms);
    simulator.command(&["expire"]);
    client.ticket(&named("DC0_H0_VM0")).await.unwrap();
    simulator.command(&["expire"]);
    client.ticket(&named("DC0_H0_VM0")).await.unwrap();
    let path = VmRef::Path("/DC0/vm/DC0_H0_VM0".into());
    simulator.command(&["expire"]);
    client.find(&path).await.unwrap();
}

#[tokio::test]
async fn powered_off_vm_error_names_its_state() {
    let Some(mut simulator) = Simulator::start(&[]) else {
        return;
    };
    let client = simulator.client();
    for (word, power) in [("poweredOff", Power::Off), ("suspended", Power::Suspended)] {
        simulator.command(&["power", "DC0_H0_VM0", word]);
        let error = client.ticket(&named("DC0_H0_VM0")).await.unwrap_err();
        assert!(
            matches!(&error, Error::InvalidPowerState { state, .. } if *state == Some(power)),
            "{error:?}"
        );
        assert_eq!(
            client.find(&named("DC0_H0_VM0")).await.unwrap().power,
            power
        );
    }
}

#[tokio::test]
async fn names_with_every_kind_of_character_are_found() {
    let Some(mut simulator) = Simulator::start(&[]) else {
        return;
    };
    let client = simulator.client();
    let name = "a%2fb \"c\" & 'd' <e> 100%25 ü 漢";
    simulator.command(&["rename", "DC0_H0_VM0", name]);
    let shown = "a/b \"c\" & 'd' <e> 100% ü 漢";
    let by_name = client.find(&named(shown)).await.unwrap();
    assert_eq!(by_name.name, shown);
    assert_eq!(
        by_name.path.as_deref(),
        Some(format!("/DC0/vm/{name}").as_str())
    );
    for reference in references(&by_name) {
        assert_eq!(
            client.find(&reference).await.unwrap(),
            by_name,
            "{reference}"
        );
    }
}

#[tokio::test]
async fn ambiguous_name_error_lists_both_paths() {
    let Some(mut simulator) = Simulator::start(&["-folders=1"]) else {
        return;
    };
    let client = simulator.client();
    simulator.command(&["rename", "DC0_H0_VM0", "twin"]);
    simulator.command(&["rename", "DC1_H0_VM0", "twin"]);
    let error = client.ticket(&named("twin")).await.unwrap_err();
    let Error::AmbiguousName { paths, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(paths, ["/DC0/vm/twin", "/F0/DC1/vm/F0/twin"]);
    for path in paths {
        client.ticket(&VmRef::Path(path)).await.unwrap();
    }
}

#[tokio::test]
async fn removed_vm_is_no_such_vm() {
    let Some(mut simulator) = Simulator::start(&[]) else {
        return;
    };
    let client = simulator.client();
    client.ticket(&named("DC0_H0_VM0")).await.unwrap();
    simulator.command(&["remove", "DC0_H0_VM0"]);
    let error = client.ticket(&named("DC0_H0_VM0")).await.unwrap_err();
    assert!(matches!(error, Error::NoSuchVm { .. }), "{error:?}");
}

#[tokio::test]
async fn a_picture_is_taken_by_a_task_and_its_file_removed() {
    for arguments in [&["-folders=1"][..], &["-esx"]] {
        let Some(simulator) = Simulator::start(arguments) else {
            return;
        };
        let client = simulator.client();
        // Such VMs too whose datacenter is in a folder, or who are in a vApp.
        for vm in client.vms().await.unwrap() {
            let picture = client.screenshot(&vm).await.unwrap();
            let expected = format!("\u{1a}\nof {}", vm.moref);
            assert!(picture.png.ends_with(expected.as_bytes()), "{picture:?}");
            let file = format!("] shots of it/{} 50% ü%2f.png", vm.moref);
            assert!(picture.path.ends_with(&file), "{picture:?}");
            assert!(picture.not_removed.is_none(), "{picture:?}");
        }
    }
}

#[tokio::test]
async fn a_task_that_fails_is_told_as_a_call_that_does() {
    let Some(mut simulator) = Simulator::start(&[]) else {
        return;
    };
    let client = simulator.client();
    let vm = client.find(&named("DC0_H0_VM0")).await.unwrap();
    simulator.command(&["power", "DC0_H0_VM0", "suspended"]);
    let error = client.screenshot(&vm).await.unwrap_err();
    assert!(
        matches!(&error, Error::InvalidPowerState { state, .. } if *state == Some(Power::Suspended)),
        "{error:?}"
    );
}

#[tokio::test]
async fn watched_vms_tell_of_power_and_removal() {
    let Some(mut simulator) = Simulator::start(&[]) else {
        return;
    };
    let client = Arc::new(simulator.client());
    let running = Arc::clone(&client);
    let mut background = JoinSet::new();
    background.spawn(async move { running.run().await });
    let one = client.find(&named("DC0_H0_VM0")).await.unwrap();
    let two = client.find(&named("DC0_H0_VM1")).await.unwrap();
    let mut first = client.watch(&one.moref);
    let state = told(&mut first).await;
    assert_eq!((state.power, state.gone), (Some(Power::On), false));
    assert_eq!(state.host_moref, one.host_moref);
    let mut second = client.watch(&two.moref);
    assert_eq!(told(&mut second).await.power, Some(Power::On));
    simulator.command(&["power", "DC0_H0_VM0", "poweredOff"]);
    assert_eq!(told(&mut first).await.power, Some(Power::Off));
    simulator.command(&["remove", "DC0_H0_VM1"]);
    assert!(told(&mut second).await.gone);
    simulator.command(&["expire"]);
    simulator.command(&["power", "DC0_H0_VM0", "suspended"]);
    assert_eq!(told(&mut first).await.power, Some(Power::Suspended));
    simulator.command(&["expire"]);
    simulator.command(&["remove", "DC0_H0_VM0"]);
    assert!(told(&mut first).await.gone);
}

#[tokio::test]
async fn refreshed_vms_tell_of_power_and_removal_without_waiting_for_updates() {
    let Some(mut simulator) = Simulator::start(&[]) else {
        return;
    };
    let client = simulator.client();
    let one = client.find(&named("DC0_H0_VM0")).await.unwrap();
    let two = client.find(&named("DC0_H0_VM1")).await.unwrap();
    let (first, second) = (client.watch(&one.moref), client.watch(&two.moref));
    simulator.command(&["power", "DC0_H0_VM0", "poweredOff"]);
    simulator.command(&["remove", "DC0_H0_VM1"]);
    let deadline = Instant::now() + Duration::from_secs(60);
    let both = tokio::join!(
        client.refresh(&one.moref, deadline),
        client.refresh(&two.moref, deadline)
    );
    both.0.and(both.1).unwrap();
    assert_eq!(first.state().power, Some(Power::Off));
    assert_eq!(first.state().host_moref, one.host_moref);
    assert!(second.state().gone);
}

#[tokio::test]
async fn the_inventory_follows_every_vm() {
    let Some(mut simulator) = Simulator::start(&["-vms=40", "-apps=1"]) else {
        return;
    };
    let client = Arc::new(simulator.client());
    let running = Arc::clone(&client);
    let mut background = JoinSet::new();
    background.spawn(async move { running.run().await });
    let mut reader = client.inventory();
    while !matches!(reader.snapshot().state, InventoryState::Current) {
        changes(&mut reader).await;
    }
    let mut listed: Vec<Vm> = reader
        .snapshot()
        .vms
        .values()
        .map(|vm| vm.vm.clone())
        .collect();
    listed.sort_by(|a, b| a.path.cmp(&b.path));
    // The same with path and host, those in a vApp too, whose inventory path has the vApp.
    assert_eq!(listed, client.vms().await.unwrap());

    simulator.command(&["power", "DC0_H0_VM0", "suspended"]);
    let suspended = changes(&mut reader).await;
    assert_eq!(suspended.changed[0].vm.power, Power::Suspended);
    simulator.command(&["rename", "DC0_H0_VM1", "other"]);
    let renamed = changes(&mut reader).await;
    let path = renamed.changed[0].vm.path.as_deref();
    assert_eq!(path, Some("/DC0/vm/other"));
    simulator.command(&["remove", "other"]);
    let removed = changes(&mut reader).await;
    assert_eq!(removed.removed[0][..], renamed.changed[0].vm.moref[..]);
    simulator.command(&["expire"]);
    simulator.command(&["remove", "DC0_H0_VM0"]);
    let moref = suspended.changed[0].vm.moref.as_str();
    while !changes(&mut reader).await.removed.contains(&moref.into()) {}
}

#[tokio::test]
async fn power_and_firmware_are_changed_by_tasks() {
    let Some(simulator) = Simulator::start(&[]) else {
        return;
    };
    let client = simulator.client();
    let moref = client.find(&named("DC0_H0_VM0")).await.unwrap().moref;
    for (action, power) in [
        (PowerAction::Off, Power::Off),
        (PowerAction::On, Power::On),
        (PowerAction::Reset, Power::On),
        (PowerAction::Suspend, Power::Suspended),
        (PowerAction::On, Power::On),
        (PowerAction::ShutDownGuest, Power::Off),
    ] {
        client.power(&moref, action).await.unwrap();
        let found = client.find(&VmRef::Moref(moref.clone())).await.unwrap();
        assert_eq!(found.power, power, "{action:?}");
    }
    let refused = client.power(&moref, PowerAction::Off).await.unwrap_err();
    assert!(
        matches!(&refused, Error::CannotChangePower { state, .. } if *state == Some(Power::Off)),
        "{refused:?}"
    );
    client.boot_into_firmware_once(&moref).await.unwrap();
}

/// The next changes.
async fn changes(reader: &mut Inventory) -> Arc<InventoryChanges> {
    let event = timeout(Duration::from_secs(60), reader.changed()).await;
    match event.expect("no change is reported") {
        InventoryEvent::Changed(changes) => changes,
        InventoryEvent::Reread => panic!("the reader was too slow"),
    }
}

async fn told(watch: &mut vsphere::Watch) -> vsphere::VmState {
    timeout(Duration::from_secs(60), watch.changed())
        .await
        .unwrap()
}
