//! The PROXY protocol: the viewer's address comes from a load balancer.

use gateway::settings::ConsoleSettings;
use tokio::io::AsyncReadExt;

use crate::support::testbed::{PASSWORD, Setup};
use crate::support::viewer::{RfbVersion, Viewer};
use crate::support::within;

/// A VNC password that is not [`PASSWORD`].
const WRONG: &str = "let me o";

/// What happens to a viewer.
enum Outcome {
    Open,
    Reason,
    Closed,
}

#[tokio::test]
async fn proxy_header_is_accepted_from_configured_balancers_only() {
    within(async {
        let behind = |from: &str, customize| {
            let mut setup = Setup {
                customize,
                ..Setup::default()
            };
            setup.limits.proxy_from = Some(vec![from.parse().unwrap()]);
            setup.start()
        };
        let allow_ten: fn(ConsoleSettings) -> ConsoleSettings = |console| ConsoleSettings {
            allow: vec!["10.0.0.0/8".parse().unwrap()],
            ..console
        };
        let testbed = behind("127.0.0.1/32", allow_ten).await;
        for (header, outcome) in [
            (
                &b"PROXY TCP4 10.1.2.3 10.0.0.1 4000 5900\r\n"[..],
                Outcome::Open,
            ),
            (
                b"PROXY TCP4 11.1.2.3 10.0.0.1 4000 5900\r\n",
                Outcome::Reason,
            ),
            (
                b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x0a\x01\x02\x03\x0a\0\0\x01\x0f\xa0\x17\x0c",
                Outcome::Open,
            ),
            (
                b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x0b\x01\x02\x03\x0a\0\0\x01\x0f\xa0\x17\x0c",
                Outcome::Reason,
            ),
            // A health check has the balancer's own address, which is not in 10/8.
            (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", Outcome::Reason),
            (b"RFB 003.008\n", Outcome::Closed),
        ] {
            let mut viewer = testbed.viewer().await;
            viewer.send(header).await;
            match outcome {
                Outcome::Open => drop(viewer.open().await),
                Outcome::Reason => {
                    let reason = viewer.enter(RfbVersion::V3_8, None).await.unwrap_err();
                    assert!(
                        reason.starts_with("your address may not use this console"),
                        "{reason}"
                    );
                }
                Outcome::Closed => viewer.expect_closed_without_data().await,
            }
        }
        // The header byte by byte.
        let mut viewer = testbed.viewer().await;
        for byte in b"PROXY TCP4 10.1.2.3 10.0.0.1 4000 5900\r\n" {
            viewer.send(&[*byte]).await;
        }
        viewer.open().await;
        // A valid header from an address that is not in proxy_from is refused.
        let testbed = behind("10.0.0.0/8", |console| console).await;
        let mut viewer = testbed.viewer().await;
        viewer
            .send(b"PROXY TCP4 10.1.2.3 10.0.0.1 4000 5900\r\n")
            .await;
        assert_closed_or_reset_without_data(viewer).await;
    })
    .await;
}

/// The input was not read before the close, so the end may be a reset.
async fn assert_closed_or_reset_without_data(mut viewer: Viewer) {
    let mut bytes = Vec::new();
    let _ = viewer.stream.read_to_end(&mut bytes).await;
    assert_eq!(bytes, b"");
}

#[tokio::test]
async fn penalties_apply_to_the_address_in_the_proxy_header() {
    within(async {
        let mut setup = Setup::default().with_password();
        setup.limits.proxy_from = Some(vec!["127.0.0.1/32".parse().unwrap()]);
        let testbed = setup.start().await;
        let from = async |last: u8, password| {
            let mut viewer = testbed.viewer().await;
            viewer
                .send(format!("PROXY TCP4 10.0.0.{last} 10.0.0.9 4000 5900\r\n").as_bytes())
                .await;
            viewer.enter(RfbVersion::V3_8, Some(password)).await
        };
        for _ in 0..5 {
            from(1, WRONG).await.unwrap_err();
        }
        assert!(
            from(1, PASSWORD)
                .await
                .unwrap_err()
                .starts_with("too many failed logins")
        );
        from(2, PASSWORD).await.unwrap();
    })
    .await;
}
