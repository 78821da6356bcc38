//! The reasons that refused viewers get: in SecurityResult, or in place of the security types where the RFB version has no
//! result.

mod host;
mod vsphere;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use esxi_sim::{DEMO_PASSWORD, Power};
use futures::future::join_all;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::support::testbed::{PASSWORD, Setup, Testbed};
use crate::support::viewer::RfbVersion;
use crate::support::within;

/// Checks that concurrent viewers of every version get a short reason, and that the log has one with all `words` and no
/// secret.
async fn assert_reason(testbed: &Testbed, words: &[&str]) {
    let reasons = join_all(RfbVersion::ALL.map(|version| async move {
        let mut viewer = testbed.viewer().await;
        (version, viewer.refused(version, None).await)
    }))
    .await;
    for (version, reason) in reasons {
        for word in words {
            assert!(
                reason.contains(word),
                "{version:?}, without {word:?}: {reason}"
            );
        }
        for secret in [DEMO_PASSWORD, "/ticket/"] {
            assert!(!reason.contains(secret), "{version:?}: {reason}");
        }
    }
}

/// [`assert_reason`] in a testbed of its own.
async fn assert_reason_in(setup: Setup, words: &[&str]) {
    let testbed = setup.start().await;
    assert_reason(&testbed, words).await;
    testbed.end().await;
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A port without a listener.
const CLOSED_PORT: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9));

/// A port that sends a line of text and closes.
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
async fn wrong_password_is_reported_where_the_rfb_version_can_carry_it() {
    within(async {
        let testbed = Setup::default().with_password().start().await;
        for (version, words) in [
            (RfbVersion::V3_3, ""),
            (RfbVersion::V3_7, ""),
            (RfbVersion::V3_8, "wrong password"),
        ] {
            let mut viewer = testbed.viewer().await;
            let reason = viewer.enter(version, Some("let me o")).await.unwrap_err();
            assert!(reason.starts_with(words), "{reason}");
            assert_eq!(reason.is_empty(), words.is_empty(), "{reason}");
            assert!(!reason.contains(PASSWORD) && !reason.contains("let me o"));
        }
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn failure_after_the_login_is_reported_where_the_rfb_version_can_carry_it() {
    within(async {
        let mut setup = Setup::default().with_password();
        setup.host.vms[0].power = Power::Off;
        let testbed = setup.start().await;
        for (version, told) in [
            (RfbVersion::V3_3, false),
            (RfbVersion::V3_7, false),
            (RfbVersion::V3_8, true),
        ] {
            let mut viewer = testbed.viewer().await;
            let reason = viewer.enter(version, Some(PASSWORD)).await.unwrap_err();
            assert_eq!(
                reason.starts_with("the VM is powered off: switch it on (session "),
                told,
                "{reason}"
            );
        }
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn no_free_session_until_one_ends() {
    within(async {
        for per_vm in [true, false] {
            let mut setup = Setup::default();
            match per_vm {
                true => setup.limits.max_sessions_per_vm = 1,
                false => setup.limits.max_sessions = 1,
            }
            let testbed = setup.start().await;
            let mut first = testbed.viewer().await;
            first.open().await;
            assert_reason(&testbed, &["all 1 sessions", "max_sessions"]).await;
            assert_eq!(testbed.host.counts().tickets_issued, 1);
            drop(first);
            testbed.sessions_until(0).await;
            testbed.viewer().await.open().await;
            testbed.end().await;
        }
    })
    .await;
}
