//! ESXi ends first.

use crate::support::esxi::{Esxi, HostConnection};
use crate::support::frame::{self, BINARY, CONTINUATION, Frame, PING, TEXT};
use crate::support::pattern::Pattern;
use crate::support::testbed::{Setup, Testbed};
use crate::support::viewer::Viewer;
use crate::support::within;

/// More than all buffers between the two peers hold.
const LONG: usize = 24 << 20;

async fn testbed() -> (Esxi, Testbed) {
    let esxi = Esxi::start().await;
    let testbed = Setup::default().with_console_host(&esxi).start().await;
    (esxi, testbed)
}

/// Reads to FIN and checks that the data was the pattern's first [`LONG`] bytes.
async fn assert_receives_long(viewer: &mut Viewer) {
    let got = viewer.rest().await;
    assert_eq!(got.len(), LONG);
    Pattern::new(1).check(&got);
}

async fn send_long(connection: &mut HostConnection) {
    let bytes = Pattern::new(1).take_long(LONG);
    for message in bytes.chunks(3 << 20) {
        connection.send_binary(message).await;
    }
}

/// What a host does after its Close.
#[derive(Debug, Clone, Copy)]
enum AfterClose {
    Nothing,
    CloseNotifyAndFin,
    FinAlone,
}

#[tokio::test]
async fn all_bytes_before_a_close_arrive_whatever_follows_it() {
    within(async {
        let (esxi, testbed) = testbed().await;
        for after in [
            AfterClose::Nothing,
            AfterClose::CloseNotifyAndFin,
            AfterClose::FinAlone,
        ] {
            let (mut viewer, mut connection) = esxi.session(&testbed).await;
            let hosting = async {
                send_long(&mut connection).await;
                connection.send(&frame::close(1000, "")).await;
                match after {
                    AfterClose::Nothing => {}
                    AfterClose::CloseNotifyAndFin => connection.finish().await,
                    AfterClose::FinAlone => connection.finish_without_close_notify().await,
                }
                let answer = connection.frame().await;
                assert_eq!(answer, Some(Frame::close(1000)), "{after:?}");
                connection.reader.expect_end().await;
            };
            tokio::join!(hosting, assert_receives_long(&mut viewer));
        }
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn all_bytes_before_fin_without_close_arrive() {
    within(async {
        let (esxi, testbed) = testbed().await;
        for after in [AfterClose::CloseNotifyAndFin, AfterClose::FinAlone] {
            let (mut viewer, mut connection) = esxi.session(&testbed).await;
            let hosting = async {
                send_long(&mut connection).await;
                match after {
                    AfterClose::FinAlone => connection.finish_without_close_notify().await,
                    _ => connection.finish().await,
                }
                // The gateway may send a Close and nothing else.
                while let Some(frame) = connection.frame().await {
                    assert_eq!(frame.opcode, frame::CLOSE, "{after:?}");
                }
            };
            tokio::join!(hosting, assert_receives_long(&mut viewer));
        }
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn incomplete_frame_is_delivered_as_far_as_received() {
    within(async {
        let (esxi, testbed) = testbed().await;
        let (mut viewer, mut connection) = esxi.session(&testbed).await;
        let message = frame::whole(BINARY, &Pattern::new(2).take_long(100_000));
        connection.send(&message[..60_010]).await;
        connection.finish().await;
        let got = viewer.rest().await;
        assert_eq!(got.len(), 60_000);
        Pattern::new(2).check(&got);
        drop((viewer, connection));
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn reset_by_the_host_closes_the_viewer_with_fin() {
    within(async {
        let (esxi, testbed) = testbed().await;
        let (mut viewer, mut connection) = esxi.session(&testbed).await;
        connection.send_binary(b"the last words").await;
        assert_eq!(viewer.bytes(14).await, b"the last words");
        connection.reset();
        assert!(viewer.rest().await.is_empty());
        drop(viewer);
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn close_is_echoed_with_its_code() {
    within(async {
        let (esxi, testbed) = testbed().await;
        for (code, reason) in [
            (1000, ""),
            (1001, "powered off"),
            (1011, ""),
            (3000, "é"),
            (4999, "x"),
        ] {
            let (mut viewer, mut connection) = esxi.session(&testbed).await;
            connection.send(&frame::close(code, reason)).await;
            assert_eq!(connection.frame().await, Some(Frame::close(code)));
            connection.reader.expect_end().await;
            assert!(viewer.rest().await.is_empty());
        }
        let (mut viewer, mut connection) = esxi.session(&testbed).await;
        connection.send(&frame::whole(frame::CLOSE, b"")).await;
        assert_eq!(connection.frame().await.unwrap().opcode, frame::CLOSE);
        connection.reader.expect_end().await;
        assert!(viewer.rest().await.is_empty());
        drop((viewer, connection));
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn nothing_after_a_close_is_delivered() {
    within(async {
        let (esxi, testbed) = testbed().await;
        let (mut viewer, mut connection) = esxi.session(&testbed).await;
        let frames = [
            frame::whole(BINARY, b"before"),
            frame::close(1000, ""),
            frame::whole(BINARY, b"after"),
        ];
        connection.send(&frames.concat()).await;
        assert_eq!(viewer.rest().await, b"before");
        assert_eq!(connection.frame().await, Some(Frame::close(1000)));
        drop((viewer, connection));
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn violation_is_closed_with_its_code_after_all_bytes_before_it() {
    // RFC 6455 sections 5.1, 5.2, 5.4, 5.5 and 7.4.
    let violations: [(&str, Vec<u8>, u16); 18] = [
        ("masked", vec![0x82, 0x81, 1, 2, 3, 4, 5], 1002),
        ("RSV1", vec![0xc2, 1, 0], 1002),
        ("RSV2", vec![0xa2, 1, 0], 1002),
        ("RSV3", vec![0x92, 1, 0], 1002),
        ("opcode 3", vec![0x83, 0], 1002),
        ("opcode 11", vec![0x8b, 0], 1002),
        ("half a ping", frame::part(PING, false, b""), 1002),
        ("a ping of 126", frame::whole(PING, &[0; 126]), 1002),
        ("16 bits for 125", vec![0x82, 126, 0, 125], 1002),
        (
            "64 bits for 65535",
            vec![0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff],
            1002,
        ),
        ("top bit", vec![0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], 1002),
        ("continues nothing", frame::whole(CONTINUATION, b"x"), 1002),
        ("text", frame::whole(TEXT, b"hello"), 1003),
        ("begun text", frame::part(TEXT, false, b"hel"), 1003),
        ("half a code", frame::whole(frame::CLOSE, &[3]), 1002),
        ("code 999", frame::close(999, ""), 1002),
        ("code 1005", frame::close(1005, ""), 1002),
        (
            "a reason in Latin-1",
            frame::whole(frame::CLOSE, b"\x03\xe8\xe9"),
            1007,
        ),
    ];
    within(async {
        let (esxi, testbed) = testbed().await;
        for (what, violation, code) in violations {
            let (mut viewer, mut connection) = esxi.session(&testbed).await;
            let after = frame::whole(BINARY, b"after");
            connection
                .send(&[frame::whole(BINARY, b"before"), violation, after].concat())
                .await;
            assert_eq!(viewer.rest().await, b"before", "{what}");
            assert_eq!(connection.frame().await, Some(Frame::close(code)), "{what}");
            connection.reader.expect_end().await;
        }
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn message_inside_a_message_is_a_violation() {
    within(async {
        let (esxi, testbed) = testbed().await;
        let (mut viewer, mut connection) = esxi.session(&testbed).await;
        let frames = [
            frame::part(BINARY, false, b"beg"),
            frame::part(CONTINUATION, false, b"un"),
            frame::whole(BINARY, b"other"),
        ];
        connection.send(&frames.concat()).await;
        assert_eq!(viewer.rest().await, b"begun");
        assert_eq!(connection.frame().await, Some(Frame::close(1002)));
        drop((viewer, connection));
        testbed.end().await;
    })
    .await;
}
