//! Connections before their login: the limit on their number, and time limits.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use futures::future::join_all;
use gateway::settings::ConsoleSettings;
use rfb_proto::{Client, ClientStep, VncPassword};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::testbed::{PASSWORD, Setup, vm};
use crate::support::viewer::{RfbVersion, Viewer};
use crate::support::{is_closed, within};

#[tokio::test]
async fn flood_of_idle_connections_does_not_prevent_logins() {
    within(async {
        let mut setup = Setup::default().with_password();
        setup.limits.max_unauthenticated = 64;
        let testbed = setup.start().await;
        let address = testbed.ports[0];
        let mut flood = Vec::new();
        for _ in 0..20 {
            flood.extend(join_all((0..25).map(|_| TcpStream::connect(address))).await);
            // Each new connection drops a random one of 65, which may be the login: it is repeated, as users do.
            let mut tries = 0;
            while !matches!(logs_in(address).await, Ok(true)) {
                tries += 1;
                assert!(tries < 8, "the flood prevents all logins");
            }
        }
        let mut held = 0;
        for socket in flood.into_iter().flatten() {
            held += usize::from(!is_closed(&socket));
        }
        assert!(held <= 64, "{held} are held");
        assert!(
            held > 16,
            "only {held} are held: connections were dropped below half of the limit"
        );
    })
    .await;
}

/// One login with the right password: false where the connection was dropped.
async fn logs_in(address: SocketAddr) -> std::io::Result<bool> {
    let mut socket = TcpStream::connect(address).await?;
    let mut client = Client::new(VncPassword::new(PASSWORD).ok());
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    loop {
        let step = client.advance(&mut input, &mut output);
        socket.write_all_buf(&mut output).await?;
        match step {
            Ok(ClientStep::Ready(_)) => return Ok(true),
            Ok(ClientStep::More) if socket.read_buf(&mut input).await? > 0 => {}
            _ => return Ok(false),
        }
    }
}

#[tokio::test]
async fn dropped_connection_gets_the_reason_where_rfb_can_carry_it() {
    within(async {
        let mut setup = Setup::default().with_password();
        setup.limits.max_unauthenticated = 1;
        let testbed = setup.start().await;
        let mut reasons = 0;
        // With a limit of 1, each new connection drops itself or the one before.
        for _ in 0..20 {
            let mut first = testbed.viewer().await;
            if first.stream.read_exact(&mut [0; 12]).await.is_err() {
                continue;
            }
            // After the challenge, the next message is SecurityResult, which can carry a reason.
            first.send(b"RFB 003.008\n\x02").await;
            if first.stream.read_exact(&mut [0; 2 + 16]).await.is_err() {
                continue;
            }
            let _newcomer = testbed.viewer().await;
            let mut rest = Vec::new();
            if tokio::time::timeout(
                Duration::from_millis(300),
                first.stream.read_to_end(&mut rest),
            )
            .await
            .is_ok()
            {
                let text = String::from_utf8_lossy(&rest).into_owned();
                reasons +=
                    usize::from(text.contains(
                        "too many connections are waiting to log in: try again (session ",
                    ));
            }
        }
        assert!(reasons > 0, "no connection got a reason");
    })
    .await;
}

#[tokio::test]
async fn slow_single_bytes_end_with_the_login_timeout() {
    within(async {
        let testbed = Setup::default()
            .with_password()
            .with_short_timeouts()
            .start()
            .await;
        let mut viewer = testbed.viewer().await;
        let mut drip = tokio::time::interval(Duration::from_millis(300));
        let mut sent = 0;
        // Eleven bytes of the version take longer than three seconds; the twelfth is never sent.
        for byte in b"RFB 003.008" {
            drip.tick().await;
            sent += usize::from(viewer.stream.write_all(&[*byte]).await.is_ok());
        }
        assert!(sent >= 5);
        assert_eq!(viewer.rest().await, b"RFB 003.008\n");
        testbed.log_in(Some(PASSWORD)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn login_timeout_is_reported_where_rfb_can_carry_it() {
    within(async {
        let testbed = Setup::default()
            .with_password()
            .with_short_timeouts()
            .start()
            .await;
        let mut viewer = testbed.viewer().await;
        viewer.choose_vnc_authentication().await;
        viewer.bytes(16).await;
        let rest = viewer.rest().await;
        let shown = String::from_utf8_lossy(&rest);
        assert!(
            shown.contains("no login within 3 s: connect again (session "),
            "{shown}"
        );
        let line = viewer.closing_line().await;
        assert_eq!(
            line.sentence,
            "the viewer did not log in within 3 s: connect again, or raise login_timeout"
        );
    })
    .await;
}

#[tokio::test]
async fn slow_typist_leaves_vsphere_its_full_time() {
    within(async {
        let mut setup = Setup::default().with_password();
        setup.limits.handshake_timeout = Duration::from_secs(3);
        let testbed = setup.start().await;
        let mut viewer = testbed.viewer().await;
        viewer.choose_vnc_authentication().await;
        // Typing the password takes longer than handshake_timeout.
        tokio::time::sleep(Duration::from_secs(4)).await;
        viewer.answer_challenge(PASSWORD).await;
        assert_eq!(viewer.word().await, 0, "SecurityResult");
        viewer.init().await;
    })
    .await;
}

#[tokio::test]
async fn viewer_that_never_sends_client_init_ends_with_the_handshake_timeout() {
    within(async {
        let mut setup = Setup::default().with_password();
        setup.limits.handshake_timeout = Duration::from_secs(3);
        // With `exclusive`, the gateway needs ClientInit before the relay begins.
        setup.customize = |console| ConsoleSettings {
            exclusive: true,
            ..console
        };
        let testbed = setup.start().await;
        let mut viewer = testbed.viewer().await;
        viewer
            .enter(RfbVersion::V3_8, Some(PASSWORD))
            .await
            .unwrap();
        assert_eq!(viewer.rest().await, b"");
    })
    .await;
}

#[tokio::test]
async fn flood_from_outside_allow_takes_no_place_before_the_login() {
    within(async {
        let mut setup = Setup {
            consoles: vec!["vm08".into(), "vm09".into()],
            customize: |console| match console.backend.to_string().as_str() {
                "vm08" => ConsoleSettings {
                    allow: vec!["10.0.0.0/8".parse().unwrap()],
                    ..console
                },
                _ => console,
            },
            ..Setup::default()
        };
        setup.host.vms.push(vm("vm09"));
        setup.limits.max_unauthenticated = 1;
        let testbed = setup.start().await;
        let [closed, open] = testbed.ports[..] else {
            unreachable!("there are two consoles");
        };
        // They send nothing, and are held for 3 s.
        let mut flood = Vec::new();
        for _ in 0..16 {
            let mut outside = TcpStream::connect(closed).await.unwrap();
            outside.read_exact(&mut [0; 12]).await.unwrap();
            flood.push(outside);
        }
        let mut seventeenth = TcpStream::connect(closed).await.unwrap();
        let mut rest = Vec::new();
        // A reset, or the end.
        let _ = seventeenth.read_to_end(&mut rest).await;
        assert_eq!(rest, b"");
        Viewer::connect(open).await.open().await;
    })
    .await;
}
