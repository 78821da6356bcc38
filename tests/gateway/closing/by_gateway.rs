//! The gateway ends first.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::support::esxi::{Esxi, HostConnection};
use crate::support::frame::{self, Frame};
use crate::support::testbed::{Setup, Testbed};
use crate::support::viewer::{RfbVersion, Viewer};
use crate::support::within;

async fn testbed(drain_timeout: Duration) -> (Esxi, Testbed) {
    let esxi = Esxi::start().await;
    let mut setup = Setup::default().with_console_host(&esxi);
    setup.limits.drain_timeout = drain_timeout;
    let testbed = setup.start().await;
    (esxi, testbed)
}

/// Checks that bytes are still relayed both ways.
async fn assert_alive(viewer: &mut Viewer, connection: &mut HostConnection) {
    viewer.send(b"up").await;
    assert_eq!(connection.bytes(2).await, b"up");
    connection.send_binary(b"down").await;
    assert_eq!(viewer.bytes(4).await, b"down");
}

async fn assert_ended_by_the_gateway(mut viewer: Viewer, mut connection: HostConnection) {
    assert_eq!(connection.frame().await, Some(Frame::close(1001)));
    connection.send(&frame::close(1001, "")).await;
    connection.reader.expect_end().await;
    assert!(viewer.rest().await.is_empty());
}

/// Waits until the port is closed.
async fn until_closed(testbed: &Testbed) {
    while TcpStream::connect(testbed.ports[0]).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn immediate_shutdown_closes_both_sides_in_order() {
    within(async {
        let (esxi, testbed) = testbed(Duration::from_secs(600)).await;
        let (mut viewer, mut connection) = esxi.session(&testbed).await;
        assert_alive(&mut viewer, &mut connection).await;
        testbed.shutdown.now.cancel();
        assert_ended_by_the_gateway(viewer, connection).await;
        testbed.gateway_ended().await;
        assert_eq!(testbed.end().await.logouts, 1);
    })
    .await;
}

#[tokio::test]
async fn drain_refuses_new_viewers_and_keeps_open_sessions() {
    within(async {
        let (esxi, testbed) = testbed(Duration::from_secs(600)).await;
        let (mut viewer, mut connection) = esxi.session(&testbed).await;
        let (leaving, mut closing) = esxi.session(&testbed).await;
        testbed.shutdown.drain.cancel();
        until_closed(&testbed).await;
        assert_alive(&mut viewer, &mut connection).await;
        drop(leaving);
        assert_eq!(closing.frame().await, Some(Frame::close(1000)));
        drop(closing);
        assert_alive(&mut viewer, &mut connection).await;
        // The second signal ends it at once.
        testbed.shutdown.now.cancel();
        assert_ended_by_the_gateway(viewer, connection).await;
        testbed.gateway_ended().await;
    })
    .await;
}

#[tokio::test]
async fn drain_ends_with_the_last_session() {
    within(async {
        let (esxi, testbed) = testbed(Duration::from_secs(600)).await;
        let (mut viewer, mut connection) = esxi.session(&testbed).await;
        testbed.shutdown.drain.cancel();
        assert_alive(&mut viewer, &mut connection).await;
        drop(viewer);
        assert_eq!(connection.frame().await, Some(Frame::close(1000)));
        drop(connection);
        testbed.gateway_ended().await;
        assert_eq!(testbed.end().await.logouts, 1);
    })
    .await;
}

#[tokio::test]
async fn drain_timeout_ends_remaining_sessions() {
    within(async {
        let (esxi, testbed) = testbed(Duration::from_millis(300)).await;
        let (mut viewer, mut connection) = esxi.session(&testbed).await;
        assert_alive(&mut viewer, &mut connection).await;
        let begun = Instant::now();
        testbed.shutdown.drain.cancel();
        assert_ended_by_the_gateway(viewer, connection).await;
        assert!(begun.elapsed() >= Duration::from_millis(300));
        testbed.gateway_ended().await;
    })
    .await;
}

#[tokio::test]
async fn immediate_shutdown_does_not_wait_for_silent_peers() {
    within(async {
        let (esxi, testbed) = testbed(Duration::from_secs(600)).await;
        let idle = testbed.viewer().await;
        let mut dialling = testbed.viewer().await;
        dialling.exchange_versions(RfbVersion::V3_8.bytes()).await;
        dialling.bytes(2).await;
        dialling.send(&[1]).await;
        let unanswered = esxi.accept().await;
        let (silent, connection) = esxi.session(&testbed).await;
        testbed.shutdown.now.cancel();
        testbed.gateway_ended().await;
        // A failed SecurityResult with its reason.
        let told = dialling.rest().await;
        let reason = String::from_utf8_lossy(told.get(8..).unwrap());
        assert_eq!(told[..4], [0, 0, 0, 1]);
        assert!(
            reason.starts_with("the gateway is shutting down"),
            "{reason}"
        );
        drop((idle, unanswered, silent, connection));
    })
    .await;
}
