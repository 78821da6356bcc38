//! One VM behind several ports under different names.

use esxi_sim::Host;
use gateway::settings::ConsoleSettings;

use crate::support::testbed::{Setup, Testbed, vm};
use crate::support::viewer::{RfbVersion, Viewer};
use crate::support::within;

/// vm08 by its name, inventory path, managed object id, instance UUID and BIOS UUID, and another VM.
async fn testbed(customize: fn(ConsoleSettings) -> ConsoleSettings) -> Testbed {
    let mut setup = Setup {
        customize,
        ..Setup::default()
    };
    setup.host.vms.push(vm("vm09"));
    // Every host of this kind assigns its VMs the same ids.
    let host = Host::start(setup.host.clone()).await.unwrap();
    setup.consoles = vec![
        "vm08".into(),
        "/ha-datacenter/vm/vm08".into(),
        format!("moref:{}", host.moref("vm08")),
        format!("instance-uuid:{}", host.instance_uuid("vm08")),
        format!("uuid:{}", host.uuid("vm08")),
        "vm09".into(),
    ];
    setup.limits.max_sessions_per_vm = 2;
    setup.start().await
}

async fn enter(testbed: &Testbed, port: usize) -> Result<Viewer, String> {
    let mut viewer = Viewer::connect(testbed.ports[port]).await;
    viewer.enter(RfbVersion::V3_8, None).await?;
    Ok(viewer)
}

#[tokio::test]
async fn sessions_on_one_vm_count_together_under_all_its_names() {
    within(async {
        let testbed = testbed(|console| console).await;
        let mut first = enter(&testbed, 0).await.unwrap();
        first.init().await;
        let mut second = enter(&testbed, 1).await.unwrap();
        second.init().await;
        for port in 0..5 {
            let mut viewer = Viewer::connect(testbed.ports[port]).await;
            let sentence = viewer.refused(RfbVersion::V3_8, None).await;
            assert!(sentence.starts_with("all 2 sessions of "), "{sentence}");
            assert!(
                sentence.ends_with("raise max_sessions_per_vm"),
                "{sentence}"
            );
        }
        enter(&testbed, 5).await.unwrap().init().await;
        drop(first);
        testbed.sessions_until(1).await;
        enter(&testbed, 4).await.unwrap().init().await;
        drop(second);
        let counts = testbed.end().await;
        assert_eq!(counts.tickets_issued, 4, "none for those who were refused");
    })
    .await;
}

#[tokio::test]
async fn exclusive_access_covers_all_names_of_the_vm() {
    within(async {
        let testbed = testbed(|console| ConsoleSettings {
            exclusive: true,
            ..console
        })
        .await;
        let mut other = enter(&testbed, 5).await.unwrap();
        let desktop = other.init().await;
        for (before, after) in [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)] {
            let mut first = enter(&testbed, before).await.unwrap();
            first.init().await;
            let mut second = enter(&testbed, after).await.unwrap();
            // ClientInit: not shared.
            second.send(&[0]).await;
            first.rest().await;
            drop((first, second));
            testbed.sessions_until(1).await;
        }
        // The session on another VM is unaffected.
        other.picture(&desktop).await;
    })
    .await;
}
