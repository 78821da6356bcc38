//! Penalties for failed logins, and which failures a success clears.

use gateway::settings::{Auth, ConsoleSettings};

use crate::support::testbed::{PASSWORD, Setup, Testbed, vm};
use crate::support::viewer::{RfbVersion, Viewer};
use crate::support::within;

/// A VNC password that is not [`PASSWORD`].
const WRONG: &str = "let me o";

/// Two consoles with a password, and one without.
async fn testbed() -> Testbed {
    let names = ["vm08", "vm09", "open"];
    let mut setup = Setup {
        consoles: names.map(str::to_owned).to_vec(),
        customize: |console| match console.backend.to_string().as_str() {
            "open" => ConsoleSettings {
                auth: Auth::none(),
                ..console
            },
            _ => console,
        },
        ..Setup::default().with_password()
    };
    setup.host.vms = names.map(vm).to_vec();
    setup.start().await
}

/// The outcome of one login at the port with that index.
async fn enter(testbed: &Testbed, port: usize, password: Option<&str>) -> Result<(), String> {
    let mut viewer = Viewer::connect(testbed.ports[port]).await;
    viewer.enter(RfbVersion::V3_8, password).await
}

/// How many of eight guesses at the first console are checked, each after `between`.
async fn guesses(testbed: &Testbed, between: impl AsyncFn()) -> usize {
    let mut looked_at = 0;
    for _ in 0..8 {
        between().await;
        let reason = enter(testbed, 0, Some(WRONG)).await.unwrap_err();
        looked_at += usize::from(reason.starts_with("wrong password"));
    }
    looked_at
}

#[tokio::test]
async fn success_at_one_console_gains_no_guesses_at_another() {
    within(async {
        let testbed = testbed().await;
        let logs_in_elsewhere = async || enter(&testbed, 1, Some(PASSWORD)).await.unwrap();
        assert_eq!(guesses(&testbed, logs_in_elsewhere).await, 5);
        // A login with the right password still succeeds.
        logs_in_elsewhere().await;
    })
    .await;
}

#[tokio::test]
async fn session_without_a_password_clears_no_failures() {
    within(async {
        let testbed = testbed().await;
        let looks = async || enter(&testbed, 2, None).await.unwrap();
        assert_eq!(guesses(&testbed, looks).await, 5);
    })
    .await;
}

#[tokio::test]
async fn guesses_at_several_consoles_count_together() {
    within(async {
        let testbed = testbed().await;
        for guess in 1..=10 {
            let port = usize::from(guess > 5);
            let reason = enter(&testbed, port, Some(WRONG)).await.unwrap_err();
            assert!(reason.starts_with("wrong password"), "{reason}");
        }
        let reason = enter(&testbed, 2, None).await.unwrap_err();
        assert!(reason.starts_with("too many failed logins from your address"));
    })
    .await;
}

#[tokio::test]
async fn fifth_wrong_password_refuses_all_logins_for_a_minute() {
    within(async {
        let testbed = Setup::default().with_password().start().await;
        for _ in 0..5 {
            let reason = testbed.log_in(Some(WRONG)).await.unwrap_err();
            assert!(reason.starts_with("wrong password"), "{reason}");
        }
        for version in RfbVersion::ALL {
            let mut viewer = testbed.viewer().await;
            let reason = viewer.enter(version, Some(PASSWORD)).await.unwrap_err();
            // A part of the minute may have passed.
            let left =
                reason.strip_prefix("too many failed logins from your address: try again in ");
            let seconds = left.and_then(|left| left.split_once(" s ")?.0.parse::<u8>().ok());
            assert!(matches!(seconds, Some(50..=60)), "{reason}");
        }
        assert_eq!(testbed.end().await.soap_calls(), 0);
    })
    .await;
}

#[tokio::test]
async fn concurrent_vnc_guesses_do_not_bypass_the_penalty() {
    within(async {
        let testbed = Setup::default().with_password().start().await;
        let mut viewers = Vec::new();
        for _ in 0..20 {
            let mut viewer = testbed.viewer().await;
            viewer.choose_vnc_authentication().await;
            viewers.push(viewer);
        }
        let mut guessed = 0;
        for viewer in &mut viewers {
            viewer.answer_challenge(WRONG).await;
            let rest = viewer.rest().await;
            guessed += usize::from(String::from_utf8_lossy(&rest).contains("wrong password"));
        }
        assert_eq!(guessed, 5);
    })
    .await;
}

#[tokio::test]
async fn success_clears_failures_before_it() {
    within(async {
        let testbed = Setup::default().with_password().start().await;
        for _ in 0..3 {
            for _ in 0..4 {
                testbed.log_in(Some(WRONG)).await.unwrap_err();
            }
            testbed.log_in(Some(PASSWORD)).await.unwrap();
        }
    })
    .await;
}
