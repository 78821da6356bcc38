//! What a viewer reads when it is not let in: in a SecurityResult, or in place of the security types where the dialect has
//! no result.

mod host;
mod vsphere;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use esxi_sim::{DEMO_PASSWORD, Power};
use futures::future::join_all;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::support::house::{House, PASSWORD, Plan};
use crate::support::viewer::Dialect;
use crate::support::within;

/// Checks that viewers of every dialect, at once, read a reason that holds all `words` and no secret.
async fn assert_reason(house: &House, words: &[&str]) {
    let reasons = join_all(Dialect::ALL.map(|dialect| async move {
        let mut viewer = house.viewer().await;
        (dialect, viewer.enter(dialect, None).await.unwrap_err())
    }))
    .await;
    for (dialect, reason) in reasons {
        for word in words {
            assert!(
                reason.contains(word),
                "{dialect:?}, without {word:?}: {reason}"
            );
        }
        for secret in [DEMO_PASSWORD, "/ticket/"] {
            assert!(!reason.contains(secret), "{dialect:?}: {reason}");
        }
    }
}

/// [`assert_reason`] in a house of its own.
async fn assert_reason_in(plan: Plan, words: &[&str]) {
    let house = plan.start().await;
    assert_reason(&house, words).await;
    house.end().await;
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A port at which nobody listens.
const CLOSED_PORT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9));

/// A port that greets with a line of text and hangs up.
async fn chatty_port(tasks: &TaskTracker) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tasks.spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            socket.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await.unwrap();
        }
    });
    address
}

#[tokio::test]
async fn a_wrong_password_is_told_where_the_dialect_has_a_place_for_it() {
    within(async {
        let house = Plan::default().with_password().start().await;
        for (dialect, words) in [
            (Dialect::V3_3, ""),
            (Dialect::V3_7, ""),
            (Dialect::V3_8, "wrong password"),
        ] {
            let mut viewer = house.viewer().await;
            let reason = viewer.enter(dialect, Some("let me o")).await.unwrap_err();
            assert!(reason.starts_with(words), "{reason}");
            assert_eq!(reason.is_empty(), words.is_empty(), "{reason}");
            assert!(!reason.contains(PASSWORD) && !reason.contains("let me o"));
        }
        house.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_failure_after_the_right_password_is_told_where_the_dialect_has_a_place_for_it() {
    within(async {
        let mut plan = Plan::default().with_password();
        plan.host.vms[0].power = Power::Off;
        let house = plan.start().await;
        for (dialect, told) in [
            (Dialect::V3_3, false),
            (Dialect::V3_7, false),
            (Dialect::V3_8, true),
        ] {
            let mut viewer = house.viewer().await;
            let reason = viewer.enter(dialect, Some(PASSWORD)).await.unwrap_err();
            assert_eq!(reason.contains("vm08 is powered off"), told, "{reason}");
        }
        house.end().await;
    })
    .await;
}

#[tokio::test]
async fn no_room_for_another_session_until_one_ends() {
    within(async {
        for per_vm in [true, false] {
            let mut plan = Plan::default();
            match per_vm {
                true => plan.limits.max_sessions_per_vm = 1,
                false => plan.limits.max_sessions = 1,
            }
            let house = plan.start().await;
            let mut first = house.viewer().await;
            first.open().await;
            assert_reason(&house, &["all 1 sessions", "max_sessions"]).await;
            assert_eq!(house.host.counts().tickets_issued, 1);
            drop(first);
            // The console is closed a moment before the seat is free.
            while house
                .viewer()
                .await
                .enter(Dialect::V3_8, None)
                .await
                .is_err()
            {}
            house.end().await;
        }
    })
    .await;
}
