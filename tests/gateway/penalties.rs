//! Which failed logins a success takes back, and which not.

use gateway::settings::{Auth, Console};

use crate::support::house::{House, PASSWORD, Plan, vm};
use crate::support::viewer::{Dialect, Viewer};
use crate::support::within;

/// A VNC password that is not [`PASSWORD`].
const WRONG: &str = "let me o";

/// Two consoles with a password, and one without.
async fn house() -> House {
    let names = ["vm08", "vm09", "open"];
    let mut plan = Plan {
        consoles: names.map(str::to_owned).to_vec(),
        shape: |console| match console.behind.to_string().as_str() {
            "open" => Console {
                auth: Auth::none(),
                ..console
            },
            _ => console,
        },
        ..Plan::default().with_password()
    };
    plan.host.vms = names.map(vm).to_vec();
    plan.start().await
}

/// The outcome of one login at the port of that number.
async fn enter(house: &House, port: usize, password: Option<&str>) -> Result<(), String> {
    let mut viewer = Viewer::connect(house.ports[port]).await;
    viewer.enter(Dialect::V3_8, password).await
}

/// How many of eight guesses at the first console are looked at, each after `between`.
async fn guesses(house: &House, between: impl AsyncFn()) -> usize {
    let mut looked_at = 0;
    for _ in 0..8 {
        between().await;
        let reason = enter(house, 0, Some(WRONG)).await.unwrap_err();
        looked_at += usize::from(reason.starts_with("wrong password"));
    }
    looked_at
}

#[tokio::test]
async fn who_may_log_in_to_one_console_has_no_more_guesses_at_another() {
    within(async {
        let house = house().await;
        let logs_in_elsewhere = async || enter(&house, 1, Some(PASSWORD)).await.unwrap();
        assert_eq!(guesses(&house, logs_in_elsewhere).await, 5);
        // Where it knows the password it is let in as before.
        logs_in_elsewhere().await;
    })
    .await;
}

#[tokio::test]
async fn a_console_without_a_password_takes_back_no_failures() {
    within(async {
        let house = house().await;
        let looks = async || enter(&house, 2, None).await.unwrap();
        assert_eq!(guesses(&house, looks).await, 5);
    })
    .await;
}

#[tokio::test]
async fn guesses_at_many_consoles_count_together() {
    within(async {
        let house = house().await;
        for guess in 1..=10 {
            let port = usize::from(guess > 5);
            let reason = enter(&house, port, Some(WRONG)).await.unwrap_err();
            assert!(reason.starts_with("wrong password"), "{reason}");
        }
        let reason = enter(&house, 2, None).await.unwrap_err();
        assert!(reason.starts_with("too many failed logins from your address"));
    })
    .await;
}
