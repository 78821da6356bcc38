//! Viewers that log in while their VM has no console.

use std::time::Duration;

use esxi_sim::{Power, Screen, VmSettings};

use super::watching::{Watching, setup};
use crate::support::testbed::{Setup, Testbed};
use crate::support::within;

/// A VM that is off, whose screen has the size of the one that stands for it.
async fn testbed(vm: VmSettings) -> Testbed {
    let setup = setup();
    let mut limits = setup.limits;
    limits.reconnect.wait = true;
    limits.reconnect.ask_power_on = true;
    let screen = Screen::Desktop {
        width: 720,
        height: 400,
    };
    let host = esxi_sim::Settings {
        vms: vec![VmSettings {
            power: Power::Off,
            screen,
            ..vm
        }],
        ..setup.host
    };
    Setup {
        host,
        limits,
        ..setup
    }
    .start()
    .await
}

/// Waits until the VM has its console, and a text that is typed arrives.
async fn has_its_console(watching: &mut Watching, testbed: &Testbed) {
    watching.current_picture(testbed).await;
    watching.viewer.type_text("here").await;
    testbed
        .host
        .typed_until("vm08", |typed| typed == "here")
        .await;
}

#[tokio::test]
async fn viewer_waits_on_an_empty_screen_until_the_vm_is_on() {
    within(async {
        let testbed = testbed(VmSettings::desktop("vm08")).await;
        let mut watching = Watching::begin(&testbed).await;
        assert!(watching.picture.iter().all(|byte| *byte == 0));
        watching.line().await;
        testbed.host.set_power("vm08", Power::On);
        has_its_console(&mut watching, &testbed).await;
        drop(watching);
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn enter_powers_the_vm_on_once_the_line_has_offered_it() {
    within(async {
        let testbed = testbed(VmSettings::desktop("vm08")).await;
        let mut watching = Watching::begin(&testbed).await;
        watching.line().await;
        // Typed before the line could be read: not meant.
        watching.viewer.type_text("\n").await;
        watching.other_line().await;
        assert_eq!(testbed.host.counts().calls_of("PowerOnVM_Task"), 0);
        while testbed.host.counts().calls_of("PowerOnVM_Task") == 0 {
            watching.viewer.type_text("\n").await;
            watching.update().await;
        }
        has_its_console(&mut watching, &testbed).await;
        assert_eq!(testbed.host.counts().calls_of("PowerOnVM_Task"), 1);
        drop(watching);
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn enter_does_nothing_where_the_account_lacks_the_privilege() {
    within(async {
        let testbed = testbed(VmSettings {
            denied_privileges: vec!["VirtualMachine.Interact.PowerOn".into()],
            ..VmSettings::desktop("vm08")
        })
        .await;
        let mut watching = Watching::begin(&testbed).await;
        watching.line().await;
        for _ in 0..3 {
            watching.other_line().await;
        }
        watching.viewer.type_text("\n").await;
        watching.other_line().await;
        watching.other_line().await;
        assert_eq!(testbed.host.counts().calls_of("PowerOnVM_Task"), 0);
        testbed.host.set_power("vm08", Power::On);
        has_its_console(&mut watching, &testbed).await;
        drop(watching);
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn without_wait_a_viewer_is_refused() {
    within(async {
        let testbed = setup().start().await;
        testbed.host.set_power("vm08", Power::Off);
        let refused = testbed.log_in(None).await.unwrap_err();
        assert!(refused.starts_with("the VM is powered off"), "{refused}");
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn waiting_time_of_an_arrival_ends_with_its_reason() {
    within(async {
        let setup = setup();
        let mut limits = setup.limits;
        limits.reconnect.wait = true;
        limits.reconnect.reconnect_for = Duration::from_secs(1);
        let testbed = Setup { limits, ..setup }.start().await;
        testbed.host.set_power("vm08", Power::Off);
        let mut watching = Watching::begin(&testbed).await;
        watching.until_closed().await;
        let line = watching.viewer.closing_line().await;
        assert_eq!(line.cause, "vm-powered-off");
        testbed.end().await;
    })
    .await;
}
