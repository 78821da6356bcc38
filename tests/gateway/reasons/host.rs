//! Failures caused by the console's host.

use std::time::Duration;

use console::secret::Secret;
use console::settings::Backend;
use esxi_sim::{Misbehaviour, Thumbprint, TicketShape};
use gateway::settings::ConsoleSettings;
use rfb_proto::VncPassword;
use tokio_util::task::TaskTracker;

use super::{CLOSED_PORT, assert_reason, assert_reason_in, chatty_port, hex};
use crate::support::esxi::{Esxi, upgraded};
use crate::support::testbed::{Setup, Testbed};
use crate::support::viewer::RfbVersion;
use crate::support::within;

#[tokio::test]
async fn host_with_another_certificate_than_in_the_ticket() {
    within(async {
        let mut setup = Setup::default();
        setup.host.version = "8.0.2".into();
        let testbed = setup.start().await;
        testbed.host.set_tickets(TicketShape {
            thumbprint: Thumbprint::Wrong,
            ..TicketShape::default()
        });
        let expected = format!("expected sha256:{}", "ee".repeat(32));
        let got = format!("got sha256:{}", hex(&testbed.host.certificate_sha256()));
        let address = testbed.host.address().to_string();
        assert_reason(&testbed, &["certificate", &address, &expected, &got]).await;
        let counts = testbed.end().await;
        assert_eq!((counts.tickets_issued, counts.tickets_spent), (3, 0));
    })
    .await;
}

#[tokio::test]
async fn unreachable_host() {
    within(async {
        let address = CLOSED_PORT.to_string();
        let mut setup = Setup::default();
        setup
            .console_address
            .insert("127.0.0.1".into(), address.clone());
        assert_reason_in(setup, &["cannot reach", &address]).await;
    })
    .await;
}

#[tokio::test]
async fn host_without_tls() {
    within(async {
        let tasks = TaskTracker::new();
        let address = chatty_port(&tasks).await.to_string();
        let mut setup = Setup::default();
        setup
            .console_address
            .insert("127.0.0.1".into(), address.clone());
        assert_reason_in(setup, &[" does not speak TLS: check the port", &address]).await;
    })
    .await;
}

#[tokio::test]
async fn host_that_refuses_the_upgrade() {
    let table = [
        (Misbehaviour::AnswerStatus(200), "HTTP status 200"),
        (
            Misbehaviour::Redirect("https://elsewhere.example/".into()),
            "HTTP status 302",
        ),
        (Misbehaviour::NoSubprotocol, "no subprotocol"),
        (
            Misbehaviour::OtherSubprotocol("uint8utf8".into()),
            "uint8utf8",
        ),
        (Misbehaviour::WrongAccept, "Sec-WebSocket-Accept"),
    ];
    within(every_misbehaviour(&table, "refused the WebSocket")).await;
    let table = [
        (
            Misbehaviour::AnswerStatus(404),
            "ticket used or expired, connect again",
        ),
        (
            Misbehaviour::AnswerStatus(503),
            "has no console for this VM (HTTP 503): see the VM's log",
        ),
    ];
    within(every_misbehaviour(&table, "")).await;
}

#[tokio::test]
async fn host_that_refuses_the_rfb_login() {
    let table = [
        (
            Misbehaviour::NoSecurity("too many clients".into()),
            "too many clients",
        ),
        (
            Misbehaviour::SecurityFailure("not today".into()),
            "not today",
        ),
        (
            Misbehaviour::RfbVersion(*b"SSH-2.0-none"),
            "does not speak RFB",
        ),
        (Misbehaviour::RfbVersion(*b"RFB 002.000\n"), "version 2"),
    ];
    within(every_misbehaviour(&table, "refused the VNC login")).await;
}

#[tokio::test]
async fn missing_vnc_password_names_its_configuration_key() {
    let asks = [(Misbehaviour::VncAuthenticationOnly, "set vnc_password_file")];
    within(every_misbehaviour(&asks, "asks for the VM's VNC password")).await;
}

/// Configures the VM's VNC password, which viewers do not need.
fn with_vnc_password(console: ConsoleSettings) -> ConsoleSettings {
    let Backend::Vm { vsphere, vm, .. } = console.backend else {
        panic!("a VM's console");
    };
    let password = Some(Secret::new(VncPassword::new("of a VM").unwrap()));
    ConsoleSettings {
        backend: Backend::Vm {
            vsphere,
            vm,
            password,
        },
        ..console
    }
}

#[tokio::test]
async fn vnc_password_of_a_console_right_and_wrong() {
    within(async {
        for (asked_for, expected) in [("of a VM", Ok(())), ("another", Err("wrong"))] {
            let esxi = Esxi::start().await;
            let mut setup = Setup::default().with_console_host(&esxi);
            setup.customize = with_vnc_password;
            let testbed = setup.start().await;
            let entering = async {
                let mut viewer = testbed.viewer().await;
                match viewer.enter(RfbVersion::V3_8, None).await {
                    Ok(()) => Ok(()),
                    Err(_) => Err(viewer.closing_line().await.sentence),
                }
            };
            let hosting = async {
                let mut connection = esxi.connection().await;
                let request = connection.request().await;
                connection.send(&upgraded(&request)).await;
                connection
                    .rfb_security(RfbVersion::V3_8, Some(asked_for))
                    .await
            };
            let (entered, was_let_in) = tokio::join!(entering, hosting);
            assert_eq!(was_let_in, expected.is_ok());
            match (entered, expected) {
                (Ok(()), Ok(())) => {}
                (Err(reason), Err(word)) => {
                    assert!(
                        reason.contains(word) && !reason.contains("of a VM"),
                        "{reason}"
                    );
                }
                (entered, _) => panic!("{entered:?}"),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn host_that_closes_during_the_handshake() {
    let close = Misbehaviour::CloseWith {
        code: 1008,
        reason: "by the rules".into(),
        after: 0,
    };
    let table = [
        (close, "1008, by the rules"),
        (
            Misbehaviour::EndWithoutClose { after: 0 },
            "closed the connection",
        ),
        (Misbehaviour::CutAfter(5), "("),
        (Misbehaviour::ResetAfter(5), "("),
    ];
    within(every_misbehaviour(&table, "before the console was ready")).await;
}

async fn every_misbehaviour(table: &[(Misbehaviour, &str)], always: &str) {
    let testbed = Testbed::new().await;
    let address = testbed.host.address().to_string();
    for (misbehaviour, words) in table {
        testbed.host.misbehave_always(Some(misbehaviour.clone()));
        assert_reason(&testbed, &[always, words, &address]).await;
    }
    testbed.host.misbehave_always(None);
    testbed.viewer().await.open().await;
    testbed.end().await;
}

#[tokio::test]
async fn host_that_sends_a_text_message() {
    within(async {
        let testbed = Testbed::new().await;
        testbed
            .host
            .misbehave_always(Some(Misbehaviour::TextMessage));
        assert_reason(&testbed, &["text message"]).await;
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn expired_ticket() {
    let mut setup = Setup::default();
    setup.host.ticket_lifetime = Duration::ZERO;
    within(assert_reason_in(
        setup,
        &["(HTTP 404): ticket used or expired"],
    ))
    .await;
}

#[tokio::test]
async fn host_that_is_silent_at_each_step() {
    within(async {
        // Silent in TLS: the kernel completes the TCP handshake.
        let esxi = Esxi::start().await;
        let setup = Setup::default()
            .with_console_host(&esxi)
            .with_short_timeouts();
        assert_reason_in(setup, &["did not answer"]).await;
        for silence in [Misbehaviour::SilentUpgrade, Misbehaviour::StallAfter(7)] {
            let testbed = Setup::default().with_short_timeouts().start().await;
            testbed.host.misbehave_always(Some(silence));
            assert_reason(&testbed, &["did not answer"]).await;
            testbed.end().await;
        }
    })
    .await;
}
