//! The order of a session's stages, and connections that must not be made.

use std::net::Ipv4Addr;
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::support::esxi::{Esxi, upgraded};
use crate::support::frame::{self, BINARY};
use crate::support::testbed::{PASSWORD, Setup, Testbed};
use crate::support::viewer::{RfbVersion, Viewer};
use crate::support::{is_silent, within};

/// Shorter than the gateway's own time limits towards vSphere and ESXi, of which the shortest is 10 s.
const SOON: Duration = Duration::from_secs(5);

/// Ends the gateway, which waits for its sessions, and checks that nothing has connected to the host.
async fn assert_untouched(testbed: Testbed) {
    let counts = testbed.end().await;
    assert_eq!((counts.connections, counts.soap_calls()), (0, 0));
}

#[tokio::test]
async fn wrong_password_causes_no_upstream_connection() {
    within(async {
        let testbed = Setup::default().with_password().start().await;
        for version in RfbVersion::ALL {
            let mut viewer = testbed.viewer().await;
            viewer.enter(version, Some("wrong")).await.unwrap_err();
        }
        assert_untouched(testbed).await;
    })
    .await;
}

#[tokio::test]
async fn unfinished_handshake_causes_no_upstream_connection() {
    within(async {
        let testbed = Setup::default().with_password().start().await;
        let beginnings: [&[u8]; 6] = [
            b"",
            b"\x16\x03\x01",
            b"RFB 003.0",
            b"RFB 003.008\n",
            b"RFB 003.008\n\x02",
            b"RFB 003.008\n\x020123456789abcde",
        ];
        for beginning in beginnings {
            let mut viewer = testbed.viewer().await;
            viewer.send(beginning).await;
            drop(viewer);
            let mut viewer = testbed.viewer().await;
            viewer.send(beginning).await;
            viewer.reset();
        }
        assert_untouched(testbed).await;
    })
    .await;
}

#[tokio::test]
async fn no_ticket_is_acquired_before_the_password_is_received() {
    within(async {
        let testbed = Setup::default().with_password().start().await;
        let mut viewer = testbed.viewer().await;
        viewer.choose_vnc_authentication().await;
        // Another viewer opens its console meanwhile, so that there was time for a ticket.
        let mut other = testbed.viewer().await;
        other.enter(RfbVersion::V3_8, Some(PASSWORD)).await.unwrap();
        let counts = testbed.host.counts();
        assert_eq!((counts.logins, counts.tickets_issued), (1, 1));
        viewer.answer_challenge(PASSWORD).await;
        assert_eq!(viewer.bytes(4).await, [0; 4]);
        assert_eq!(testbed.host.counts().tickets_issued, 2);
        drop((viewer, other));
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn security_result_is_sent_after_the_hosts() {
    within(async {
        let esxi = Esxi::start().await;
        let testbed = Setup::default()
            .with_console_host(&esxi)
            .with_password()
            .start()
            .await;
        let mut viewer = testbed.viewer().await;
        viewer.choose_vnc_authentication().await;
        viewer.answer_challenge(PASSWORD).await;
        // The gateway has answered each step of the host before the viewer's socket is checked.
        let mut connection = esxi.connection().await;
        assert!(is_silent(&viewer.stream), "TLS");
        let request = connection.request().await;
        assert!(is_silent(&viewer.stream), "request");
        connection
            .send(
                &[
                    &upgraded(&request)[..],
                    &frame::whole(BINARY, b"RFB 003.008\n"),
                ]
                .concat(),
            )
            .await;
        assert_eq!(connection.bytes(12).await, b"RFB 003.008\n");
        assert!(is_silent(&viewer.stream), "version");
        connection.send_binary(&[1, 1]).await;
        assert_eq!(connection.bytes(1).await, [1]);
        assert!(is_silent(&viewer.stream), "security type");
        connection.send_binary(&[0; 4]).await;
        assert_eq!(viewer.bytes(4).await, [0; 4]);
        drop((viewer, connection));
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn versions_without_security_result_get_security_types_after_the_hosts() {
    within(async {
        for (version, types) in [
            (RfbVersion::V3_3, &[0, 0, 0, 1][..]),
            (RfbVersion::V3_7, &[1, 1]),
        ] {
            let esxi = Esxi::start().await;
            let testbed = Setup::default().with_console_host(&esxi).start().await;
            let mut viewer = testbed.viewer().await;
            viewer.exchange_versions(version.bytes()).await;
            let mut connection = esxi.connection().await;
            let request = connection.request().await;
            assert!(is_silent(&viewer.stream), "{version:?}");
            connection.send(&upgraded(&request)).await;
            connection.handshake().await;
            assert_eq!(viewer.bytes(types.len()).await, types);
            drop((viewer, connection));
            testbed.end().await;
        }
    })
    .await;
}

#[tokio::test]
async fn each_session_uses_one_ticket_and_all_share_one_api_session() {
    within(async {
        let testbed = Testbed::new().await;
        let enter = || async {
            let mut viewer = testbed.viewer().await;
            viewer.open().await;
            viewer
        };
        // The first ones connect before there is an API session; the others use it.
        let mut viewers = join_all((0..6).map(|_| enter())).await;
        for _ in 0..3 {
            viewers.push(enter().await);
        }
        let counts = testbed.host.counts();
        assert_eq!((counts.logins, counts.sessions_open), (1, 1));
        assert_eq!((counts.tickets_issued, counts.tickets_spent), (9, 9));
        drop(viewers);
        let counts = testbed.end().await;
        assert_eq!((counts.logouts, counts.sessions_open), (1, 0));
        assert_eq!((counts.tickets_refused, counts.binary_missing), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn expired_api_session_is_renewed_once() {
    within(async {
        let testbed = Testbed::new().await;
        for logins in 1..=3 {
            let mut viewer = testbed.viewer().await;
            viewer.open().await;
            assert_eq!(testbed.host.counts().logins, logins);
            testbed.host.expire_sessions();
        }
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn viewers_that_leave_during_the_api_login_neither_repeat_nor_delay_it() {
    within(async {
        // A vSphere that accepts TCP and sends nothing.
        let sdk = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let testbed = Setup {
            sdk: Some(sdk.local_addr().unwrap()),
            ..Setup::default()
        }
        .start()
        .await;
        let mut first = testbed.viewer().await;
        first.exchange_versions(RfbVersion::V3_3.bytes()).await;
        let (mut call, _) = sdk.accept().await.unwrap();
        let mut hello = vec![0];
        call.read_exact(&mut hello).await.unwrap();
        first.reset();
        for _ in 0..10 {
            let mut next = testbed.viewer().await;
            next.exchange_versions(RfbVersion::V3_3.bytes()).await;
        }
        // Before any timeout towards vSphere.
        timeout(SOON, testbed.end()).await.unwrap();
        call.read_to_end(&mut hello).await.unwrap();
        assert_eq!(hello[0], 22, "a TLS handshake was begun");
        assert!(sdk.accept().now_or_never().is_none(), "and no other");
    })
    .await;
}

#[tokio::test]
async fn viewer_that_leaves_during_the_dial_cancels_it() {
    within(async {
        let esxi = Esxi::start().await;
        let testbed = Setup::default().with_console_host(&esxi).start().await;
        for leave in [drop, Viewer::reset] {
            let mut viewer = testbed.viewer().await;
            viewer.exchange_versions(RfbVersion::V3_3.bytes()).await;
            let mut silent = esxi.accept().await;
            let mut hello = vec![0];
            silent.read_exact(&mut hello).await.unwrap();
            leave(viewer);
            timeout(SOON, silent.read_to_end(&mut hello))
                .await
                .unwrap()
                .unwrap();
            assert_eq!(hello[0], 22, "a TLS handshake was begun");

            let mut viewer = testbed.viewer().await;
            viewer.exchange_versions(RfbVersion::V3_3.bytes()).await;
            let mut connection = esxi.connection().await;
            connection.request().await;
            leave(viewer);
            assert_eq!(timeout(SOON, connection.frame()).await.unwrap(), None);
        }
        testbed.end().await;
    })
    .await;
}
