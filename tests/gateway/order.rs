//! What happens before what, and what does not happen at all.

use std::net::Ipv4Addr;
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::support::esxi::{Esxi, upgraded};
use crate::support::frame::{self, BINARY};
use crate::support::house::{House, PASSWORD, Plan};
use crate::support::viewer::{Dialect, Viewer};
use crate::support::{is_silent, within};

/// Sooner than any time limit of the gateway's own towards vSphere and ESXi, the shortest of which is 10 s.
const SOON: Duration = Duration::from_secs(5);

/// Ends the gateway, which waits for its sessions, and checks that the host has not even been connected to.
async fn assert_untouched(house: House) {
    let counts = house.end().await;
    assert_eq!((counts.connections, counts.soap_calls()), (0, 0));
}

#[tokio::test]
async fn nothing_upstream_happens_for_a_viewer_with_a_wrong_password() {
    within(async {
        let house = Plan::default().with_password().start().await;
        for dialect in Dialect::ALL {
            let mut viewer = house.viewer().await;
            viewer.enter(dialect, Some("wrong")).await.unwrap_err();
        }
        assert_untouched(house).await;
    })
    .await;
}

#[tokio::test]
async fn nothing_upstream_happens_for_peers_that_do_not_finish_a_handshake() {
    within(async {
        let house = Plan::default().with_password().start().await;
        let beginnings: [&[u8]; 6] = [
            b"",
            b"\x16\x03\x01",
            b"RFB 003.0",
            b"RFB 003.008\n",
            b"RFB 003.008\n\x02",
            b"RFB 003.008\n\x020123456789abcde",
        ];
        for beginning in beginnings {
            let mut viewer = house.viewer().await;
            viewer.send(beginning).await;
            drop(viewer);
            let mut viewer = house.viewer().await;
            viewer.send(beginning).await;
            viewer.reset();
        }
        assert_untouched(house).await;
    })
    .await;
}

#[tokio::test]
async fn nothing_upstream_happens_while_a_viewer_thinks_about_its_password() {
    within(async {
        let house = Plan::default().with_password().start().await;
        let mut viewer = house.viewer().await;
        viewer.exchange_versions(Dialect::V3_8.line()).await;
        assert_eq!(viewer.bytes(2).await, [1, 2]);
        viewer.send(&[2]).await;
        // Another one goes all the way meanwhile, so that there was time for something to happen.
        let mut other = house.viewer().await;
        other.enter(Dialect::V3_8, Some(PASSWORD)).await.unwrap();
        let counts = house.host.counts();
        assert_eq!((counts.logins, counts.tickets_issued), (1, 1));
        viewer.answer_challenge(PASSWORD).await;
        assert_eq!(viewer.bytes(4).await, [0; 4]);
        assert_eq!(house.host.counts().tickets_issued, 2);
        drop((viewer, other));
        house.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_viewer_is_told_that_it_is_in_only_when_esxi_is_ready() {
    within(async {
        let esxi = Esxi::start().await;
        let house = Plan::default()
            .leading_to(&esxi)
            .with_password()
            .start()
            .await;
        let mut viewer = house.viewer().await;
        viewer.exchange_versions(Dialect::V3_8.line()).await;
        assert_eq!(viewer.bytes(2).await, [1, 2]);
        viewer.send(&[2]).await;
        viewer.answer_challenge(PASSWORD).await;
        // Each of these steps of the host's is answered by the gateway before the viewer is looked at.
        let mut line = esxi.line().await;
        assert!(is_silent(&viewer.stream), "TLS");
        let request = line.request().await;
        assert!(is_silent(&viewer.stream), "request");
        line.send(
            &[
                &upgraded(&request)[..],
                &frame::whole(BINARY, b"RFB 003.008\n"),
            ]
            .concat(),
        )
        .await;
        assert_eq!(line.bytes(12).await, b"RFB 003.008\n");
        assert!(is_silent(&viewer.stream), "version");
        line.send_binary(&[1, 1]).await;
        assert_eq!(line.bytes(1).await, [1]);
        assert!(is_silent(&viewer.stream), "security type");
        line.send_binary(&[0; 4]).await;
        assert_eq!(viewer.bytes(4).await, [0; 4]);
        drop((viewer, line));
        house.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_dialect_without_a_result_gets_its_types_only_when_esxi_is_ready() {
    within(async {
        for (dialect, types) in [(Dialect::V3_3, &[0, 0, 0, 1][..]), (Dialect::V3_7, &[1, 1])] {
            let esxi = Esxi::start().await;
            let house = Plan::default().leading_to(&esxi).start().await;
            let mut viewer = house.viewer().await;
            viewer.exchange_versions(dialect.line()).await;
            let mut line = esxi.line().await;
            let request = line.request().await;
            assert!(is_silent(&viewer.stream), "{dialect:?}");
            line.send(&upgraded(&request)).await;
            line.handshake().await;
            assert_eq!(viewer.bytes(types.len()).await, types);
            drop((viewer, line));
            house.end().await;
        }
    })
    .await;
}

#[tokio::test]
async fn each_viewer_has_a_ticket_of_its_own_and_all_share_one_login() {
    within(async {
        let house = House::new().await;
        let enter = || async {
            let mut viewer = house.viewer().await;
            viewer.open().await;
            viewer
        };
        // The first ones come at once, before there is a session; the others find it.
        let mut viewers = join_all((0..6).map(|_| enter())).await;
        for _ in 0..3 {
            viewers.push(enter().await);
        }
        let counts = house.host.counts();
        assert_eq!((counts.logins, counts.sessions_open), (1, 1));
        assert_eq!((counts.tickets_issued, counts.tickets_spent), (9, 9));
        drop(viewers);
        let counts = house.end().await;
        assert_eq!((counts.logouts, counts.sessions_open), (1, 0));
        assert_eq!((counts.tickets_refused, counts.binary_missing), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn a_session_that_has_expired_is_renewed_once() {
    within(async {
        let house = House::new().await;
        for logins in 1..=3 {
            let mut viewer = house.viewer().await;
            viewer.open().await;
            assert_eq!(house.host.counts().logins, logins);
            house.host.expire_sessions();
        }
        house.end().await;
    })
    .await;
}

#[tokio::test]
async fn viewers_that_leave_while_a_login_is_under_way_begin_no_other_and_hold_nothing_up() {
    within(async {
        // A vSphere that accepts and says nothing.
        let sdk = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let house = Plan {
            sdk: Some(sdk.local_addr().unwrap()),
            ..Plan::default()
        }
        .start()
        .await;
        let mut first = house.viewer().await;
        first.exchange_versions(Dialect::V3_3.line()).await;
        let (mut call, _) = sdk.accept().await.unwrap();
        let mut hello = vec![0];
        call.read_exact(&mut hello).await.unwrap();
        first.reset();
        for _ in 0..10 {
            let mut next = house.viewer().await;
            next.exchange_versions(Dialect::V3_3.line()).await;
        }
        // Long before anybody loses patience with that vSphere.
        timeout(SOON, house.end()).await.unwrap();
        call.read_to_end(&mut hello).await.unwrap();
        assert_eq!(hello[0], 22, "a TLS handshake was begun");
        assert!(sdk.accept().now_or_never().is_none(), "and no other");
    })
    .await;
}

#[tokio::test]
async fn a_viewer_that_leaves_while_the_host_is_dialled_frees_everything() {
    within(async {
        let esxi = Esxi::start().await;
        let house = Plan::default().leading_to(&esxi).start().await;
        for leave in [drop, Viewer::reset] {
            let mut viewer = house.viewer().await;
            viewer.exchange_versions(Dialect::V3_3.line()).await;
            let mut silent = esxi.accept().await;
            let mut hello = vec![0];
            silent.read_exact(&mut hello).await.unwrap();
            leave(viewer);
            timeout(SOON, silent.read_to_end(&mut hello))
                .await
                .unwrap()
                .unwrap();
            assert_eq!(hello[0], 22, "a TLS handshake was begun");

            let mut viewer = house.viewer().await;
            viewer.exchange_versions(Dialect::V3_3.line()).await;
            let mut line = esxi.line().await;
            line.request().await;
            leave(viewer);
            assert_eq!(timeout(SOON, line.frame()).await.unwrap(), None);
        }
        house.end().await;
    })
    .await;
}
