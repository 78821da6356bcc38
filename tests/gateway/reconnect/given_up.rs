//! The console is not waited for any longer.

use std::time::Duration;

use esxi_sim::{Placement, Power, Thumbprint, TicketShape};

use super::watching::{Watching, setup};
use crate::support::testbed::Testbed;
use crate::support::within;

#[tokio::test]
async fn deleted_vm_is_not_waited_for() {
    within(async {
        let testbed = setup().start().await;
        let mut watching = Watching::begin(&testbed).await;
        testbed.host.place("vm08", Placement::Deleted);
        watching.viewer.rest().await;
        let line = watching.viewer.closing_line().await;
        assert_eq!(line.cause, "vm-deleted");
        testbed.end().await;
    })
    .await;
}

/// A testbed whose consoles are waited for `seconds`.
async fn waiting_for(seconds: u64) -> (Testbed, Watching) {
    let mut setup = setup();
    setup.limits.reconnect.reconnect_for = Duration::from_secs(seconds);
    let testbed = setup.start().await;
    let watching = Watching::begin(&testbed).await;
    (testbed, watching)
}

#[tokio::test]
async fn vm_that_stays_off_is_not_waited_for_longer_than_configured() {
    within(async {
        let (testbed, mut watching) = waiting_for(1).await;
        testbed.host.set_power("vm08", Power::Off);
        watching.line().await;
        // The reason is a line, too.
        watching.until_closed().await;
        assert!(watching.shows_line());
        let line = watching.viewer.closing_line().await;
        assert!(
            line.sentence
                .ends_with("was not opened again: it is not back after 1 s"),
            "{}",
            line.sentence
        );
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn refusal_that_does_not_change_ends_the_session_at_once() {
    within(async {
        let (testbed, mut watching) = waiting_for(200).await;
        // The ticket's certificate is another than the host's.
        testbed.host.set_tickets(TicketShape {
            thumbprint: Thumbprint::Wrong,
            ..TicketShape::default()
        });
        testbed.host.close_consoles("vm08");
        watching.until_closed().await;
        let line = watching.viewer.closing_line().await;
        assert!(line.sentence.contains("certificate"), "{}", line.sentence);
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn viewer_that_leaves_while_waiting_ends_its_session() {
    within(async {
        let (testbed, mut watching) = waiting_for(200).await;
        testbed.host.set_power("vm08", Power::Off);
        watching.line().await;
        let line = watching.viewer.closing_line().await;
        assert_eq!(line.ended_by, "viewer");
        testbed.sessions_until(0).await;
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn gateway_that_ends_is_named_to_viewers_that_wait() {
    within(async {
        let (testbed, mut watching) = waiting_for(200).await;
        testbed.host.set_power("vm08", Power::Off);
        watching.line().await;
        testbed.shutdown.now.cancel();
        watching.until_closed().await;
        let line = watching.viewer.closing_line().await;
        assert_eq!(line.ended_by, "gateway");
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn max_session_time_holds_while_waiting() {
    within(async {
        let mut setup = setup();
        setup.limits.max_session_time = Some(Duration::from_secs(2));
        let testbed = setup.start().await;
        let mut watching = Watching::begin(&testbed).await;
        testbed.host.set_power("vm08", Power::Off);
        watching.until_closed().await;
        let line = watching.viewer.closing_line().await;
        assert_eq!(line.sentence, "max_session_time has passed");
        testbed.end().await;
    })
    .await;
}
