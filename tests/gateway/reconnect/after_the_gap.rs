//! The viewer has its console again.

use esxi_sim::{Kind, Placement, Power, Settings};

use super::watching::{Watching, setup};
use crate::support::testbed::{Setup, Testbed};
use crate::support::within;

/// A vCenter with two hosts, and a viewer that waits for updates.
async fn session() -> (Testbed, Watching) {
    let setup = setup();
    let testbed = Setup {
        host: Settings {
            kind: Kind::VCenter,
            ..setup.host
        },
        ..setup
    }
    .start()
    .await;
    let watching = Watching::begin(&testbed).await;
    testbed
        .host
        .counts_until(|counts| counts.calls_of("WaitForUpdatesEx") >= 2)
        .await;
    (testbed, watching)
}

/// Types a text, which arrives once.
async fn types(watching: &mut Watching, testbed: &Testbed, text: &str) {
    watching.viewer.type_text(text).await;
    let typed = |typed: &str| typed.ends_with(text);
    testbed.host.typed_until("vm08", typed).await;
}

#[tokio::test]
async fn console_that_its_host_closes_is_opened_again() {
    within(async {
        let (testbed, mut watching) = session().await;
        for text in ["one", "two", "three"] {
            types(&mut watching, &testbed, text).await;
            testbed.host.close_consoles("vm08");
            watching.line().await;
            watching.current_picture(&testbed).await;
        }
        types(&mut watching, &testbed, "four").await;
        assert_eq!(testbed.host.typed("vm08"), "onetwothreefour");
        assert!(testbed.host.keys_down("vm08").is_empty());
        drop(watching);
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn vm_that_is_off_is_waited_for_without_a_call() {
    within(async {
        let (testbed, mut watching) = session().await;
        testbed.host.set_power("vm08", Power::Off);
        watching.line().await;
        testbed.host.set_power("vm08", Power::On);
        watching.current_picture(&testbed).await;
        types(&mut watching, &testbed, "on").await;
        drop(watching);
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn vm_that_moves_is_followed_to_its_host() {
    within(async {
        let (testbed, mut watching) = session().await;
        testbed.host.place("vm08", Placement::OtherHost);
        watching.line().await;
        watching.current_picture(&testbed).await;
        types(&mut watching, &testbed, "moved").await;
        drop(watching);
        testbed.end().await;
    })
    .await;
}
