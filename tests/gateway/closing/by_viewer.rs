//! The viewer ends first.

use tokio::io::AsyncWriteExt;

use crate::support::esxi::Esxi;
use crate::support::frame::{self, BINARY, Frame};
use crate::support::pattern::Pattern;
use crate::support::testbed::{Setup, Testbed};
use crate::support::within;

async fn testbed() -> (Esxi, Testbed) {
    let esxi = Esxi::start().await;
    let testbed = Setup::default().with_console_host(&esxi).start().await;
    (esxi, testbed)
}

#[tokio::test]
async fn both_directions_are_drained_after_the_viewers_fin() {
    within(async {
        let (esxi, testbed) = testbed().await;
        let (mut viewer, mut connection) = esxi.session(&testbed).await;
        let sent = Pattern::new(3).take_long(2 << 20);
        let leaving = async {
            viewer.send(&sent).await;
            viewer.stream.shutdown().await.unwrap();
        };
        let (got, close) = tokio::join!(leaving, connection.reader.read_until_close()).1;
        assert_eq!(got.len(), sent.len());
        Pattern::new(3).check(&got);
        assert_eq!(close, Frame::close(1000));
        let late = Pattern::new(4).take_long(200_000);
        connection.send_binary(&late).await;
        connection.send(&frame::close(1000, "")).await;
        assert!(viewer.rest().await == late, "what came late");
        connection.reader.expect_end().await;
        drop((viewer, connection));
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn closing_the_viewer_closes_the_console() {
    within(async {
        let (esxi, testbed) = testbed().await;
        let (mut viewer, mut connection) = esxi.session(&testbed).await;
        viewer.send(b"bye").await;
        drop(viewer);
        assert_eq!(
            connection.reader.read_until_close().await,
            (b"bye".to_vec(), Frame::close(1000))
        );
        connection.send(&frame::close(1000, "")).await;
        connection.reader.expect_end().await;
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn wait_for_the_hosts_close_is_limited() {
    within(async {
        let (esxi, testbed) = testbed().await;
        let (viewer, mut connection) = esxi.session(&testbed).await;
        drop(viewer);
        assert_eq!(connection.frame().await, Some(Frame::close(1000)));
        connection.reader.expect_end().await;
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn reset_by_the_viewer_closes_the_console_with_1001() {
    within(async {
        let (esxi, testbed) = testbed().await;
        for _ in 0..10 {
            let (viewer, mut connection) = esxi.session(&testbed).await;
            viewer.reset();
            assert_eq!(connection.frame().await, Some(Frame::close(1001)));
            connection.reader.expect_end().await;
        }
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn reset_during_an_update_closes_the_console() {
    within(async {
        let (esxi, testbed) = testbed().await;
        let picture = frame::whole(BINARY, &Pattern::new(5).take_long(1 << 20));
        for _ in 0..20 {
            let (mut viewer, connection) = esxi.session(&testbed).await;
            let (mut reader, mut write) = connection.split();
            let sending = async { while write.write_all(&picture).await.is_ok() {} };
            let leaving = async {
                viewer.bytes(300_000).await;
                viewer.reset();
                let (bytes, close) = reader.read_until_close().await;
                assert_eq!(close, Frame::close(1001));
                assert!(bytes.is_empty());
                // The rest of the picture is discarded; the end may be a reset.
                reader.expect_end().await;
            };
            tokio::join!(sending, leaving);
        }
        testbed.end().await;
    })
    .await;
}
