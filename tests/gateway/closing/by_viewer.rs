//! The viewer ends first.

use tokio::io::AsyncWriteExt;

use crate::support::esxi::Esxi;
use crate::support::frame::{self, BINARY, Frame};
use crate::support::house::{House, Plan};
use crate::support::pattern::Pattern;
use crate::support::within;

async fn house() -> (Esxi, House) {
    let esxi = Esxi::start().await;
    let house = Plan::default().leading_to(&esxi).start().await;
    (esxi, house)
}

#[tokio::test]
async fn all_bytes_before_an_end_reach_esxi_and_what_it_still_sends_arrives() {
    within(async {
        let (esxi, house) = house().await;
        let (mut viewer, mut line) = esxi.session(&house).await;
        let sent = Pattern::new(3).take_long(2 << 20);
        let leaving = async {
            viewer.send(&sent).await;
            viewer.stream.shutdown().await.unwrap();
        };
        let (got, close) = tokio::join!(leaving, line.hear.until_close()).1;
        assert_eq!(got.len(), sent.len());
        Pattern::new(3).check(&got);
        assert_eq!(close, Frame::close(1000));
        let late = Pattern::new(4).take_long(200_000);
        line.send_binary(&late).await;
        line.send(&frame::close(1000, "")).await;
        assert!(viewer.rest().await == late, "what came late");
        line.hear.ended().await;
        drop((viewer, line));
        house.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_viewer_that_is_closed_closes_the_console() {
    within(async {
        let (esxi, house) = house().await;
        let (mut viewer, mut line) = esxi.session(&house).await;
        viewer.send(b"bye").await;
        drop(viewer);
        assert_eq!(
            line.hear.until_close().await,
            (b"bye".to_vec(), Frame::close(1000))
        );
        line.send(&frame::close(1000, "")).await;
        line.hear.ended().await;
        house.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_host_that_does_not_answer_the_close_is_not_waited_for() {
    within(async {
        let (esxi, house) = house().await;
        let (viewer, mut line) = esxi.session(&house).await;
        drop(viewer);
        assert_eq!(line.frame().await, Some(Frame::close(1000)));
        line.hear.ended().await;
        house.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_reset_closes_the_console_with_1001() {
    within(async {
        let (esxi, house) = house().await;
        for _ in 0..10 {
            let (viewer, mut line) = esxi.session(&house).await;
            viewer.reset();
            assert_eq!(line.frame().await, Some(Frame::close(1001)));
            line.hear.ended().await;
        }
        house.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_reset_while_a_picture_is_on_its_way_closes_the_console() {
    within(async {
        let (esxi, house) = house().await;
        let picture = frame::whole(BINARY, &Pattern::new(5).take_long(1 << 20));
        for _ in 0..20 {
            let (mut viewer, line) = esxi.session(&house).await;
            let (mut hear, mut write) = line.split();
            let sending = async { while write.write_all(&picture).await.is_ok() {} };
            let leaving = async {
                viewer.bytes(300_000).await;
                viewer.reset();
                let (bytes, close) = hear.until_close().await;
                assert_eq!(close, Frame::close(1001));
                assert!(bytes.is_empty());
                // The rest of the picture is not taken; a reset may be how that is said.
                hear.ended().await;
            };
            tokio::join!(sending, leaving);
        }
        house.end().await;
    })
    .await;
}
