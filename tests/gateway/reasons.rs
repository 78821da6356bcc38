//! What a viewer reads when it is not let in: in a SecurityResult, or in place of the security types where the dialect has
//! no result.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use esxi_sim::{DEMO_PASSWORD, Misbehaviour, Power, Thumbprint, TicketShape, VmSettings};
use futures::future::join_all;
use mksgate::Trust;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::support::esxi::Esxi;
use crate::support::house::{House, PASSWORD, Plan, vm};
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

fn with_vm(vm: VmSettings) -> Plan {
    let mut plan = Plan::default();
    plan.host.vms = vec![vm];
    plan
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A port at which nobody listens.
async fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    listener.local_addr().unwrap()
}

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
async fn a_vm_that_is_not_there() {
    let plan = Plan {
        consoles: vec!["vm99".into()],
        ..Plan::default()
    };
    within(assert_reason_in(plan, &["there is no VM", "vm99"])).await;
}

#[tokio::test]
async fn a_vm_that_does_not_run_and_one_that_was_switched_on_since() {
    within(async {
        let house = House::new().await;
        for (power, words) in [
            (Power::Off, "vm08 is powered off"),
            (Power::Suspended, "vm08 is suspended"),
        ] {
            house.host.set_power("vm08", power);
            assert_reason(&house, &[words]).await;
        }
        house.host.set_power("vm08", Power::On);
        house.viewer().await.open().await;
        house.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_missing_privilege_is_named() {
    let vm = VmSettings {
        console_permitted: false,
        ..vm("vm08")
    };
    let words = ["root", "VirtualMachine.Interact.ConsoleInteract", "vm08"];
    within(assert_reason_in(with_vm(vm), &words)).await;
}

#[tokio::test]
async fn all_console_connections_in_use_until_one_is_closed() {
    within(async {
        let house = with_vm(VmSettings {
            max_consoles: Some(1),
            ..vm("vm08")
        })
        .start()
        .await;
        let mut first = house.viewer().await;
        first.open().await;
        assert_reason(&house, &["vm08", "console connections in use (1)"]).await;
        drop(first);
        house
            .host
            .counts_until(|counts| counts.consoles_open == 0)
            .await;
        house.viewer().await.open().await;
        house.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_wrong_vsphere_password_is_told_to_all_and_tried_once() {
    within(async {
        let plan = Plan {
            password: "forgotten".into(),
            ..Plan::default()
        };
        let house = plan.start().await;
        let address = house.host.address().to_string();
        assert_reason(&house, &["user name or the password of root", &address]).await;
        let mut viewer = house.viewer().await;
        let reason = viewer.enter(Dialect::V3_8, None).await.unwrap_err();
        assert!(!reason.contains("forgotten"), "{reason}");
        drop(viewer);
        assert_eq!(house.end().await.logins_refused, 1);
    })
    .await;
}

#[tokio::test]
async fn a_vsphere_that_cannot_be_reached() {
    within(async {
        let address = closed_port().await;
        let plan = Plan {
            sdk: Some(address),
            ..Plan::default()
        };
        assert_reason_in(plan, &[&address.to_string(), "cannot be reached"]).await;
    })
    .await;
}

#[tokio::test]
async fn a_vsphere_that_is_silent() {
    within(async {
        // The kernel accepts for it.
        let sdk = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let plan = Plan {
            sdk: Some(sdk.local_addr().unwrap()),
            ..Plan::default()
        };
        assert_reason_in(plan.impatient(), &["did not answer"]).await;
    })
    .await;
}

#[tokio::test]
async fn a_vsphere_that_speaks_no_tls() {
    within(async {
        let tasks = TaskTracker::new();
        let address = chatty_port(&tasks).await;
        let plan = Plan {
            sdk: Some(address),
            ..Plan::default()
        };
        assert_reason_in(plan, &["no TLS connection", &address.to_string()]).await;
    })
    .await;
}

#[tokio::test]
async fn a_vsphere_whose_certificate_is_not_trusted() {
    within(async {
        let house = Plan {
            trust: Some(Trust::WebPki),
            ..Plan::default()
        }
        .start()
        .await;
        let address = house.host.address().to_string();
        assert_reason(&house, &["certificate", &address, "not trusted"]).await;
        assert_eq!(house.end().await.soap_calls(), 0);

        let pin = mksgate::Thumbprint::Sha256([0xab; 32]);
        let house = Plan {
            trust: Some(Trust::Pinned(pin)),
            ..Plan::default()
        }
        .start()
        .await;
        let expected = "ab".repeat(32);
        let got = hex(&house.host.certificate_sha256());
        assert_reason(&house, &["not trusted", &expected, &got]).await;
        assert_eq!(house.end().await.soap_calls(), 0);
    })
    .await;
}

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
        let address = closed_port().await.to_string();
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
        (Misbehaviour::VncAuthenticationOnly, "VNC password"),
        (
            Misbehaviour::RfbVersion(*b"SSH-2.0-none"),
            "does not speak RFB",
        ),
        (Misbehaviour::RfbVersion(*b"RFB 002.000\n"), "version 2"),
    ];
    within(every_misbehaviour(&table, "did not let us in")).await;
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
        house.host.misbehave_always(Some(Misbehaviour::Text));
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
