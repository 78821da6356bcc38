//! What the host that has the console is the reason of.

use std::time::Duration;

use console::secret::Secret;
use console::settings::Behind;
use esxi_sim::{Misbehaviour, Thumbprint, TicketShape};
use gateway::settings::Console;
use rfb_proto::VncPassword;
use tokio_util::task::TaskTracker;

use super::{CLOSED_PORT, assert_reason, assert_reason_in, chatty_port, hex};
use crate::support::esxi::{Esxi, upgraded};
use crate::support::house::{House, Plan};
use crate::support::viewer::Dialect;
use crate::support::within;

#[tokio::test]
async fn a_host_whose_certificate_is_not_the_one_in_the_ticket() {
    within(async {
        let mut plan = Plan::default();
        plan.host.version = "8.0.2".into();
        let house = plan.start().await;
        house.host.set_tickets(TicketShape {
            thumbprint: Thumbprint::Wrong,
            ..TicketShape::default()
        });
        let expected = format!("expected sha256:{}", "ee".repeat(32));
        let got = format!("got sha256:{}", hex(&house.host.certificate_sha256()));
        let address = house.host.address().to_string();
        assert_reason(&house, &["certificate", &address, &expected, &got]).await;
        let counts = house.end().await;
        assert_eq!((counts.tickets_issued, counts.tickets_spent), (3, 0));
    })
    .await;
}

#[tokio::test]
async fn a_host_that_cannot_be_reached() {
    within(async {
        let address = CLOSED_PORT.to_string();
        let mut plan = Plan::default();
        plan.console_address
            .insert("127.0.0.1".into(), address.clone());
        assert_reason_in(plan, &["cannot reach", &address]).await;
    })
    .await;
}

#[tokio::test]
async fn a_host_that_speaks_no_tls() {
    within(async {
        let tasks = TaskTracker::new();
        let address = chatty_port(&tasks).await.to_string();
        let mut plan = Plan::default();
        plan.console_address
            .insert("127.0.0.1".into(), address.clone());
        assert_reason_in(plan, &["no TLS connection", &address]).await;
    })
    .await;
}

#[tokio::test]
async fn a_host_that_refuses_the_websocket() {
    let table = [
        (Misbehaviour::AnswerStatus(404), "HTTP status 404"),
        (Misbehaviour::AnswerStatus(503), "HTTP status 503"),
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
}

#[tokio::test]
async fn a_host_that_does_not_let_us_in() {
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
    within(every_misbehaviour(&table, "did not let us in")).await;
}

#[tokio::test]
async fn a_host_that_asks_for_the_vms_vnc_password_and_the_key_that_gives_it() {
    let asks = [(Misbehaviour::VncAuthenticationOnly, "set vnc_password_file")];
    within(every_misbehaviour(&asks, "asks for the VM's VNC password")).await;
}

/// What lets viewers in is configured with the console, and no viewer is asked for it.
fn with_vnc_password(console: Console) -> Console {
    let Behind::Vm { vsphere, vm, .. } = console.behind else {
        panic!("a VM's console");
    };
    let password = Some(Secret::new(VncPassword::new("of a VM").unwrap()));
    Console {
        behind: Behind::Vm {
            vsphere,
            vm,
            password,
        },
        ..console
    }
}

#[tokio::test]
async fn a_configured_vnc_password_lets_viewers_in_and_a_wrong_one_is_the_reason() {
    within(async {
        for (asked_for, expected) in [("of a VM", Ok(())), ("another", Err("wrong"))] {
            let esxi = Esxi::start().await;
            let mut plan = Plan::default().leading_to(&esxi);
            plan.shape = with_vnc_password;
            let house = plan.start().await;
            let entering = async {
                let mut viewer = house.viewer().await;
                viewer.enter(Dialect::V3_8, None).await
            };
            let hosting = async {
                let mut line = esxi.line().await;
                let request = line.request().await;
                line.send(&upgraded(&request)).await;
                line.let_in(Dialect::V3_8, Some(asked_for)).await
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
async fn a_host_that_leaves_in_the_handshake() {
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
    let house = House::new().await;
    let address = house.host.address().to_string();
    for (misbehaviour, words) in table {
        house.host.misbehave_always(Some(misbehaviour.clone()));
        assert_reason(&house, &[always, words, &address]).await;
    }
    house.host.misbehave_always(None);
    house.viewer().await.open().await;
    house.end().await;
}

#[tokio::test]
async fn a_host_that_sends_text() {
    within(async {
        let house = House::new().await;
        house.host.misbehave_always(Some(Misbehaviour::TextMessage));
        assert_reason(&house, &["text message"]).await;
        house.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_ticket_that_has_expired() {
    let mut plan = Plan::default();
    plan.host.ticket_lifetime = Duration::ZERO;
    within(assert_reason_in(
        plan,
        &["refused the WebSocket", "HTTP status 404"],
    ))
    .await;
}

#[tokio::test]
async fn a_host_that_is_silent_at_any_step() {
    within(async {
        // TLS: the kernel accepts for it.
        let esxi = Esxi::start().await;
        let plan = Plan::default().leading_to(&esxi).impatient();
        assert_reason_in(plan, &["did not answer"]).await;
        for silence in [Misbehaviour::SilentUpgrade, Misbehaviour::StallAfter(7)] {
            let house = Plan::default().impatient().start().await;
            house.host.misbehave_always(Some(silence));
            assert_reason(&house, &["did not answer"]).await;
            house.end().await;
        }
    })
    .await;
}
