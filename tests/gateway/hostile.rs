//! Malicious and misdirected peers: they consume little and affect no other session.

use std::time::Duration;

use futures::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::support::esxi::Esxi;
use crate::support::frame;
use crate::support::pattern::Pattern;
use crate::support::testbed::{PASSWORD, Setup, Testbed};
use crate::support::viewer::{RfbVersion, Viewer};
use crate::support::within;

const GREETING: &[u8] = b"RFB 003.008\n";

/// A write without progress for this long is blocked: all buffers on the way are full.
const BLOCKED: Duration = Duration::from_millis(700);

/// More than the kernel's buffers of two connections hold, and far more than the gateway may buffer.
const ALL_BUFFERS: u64 = 48 << 20;

async fn assert_serves(testbed: &Testbed) {
    testbed.viewer().await.open().await;
}

/// Writes the pattern until the write blocks, checks that this happens within [`ALL_BUFFERS`], and returns how much was taken.
async fn fill(pattern: &mut Pattern, stream: &mut (impl AsyncWrite + Unpin)) -> u64 {
    let mut taken = 0;
    loop {
        let piece = pattern.take(32 * 1024).to_vec();
        let mut rest = &piece[..];
        while !rest.is_empty() {
            match timeout(BLOCKED, stream.write(rest)).await {
                Ok(written) => rest = &rest[written.unwrap()..],
                Err(_) => return taken + (piece.len() - rest.len()) as u64,
            }
        }
        taken += piece.len() as u64;
        assert!(taken <= ALL_BUFFERS, "it is held by the gateway");
    }
}

#[tokio::test]
async fn other_protocols_are_disconnected() {
    within(async {
        let testbed = Testbed::new().await;
        let openings: [&[u8]; 8] = [
            b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"\x03\x00\x00\x13\x0e\xe0\x00\x00",
            b"RFB 003.008\r",
            b"RFB 003,008\n",
            b"RFB 002.000\n",
            b"\0",
        ];
        for opening in openings {
            let mut peer = testbed.viewer().await;
            peer.send(opening).await;
            assert_eq!(peer.rest().await, GREETING, "{}", opening.escape_ascii());
        }
        assert_eq!(testbed.host.counts().connections, 0);
        assert_serves(&testbed).await;
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn endless_version_line_is_not_read_to_its_end() {
    within(async {
        let testbed = Testbed::new().await;
        let peer = testbed.viewer().await;
        let (mut read, mut write) = peer.stream.into_split();
        let talking = async {
            write.write_all(b"RFB 003.").await.unwrap();
            let digits = [b'0'; 4096];
            while write.write_all(&digits).await.is_ok() {}
        };
        let listening = async {
            let mut received = Vec::new();
            // The end may be a reset, since more was sent than was read.
            let _ = read.read_to_end(&mut received).await;
            assert_eq!(received, GREETING);
        };
        tokio::join!(talking, listening);
        assert_eq!(testbed.host.counts().connections, 0);
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn silent_viewer_is_disconnected_after_the_login_timeout() {
    within(async {
        let testbed = Setup::default()
            .with_short_timeouts()
            .with_password()
            .start()
            .await;
        let beginnings: [(&[u8], &[u8]); 5] = [
            (b"", b""),
            (b"R", b""),
            (b"RFB 003.008\n", b"\x01\x02"),
            (b"RFB 003.003\n", b"\0\0\0\x02"),
            (b"RFB 003.008\n\x02half", b"\x01\x02"),
        ];
        join_all(beginnings.map(async |(said, owed)| {
            let mut peer = testbed.viewer().await;
            peer.send(said).await;
            let received = peer.rest().await;
            let expected = [GREETING, owed].concat();
            assert!(
                received.starts_with(&expected),
                "{}",
                received.escape_ascii()
            );
        }))
        .await;
        assert_eq!(testbed.end().await.connections, 0);
    })
    .await;
}

#[tokio::test]
async fn security_type_that_was_not_offered_is_refused() {
    within(async {
        let testbed = Setup::default().with_password().start().await;
        for choice in [0, 1, 3, 5, 16, 19, 255] {
            for version in [RfbVersion::V3_7, RfbVersion::V3_8] {
                let mut peer = testbed.viewer().await;
                peer.exchange_versions(version.bytes()).await;
                assert_eq!(peer.bytes(2).await, [1, 2]);
                peer.send(&[choice]).await;
                let received = peer.rest().await;
                match version {
                    RfbVersion::V3_8 => {
                        assert_eq!(received[..4], [0, 0, 0, 1]);
                        let reason = String::from_utf8(received[8..].to_vec()).unwrap();
                        assert!(
                            reason.contains("the viewer violated the protocol"),
                            "{reason}"
                        );
                        let logged = peer.closing_line().await.sentence;
                        assert!(logged.contains("was not offered"), "{logged}");
                    }
                    _ => assert_eq!(received, [0, 0, 0, 1], "a version without reasons"),
                }
            }
        }
        assert_eq!(testbed.end().await.connections, 0);
    })
    .await;
}

#[tokio::test]
async fn wrong_security_type_after_the_dial_closes_the_console() {
    within(async {
        let testbed = Testbed::new().await;
        let mut peer = testbed.viewer().await;
        peer.exchange_versions(RfbVersion::V3_7.bytes()).await;
        assert_eq!(peer.bytes(2).await, [1, 1]);
        assert_eq!(testbed.host.counts().consoles_open, 1);
        peer.send(&[2]).await;
        assert!(peer.rest().await.is_empty());
        testbed
            .host
            .counts_until(|counts| counts.consoles_open == 0)
            .await;
        drop(peer);
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn input_before_the_security_result_is_neither_buffered_nor_lost() {
    within(async {
        let esxi = Esxi::start().await;
        let testbed = Setup::default().with_console_host(&esxi).start().await;
        let mut viewer = testbed.viewer().await;
        viewer.send(b"RFB 003.008\n\x01\x01").await;
        let mut connection = esxi.connection().await;
        let request = connection.request().await;
        // The host has not answered yet.
        let taken = fill(&mut Pattern::new(21), &mut viewer.stream).await;
        assert!(taken > 0);
        connection
            .send(&crate::support::esxi::upgraded(&request))
            .await;
        connection.handshake().await;
        viewer.stream.shutdown().await.unwrap();
        let (got, close) = connection.reader.read_until_close().await;
        assert_eq!((got[0], got.len() as u64), (1, taken + 1));
        Pattern::new(21).check(&got[1..]);
        assert_eq!(close, frame::Frame::close(1000));
        drop((viewer, connection));
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn viewer_that_does_not_read_blocks_only_its_own_host() {
    within(async {
        let esxi = Esxi::start().await;
        let testbed = Setup::default().with_console_host(&esxi).start().await;
        let (mut stalled, connection) = esxi.session(&testbed).await;
        let (reader, mut say) = connection.split();
        // One endless message.
        say.write_all(&[0x82, 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
            .await
            .unwrap();
        let taken = fill(&mut Pattern::new(23), &mut say).await;
        let (mut other, mut its_line) = esxi.session(&testbed).await;
        its_line.send_binary(b"picture").await;
        assert_eq!(other.bytes(7).await, b"picture");
        // Once it reads, it receives everything but what the host's TLS has buffered.
        let least = usize::try_from(taken).unwrap() - 128 * 1024;
        Pattern::new(23).check(&stalled.bytes(least).await);
        drop((stalled, reader, say, other, its_line));
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn idle_connections_do_not_affect_another_viewer() {
    within(async {
        let testbed = Setup::default().with_password().start().await;
        let idle = join_all((0..200).map(|number| {
            let port = testbed.ports[0];
            async move {
                let mut peer = Viewer::connect(port).await;
                peer.send(&b"RFB 003.008\n\x02"[..number % 14]).await;
                peer
            }
        }))
        .await;
        let mut viewer = testbed.viewer().await;
        viewer
            .enter(RfbVersion::V3_8, Some(PASSWORD))
            .await
            .unwrap();
        let desktop = viewer.init().await;
        viewer.picture(&desktop).await;
        viewer.type_text("still here").await;
        testbed
            .host
            .typed_until("vm08", |typed| typed == "still here")
            .await;
        assert_eq!(testbed.host.counts().tickets_issued, 1);
        drop((idle, viewer));
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn endless_http_response_is_not_read_to_its_end() {
    within(async {
        let esxi = Esxi::start().await;
        let testbed = Setup::default().with_console_host(&esxi).start().await;
        let mut viewer = testbed.viewer().await;
        let hosting = async {
            let mut connection = esxi.connection().await;
            connection.request().await;
            let (reader, mut say) = connection.split();
            say.write_all(b"HTTP/1.1 101 Switching Protocols\r\nX: ")
                .await
                .unwrap();
            while say.write_all(&[b'x'; 4096]).await.is_ok() {}
            drop(reader);
        };
        let (reason, ()) = tokio::join!(viewer.refused(RfbVersion::V3_8, None), hosting);
        assert!(reason.contains("too large"), "{reason}");
        drop(viewer);
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn reason_of_a_host_is_truncated_and_stripped_of_control_characters() {
    within(async {
        let esxi = Esxi::start().await;
        let testbed = Setup::default().with_console_host(&esxi).start().await;
        let mut viewer = testbed.viewer().await;
        let hosting = async {
            let mut connection = esxi.connection().await;
            let request = connection.request().await;
            connection
                .send(&crate::support::esxi::upgraded(&request))
                .await;
            connection.send_binary(GREETING).await;
            connection.bytes(12).await;
            // No security types, and a reason of 4 GiB. It is sent in one write, since the gateway may close before it has read all.
            let reason = [
                &[0, 0xff, 0xff, 0xff, 0xff][..],
                b"bad\x1b[31m\r\n news ",
                &[b'.'; 10_000],
            ];
            connection.send_binary(&reason.concat()).await;
            connection
        };
        let (reason, connection) = tokio::join!(viewer.refused(RfbVersion::V3_8, None), hosting);
        assert!(reason.contains("bad[31m news ..."), "{reason}");
        assert!(!reason.contains(char::is_control) && reason.len() < 5000);
        drop((viewer, connection));
        testbed.end().await;
    })
    .await;
}
