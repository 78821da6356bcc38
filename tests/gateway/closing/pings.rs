//! Ping of the host is answered (RFC 6455 section 5.5.2).

use super::payload::testbed;
use crate::support::esxi::upgraded;
use crate::support::frame::{self, BINARY, PING, PONG};
use crate::support::viewer::RfbVersion;
use crate::support::within;

#[tokio::test]
async fn ping_is_answered_with_its_payload_and_pong_is_not() {
    within(async {
        let (esxi, testbed) = testbed().await;
        let (viewer, mut connection) = esxi.session(&testbed).await;
        for payload in [&b""[..], b"hello", &[0xff; 125]] {
            connection
                .send(&[frame::whole(PONG, b"unasked"), frame::whole(PING, payload)].concat())
                .await;
            let pong = connection.frame().await.unwrap();
            assert_eq!((pong.opcode, &pong.payload[..]), (PONG, payload));
        }
        drop((viewer, connection));
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn ping_during_the_rfb_handshake_is_answered() {
    within(async {
        let (esxi, testbed) = testbed().await;
        let mut viewer = testbed.viewer().await;
        let hosting = async {
            let mut connection = esxi.connection().await;
            let request = connection.request().await;
            connection
                .send(&[upgraded(&request), frame::whole(PING, b"early")].concat())
                .await;
            let pong = connection.frame().await.unwrap();
            assert_eq!((pong.opcode, &pong.payload[..]), (PONG, &b"early"[..]));
            connection.handshake().await;
        };
        let (verdict, ()) = tokio::join!(viewer.enter(RfbVersion::V3_8, None), hosting);
        verdict.unwrap();
        drop(viewer);
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn ping_and_close_with_the_security_result_are_answered() {
    within(async {
        let (esxi, testbed) = testbed().await;
        let mut slow = 0;
        // Either direction of the relay may be first, so it is repeated.
        for _ in 0..50 {
            let mut viewer = testbed.viewer().await;
            let hosting = async {
                let mut connection = esxi.connection().await;
                let request = connection.request().await;
                connection.send(&upgraded(&request)).await;
                connection
                    .send(&frame::whole(BINARY, b"RFB 003.008\n"))
                    .await;
                connection.bytes(12).await;
                connection.send(&frame::whole(BINARY, &[1, 1])).await;
                connection.bytes(1).await;
                let last = [
                    frame::whole(BINARY, &[0; 4]),
                    frame::whole(PING, b"now"),
                    frame::close(1000, ""),
                ];
                connection.send(&last.concat()).await;
                let pong = connection.frame().await.unwrap();
                // The Close may replace the pending pong: only the latest reply is sent.
                if pong.opcode == PONG {
                    assert_eq!(pong.payload, b"now");
                    assert_eq!(connection.frame().await.unwrap(), frame::Frame::close(1000));
                } else {
                    assert_eq!(pong, frame::Frame::close(1000));
                }
                connection.finish().await;
                connection.reader.expect_end().await;
            };
            let entering = async {
                viewer.enter(RfbVersion::V3_8, None).await.unwrap();
            };
            let begun = tokio::time::Instant::now();
            tokio::join!(entering, hosting);
            slow += usize::from(begun.elapsed() >= std::time::Duration::from_secs(2));
        }
        // Allows for one stall of the machine.
        assert!(slow <= 1, "{slow} waited for what was never sent");
        testbed.end().await;
    })
    .await;
}
