//! One VM behind several ports, by whatever names they have it.

use esxi_sim::Host;
use gateway::settings::Console;

use crate::support::house::{House, Plan, vm};
use crate::support::viewer::{Dialect, Viewer};
use crate::support::within;

/// vm08 by its name, inventory path, managed object id, instance UUID and BIOS UUID, and another VM.
async fn house(shape: fn(Console) -> Console) -> House {
    let mut plan = Plan {
        shape,
        ..Plan::default()
    };
    plan.host.vms.push(vm("vm09"));
    // Every host of this kind gives its VMs the same ids.
    let host = Host::start(plan.host.clone()).await.unwrap();
    plan.consoles = vec![
        "vm08".into(),
        "/ha-datacenter/vm/vm08".into(),
        format!("moref:{}", host.moref("vm08")),
        format!("instance-uuid:{}", host.instance_uuid("vm08")),
        format!("uuid:{}", host.uuid("vm08")),
        "vm09".into(),
    ];
    plan.limits.max_sessions_per_vm = 2;
    plan.start().await
}

async fn enter(house: &House, port: usize) -> Result<Viewer, String> {
    let mut viewer = Viewer::connect(house.ports[port]).await;
    viewer.enter(Dialect::V3_8, None).await?;
    Ok(viewer)
}

#[tokio::test]
async fn sessions_on_one_vm_count_together_by_whatever_name() {
    within(async {
        let house = house(|console| console).await;
        let mut first = enter(&house, 0).await.unwrap();
        first.init().await;
        let mut second = enter(&house, 1).await.unwrap();
        second.init().await;
        for port in 0..5 {
            let reason = enter(&house, port).await.err().unwrap();
            assert!(reason.starts_with("all 2 sessions of "), "{reason}");
            assert!(reason.ends_with("raise max_sessions_per_vm"), "{reason}");
        }
        enter(&house, 5).await.unwrap().init().await;
        drop(first);
        house
            .host
            .counts_until(|counts| counts.ends.len() == 2)
            .await;
        enter(&house, 4).await.unwrap().init().await;
        drop(second);
        let counts = house.end().await;
        assert_eq!(counts.tickets_issued, 4, "none for those who were refused");
    })
    .await;
}

#[tokio::test]
async fn who_has_the_console_alone_has_it_by_whatever_name() {
    within(async {
        let house = house(|console| Console {
            exclusive: true,
            ..console
        })
        .await;
        let mut other = enter(&house, 5).await.unwrap();
        let desktop = other.init().await;
        for (before, after) in [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)] {
            let mut first = enter(&house, before).await.unwrap();
            first.init().await;
            let mut second = enter(&house, after).await.unwrap();
            // ClientInit: not shared.
            second.send(&[0]).await;
            first.rest().await;
            // So that the next one finds a place.
            drop(second);
        }
        // Who is on another VM has noticed nothing.
        other.picture(&desktop).await;
    })
    .await;
}
