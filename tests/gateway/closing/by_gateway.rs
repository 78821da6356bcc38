//! The gateway ends first.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::support::esxi::{Esxi, Line};
use crate::support::frame::{self, Frame};
use crate::support::house::{House, Plan};
use crate::support::viewer::{Dialect, Viewer};
use crate::support::within;

async fn house(drain_timeout: Duration) -> (Esxi, House) {
    let esxi = Esxi::start().await;
    let mut plan = Plan::default().leading_to(&esxi);
    plan.limits.drain_timeout = drain_timeout;
    let house = plan.start().await;
    (esxi, house)
}

/// Checks that bytes still go both ways.
async fn assert_alive(viewer: &mut Viewer, line: &mut Line) {
    viewer.send(b"up").await;
    assert_eq!(line.bytes(2).await, b"up");
    line.send_binary(b"down").await;
    assert_eq!(viewer.bytes(4).await, b"down");
}

async fn assert_ended_by_the_gateway(mut viewer: Viewer, mut line: Line) {
    assert_eq!(line.frame().await, Some(Frame::close(1001)));
    line.send(&frame::close(1001, "")).await;
    line.hear.ended().await;
    assert!(viewer.rest().await.is_empty());
}

/// Waits until nobody listens any more.
async fn until_closed(house: &House) {
    while TcpStream::connect(house.ports[0]).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_end_at_once_closes_both_sides_in_order() {
    within(async {
        let (esxi, house) = house(Duration::from_secs(600)).await;
        let (mut viewer, mut line) = esxi.session(&house).await;
        assert_alive(&mut viewer, &mut line).await;
        house.shutdown.now.cancel();
        assert_ended_by_the_gateway(viewer, line).await;
        house.gateway_ended().await;
        assert_eq!(house.end().await.logouts, 1);
    })
    .await;
}

#[tokio::test]
async fn a_drain_takes_no_new_viewers_and_lets_the_others_go_on() {
    within(async {
        let (esxi, house) = house(Duration::from_secs(600)).await;
        let (mut viewer, mut line) = esxi.session(&house).await;
        let (leaving, mut closing) = esxi.session(&house).await;
        house.shutdown.drain.cancel();
        until_closed(&house).await;
        assert_alive(&mut viewer, &mut line).await;
        drop(leaving);
        assert_eq!(closing.frame().await, Some(Frame::close(1000)));
        drop(closing);
        assert_alive(&mut viewer, &mut line).await;
        // Whoever tells it twice is in a hurry.
        house.shutdown.now.cancel();
        assert_ended_by_the_gateway(viewer, line).await;
        house.gateway_ended().await;
    })
    .await;
}

#[tokio::test]
async fn a_drain_is_over_when_the_last_viewer_has_left() {
    within(async {
        let (esxi, house) = house(Duration::from_secs(600)).await;
        let (mut viewer, mut line) = esxi.session(&house).await;
        house.shutdown.drain.cancel();
        assert_alive(&mut viewer, &mut line).await;
        drop(viewer);
        assert_eq!(line.frame().await, Some(Frame::close(1000)));
        drop(line);
        house.gateway_ended().await;
        assert_eq!(house.end().await.logouts, 1);
    })
    .await;
}

#[tokio::test]
async fn a_drain_ends_whoever_is_left_when_its_time_is_over() {
    within(async {
        let (esxi, house) = house(Duration::from_millis(300)).await;
        let (mut viewer, mut line) = esxi.session(&house).await;
        assert_alive(&mut viewer, &mut line).await;
        let begun = Instant::now();
        house.shutdown.drain.cancel();
        assert_ended_by_the_gateway(viewer, line).await;
        assert!(begun.elapsed() >= Duration::from_millis(300));
        house.gateway_ended().await;
    })
    .await;
}

#[tokio::test]
async fn an_end_at_once_does_not_wait_for_viewers_and_hosts_that_are_silent() {
    within(async {
        let (esxi, house) = house(Duration::from_secs(600)).await;
        let idle = house.viewer().await;
        let mut dialling = house.viewer().await;
        dialling.exchange_versions(Dialect::V3_8.line()).await;
        dialling.bytes(2).await;
        dialling.send(&[1]).await;
        let unanswered = esxi.accept().await;
        let (silent, line) = esxi.session(&house).await;
        house.shutdown.now.cancel();
        house.gateway_ended().await;
        // A SecurityResult, as of any failure.
        let told = dialling.rest().await;
        let reason = String::from_utf8_lossy(told.get(8..).unwrap());
        assert_eq!(told[..4], [0, 0, 0, 1]);
        assert!(reason.starts_with("the gateway ends"), "{reason}");
        drop((idle, unanswered, silent, line));
    })
    .await;
}
