//! The viewer has its console again.

use esxi_sim::{Kind, Misbehaviour, Placement, Power, Settings};

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

#[tokio::test]
async fn ticket_that_is_refused_three_times_is_granted_the_fourth_time() {
    within(async {
        let (testbed, mut watching) = session().await;
        let tickets = |counts: &esxi_sim::Counts| counts.calls_of("AcquireTicket");
        let before = tickets(&testbed.host.counts());
        testbed.host.not_created_yet("vm08", 3);
        testbed.host.close_consoles("vm08");
        watching.line().await;
        testbed
            .host
            .counts_until(|counts| tickets(counts) >= before + 4)
            .await;
        watching.current_picture(&testbed).await;
        drop(watching);
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn vcenter_that_is_away_is_waited_for() {
    within(async {
        let (testbed, mut watching) = session().await;
        testbed.host.refuse_sdk(503, u32::MAX);
        testbed.host.close_consoles("vm08");
        watching.line().await;
        // Its text changes with each second.
        watching.other_line().await;
        testbed.host.refuse_sdk(503, 0);
        watching.current_picture(&testbed).await;
        types(&mut watching, &testbed, "back").await;
        drop(watching);
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn host_that_is_lost_again_while_it_is_opened_is_tried_again() {
    within(async {
        let (testbed, mut watching) = session().await;
        let picture = watching.picture.clone();
        let faults = [
            Misbehaviour::AnswerStatus(503),
            Misbehaviour::SilentUpgrade,
            Misbehaviour::CutAfter(1000),
            Misbehaviour::ResetAfter(20_000),
            Misbehaviour::EndWithoutClose { after: 30_000 },
        ];
        for fault in faults {
            testbed.host.misbehave(fault);
        }
        testbed.host.close_consoles("vm08");
        watching.line().await;
        watching.picture_is(&picture).await;
        types(&mut watching, &testbed, "at last").await;
        assert_eq!(testbed.host.typed("vm08"), "at last");
        drop(watching);
        testbed.end().await;
    })
    .await;
}
