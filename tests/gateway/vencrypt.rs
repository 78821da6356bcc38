//! VeNCrypt: X509Plain, X509Vnc and X509None.

use std::sync::Arc;

use esxi_sim::{Host, Power};
use gateway::settings::Auth;
use rfb_proto::{Client, Password, SecurityType, VncPassword};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::support::encrypted_port::{EncryptedPort, certificate, users};
use crate::support::testbed::{PASSWORD, Setup, Testbed};
use crate::support::viewer::Viewer;
use crate::support::{is_closed, log, until, within};

/// What a user without rights is shown.
const NOT_ALLOWED: &str = "you may not open this console: ask the administrator (";

#[tokio::test]
async fn user_with_the_right_password_uses_the_vm_over_tls() {
    within(async {
        let door = EncryptedPort::by_name().await;
        let mut viewer = door.enter_as("ada", "x").await.unwrap();
        let desktop = viewer.init().await;
        assert_eq!(desktop.name, "vm08");
        viewer.type_text("typed through TLS").await;
        door.testbed
            .host
            .typed_until("vm08", |typed| typed == "typed through TLS")
            .await;
        viewer.picture(&desktop).await;
    })
    .await;
}

#[tokio::test]
async fn wrong_name_and_wrong_password_have_one_reason_and_no_upstream_connection() {
    within(async {
        let door = EncryptedPort::by_name().await;
        for (name, password) in [("ada", "y"), ("nobody", "x"), ("", "")] {
            let reason = door.enter_as(name, password).await.err().unwrap();
            assert!(
                reason.starts_with("wrong user name or password: try again ("),
                "{name}: {reason}"
            );
        }
        assert_eq!(door.testbed.end().await.soap_calls(), 0);
    })
    .await;
}

#[tokio::test]
async fn failed_login_and_refusal_are_warnings_with_the_users_name() {
    within(async {
        let door = EncryptedPort::by_name().await;
        for (name, password, sentence) in [
            ("ada", "y", "wrong user name or password: try again"),
            ("nobody", "x", "wrong user name or password: try again"),
            (
                "stranger",
                "x",
                "stranger may not open this console: ask for it to be added to the users file",
            ),
        ] {
            let line = door.line_of_refused(name, password).await;
            assert_eq!((line.level.as_str(), line.user.as_str()), ("WARN", name));
            assert_eq!(line.sentence, sentence);
        }
    })
    .await;
}

#[tokio::test]
async fn lost_console_is_a_warning_with_the_users_name_and_power_off_is_none() {
    within(async {
        let door = EncryptedPort::by_name().await;
        type Change = fn(&Host);
        let close: Change = |host| host.close_consoles("vm08");
        let power_off: Change = |host| host.set_power("vm08", Power::Off);
        for (change, level, cause) in [
            (close, "WARN", "console-closed"),
            (power_off, "INFO", "vm-powered-off"),
        ] {
            let socket = TcpStream::connect(door.testbed.ports[0]).await.unwrap();
            let from = socket.local_addr().unwrap();
            log::expect(from);
            let client = Client::new(None)
                .with_tls()
                .with_user("ada", Password::new("x"));
            let mut viewer = door.enter_on(socket, client).await.unwrap();
            viewer.init().await;
            change(&door.testbed.host);
            viewer.rest().await;
            drop(viewer);
            let line = log::closing_line(from).await;
            let logged = [&line.level, &line.user, &line.cause];
            assert_eq!(logged, [level, "ada", cause]);
        }
    })
    .await;
}

#[tokio::test]
async fn rights_of_the_users_file_are_enforced() {
    within(async {
        let door = EncryptedPort::by_name().await;
        let reason = door.enter_as("stranger", "x").await.err().unwrap();
        assert!(reason.starts_with(NOT_ALLOWED), "{reason}");
        door.enter_as("guest", "x").await.unwrap();
        let mut looker = door.enter_as("looker", "x").await.unwrap();
        let desktop = looker.init().await;
        looker.type_text("nobody reads this").await;
        // The picture is sent after the keys were processed.
        looker.picture(&desktop).await;
        assert_eq!(door.testbed.host.typed("vm08"), "");
    })
    .await;
}

#[tokio::test]
async fn right_may_use_another_name_of_the_vm() {
    within(async {
        let door = EncryptedPort::by_name().await;
        for user in ["by-id", "by-path", "by-vsphere"] {
            door.enter_as(user, "x").await.unwrap().init().await;
        }
        for user in ["other-id", "other-path", "other-vsphere"] {
            let reason = door.enter_as(user, "x").await.err().unwrap();
            assert!(reason.starts_with(NOT_ALLOWED), "{reason}");
        }
        assert_eq!(door.testbed.end().await.tickets_issued, 3);
    })
    .await;
}

#[tokio::test]
async fn state_of_a_vm_is_not_disclosed_to_a_user_without_rights() {
    within(async {
        let door = EncryptedPort::by_name().await;
        door.testbed.host.refuse_sdk(503, 100);
        let reason = door.enter_as("stranger", "x").await.err().unwrap();
        assert!(reason.starts_with(NOT_ALLOWED), "{reason}");
    })
    .await;
}

#[tokio::test]
async fn x509_vnc_and_x509_none() {
    within(async {
        let door = EncryptedPort::with(&[SecurityType::X509Vnc], |console| console).await;
        let by = |password| Client::new(Some(VncPassword::new(password).unwrap())).with_tls();
        door.enter(by(PASSWORD)).await.unwrap().init().await;
        assert!(
            door.enter(by("let me o"))
                .await
                .err()
                .unwrap()
                .starts_with("wrong password")
        );
        let door = EncryptedPort::with(&[SecurityType::X509None], |console| console).await;
        door.enter(Client::new(None).with_tls())
            .await
            .unwrap()
            .init()
            .await;
    })
    .await;
}

/// VeNCrypt up to the gateway's acceptance of the subtype, after which TLS begins.
const UP_TO_TLS: &[u8] = b"RFB 003.008\n\x13\x00\x02\x00\x00\x01\x06";

async fn up_to_tls(testbed: &Testbed) -> Viewer {
    let mut viewer = testbed.viewer().await;
    for piece in [&UP_TO_TLS[..12], &UP_TO_TLS[12..13], &UP_TO_TLS[13..15]] {
        viewer.send(piece).await;
    }
    // Version, one type, VeNCrypt's version, its status, one subtype.
    assert_eq!(
        viewer.bytes(12 + 2 + 2 + 1 + 5).await[12..],
        [1, 19, 0, 2, 0, 1, 0, 0, 1, 6]
    );
    viewer
}

#[tokio::test]
async fn invalid_tls_and_plaintext_before_it_end_that_connection_only() {
    within(async {
        let door = EncryptedPort::by_name().await;
        for garbage in [
            &b"\x16\x03\x01\xff\xff garbage"[..],
            b"GET / HTTP/1.1\r\n\r\n",
            &[0; 600],
        ] {
            let mut viewer = up_to_tls(&door.testbed).await;
            viewer.send(&UP_TO_TLS[15..]).await;
            assert_eq!(viewer.bytes(1).await, [1]);
            viewer.send(garbage).await;
            let mut rest = Vec::new();
            // A reset is accepted too.
            let _ = viewer.stream.read_to_end(&mut rest).await;
            assert!(rest.len() < 64, "an alert at most: {rest:?}");
        }
        // Name and password in plaintext, before TLS.
        let mut viewer = up_to_tls(&door.testbed).await;
        viewer
            .send(&[&UP_TO_TLS[15..], b"\0\0\0\x03\0\0\0\x01adax"].concat())
            .await;
        let mut rest = Vec::new();
        let _ = viewer.stream.read_to_end(&mut rest).await;
        assert_eq!(rest, [1]);
        // Oversized fields over TLS.
        for lengths in [[0xff; 8], [0, 0, 1, 0, 0, 0, 0, 0]] {
            let mut socket = up_to_tls(&door.testbed).await;
            socket.send(&UP_TO_TLS[15..]).await;
            assert_eq!(socket.bytes(1).await, [1]);
            let connector = TlsConnector::from(Arc::new(door.pin.client().unwrap()));
            let name = ServerName::try_from("localhost").unwrap();
            let mut stream = connector.connect(name, socket.stream).await.unwrap();
            stream.write_all(&lengths).await.unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
            assert!(rest.len() < 400, "a refusal at most");
        }
        door.enter_as("ada", "x").await.unwrap();
        let counts = door.testbed.end().await;
        assert_eq!(
            counts.tickets_issued, 1,
            "only who was let in cost a ticket"
        );
    })
    .await;
}

#[tokio::test]
async fn connection_stalled_in_the_tls_handshake_can_be_dropped() {
    within(async {
        let (tls, _) = certificate();
        let mut setup = Setup {
            auth: Auth::x509_plain(users(), tls),
            ..Setup::default()
        };
        setup.limits.max_unauthenticated = 8;
        let testbed = setup.start().await;
        let mut silent = Vec::new();
        for _ in 0..60 {
            let mut viewer = testbed.viewer().await;
            // Errors are ignored: this connection may be the one that is dropped.
            let _ = viewer.stream.write_all(UP_TO_TLS).await;
            silent.push(viewer);
        }
        until(|| {
            silent
                .iter()
                .filter(|viewer| !is_closed(&viewer.stream))
                .count()
                <= 8
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn concurrent_guesses_count_like_sequential_ones() {
    within(async {
        let door = EncryptedPort::by_name().await;
        let guesses =
            futures::future::join_all((0..24).map(|_| door.enter_as("ada", "wrong"))).await;
        let told = |words: &str| {
            let reasons = guesses.iter().filter_map(|guess| guess.as_ref().err());
            reasons.filter(|reason| reason.starts_with(words)).count()
        };
        assert_eq!(told("wrong user name or password"), 5);
        assert_eq!(told("too many failed logins"), 19);
    })
    .await;
}

#[tokio::test]
async fn rfb_3_3_viewer_gets_the_reason_that_encryption_is_required() {
    within(async {
        let door = EncryptedPort::by_name().await;
        let mut viewer = door.testbed.viewer().await;
        let reason = viewer
            .enter(crate::support::viewer::RfbVersion::V3_3, None)
            .await
            .unwrap_err();
        assert!(reason.contains("encrypted"), "{reason}");
    })
    .await;
}
