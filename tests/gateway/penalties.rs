//! Which failed logins a success takes back, and which not.

use gateway::settings::{Auth, Console};

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
        customize: |console| match console.behind.to_string().as_str() {
            "open" => Console {
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

/// The outcome of one login at the port of that number.
async fn enter(testbed: &Testbed, port: usize, password: Option<&str>) -> Result<(), String> {
    let mut viewer = Viewer::connect(testbed.ports[port]).await;
    viewer.enter(RfbVersion::V3_8, password).await
}

/// How many of eight guesses at the first console are looked at, each after `between`.
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
        // Where it knows the password it is let in as before.
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
