//! The front door: who may in, from where, how many at once, and what it costs to try.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::BytesMut;
use futures::future::join_all;
use gateway::settings::Console;
use rfb_proto::{Client, ClientStep, VncPassword};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::testbed::{PASSWORD, Setup, Testbed, vm};
use crate::support::viewer::{RfbVersion, Viewer};
use crate::support::{http_get, is_closed, within};

/// A VNC password that is not [`PASSWORD`].
const WRONG: &str = "let me o";

async fn assert_closed_without_data(mut viewer: Viewer) {
    assert_eq!(
        viewer.rest().await,
        b"",
        "it is closed before a byte is exchanged"
    );
}

#[tokio::test]
async fn address_outside_the_allow_list_is_closed_without_data() {
    within(async {
        let allow = |network: &'static str| Setup {
            customize: match network {
                "other" => |console| Console {
                    allow: vec!["10.0.0.0/8".parse().unwrap()],
                    ..console
                },
                "mapped" => |console| Console {
                    allow: vec!["::ffff:127.0.0.0/104".parse().unwrap()],
                    ..console
                },
                _ => |console| Console {
                    allow: vec!["::1/128".parse().unwrap(), "127.0.0.1/32".parse().unwrap()],
                    ..console
                },
            },
            ..Setup::default()
        };
        let closed = allow("other").start().await;
        assert_closed_without_data(closed.viewer().await).await;
        assert_eq!(closed.end().await.soap_calls(), 0);
        for network in ["mapped", "this"] {
            allow(network).start().await.viewer().await.open().await;
        }
    })
    .await;
}

#[tokio::test]
async fn fifth_wrong_password_refuses_all_logins_for_a_minute() {
    within(async {
        let testbed = Setup::default().with_password().start().await;
        for _ in 0..5 {
            let reason = testbed
                .viewer()
                .await
                .enter(RfbVersion::V3_8, Some(WRONG))
                .await
                .unwrap_err();
            assert!(reason.starts_with("wrong password"), "{reason}");
        }
        for version in RfbVersion::ALL {
            let mut viewer = testbed.viewer().await;
            let reason = viewer.enter(version, Some(PASSWORD)).await.unwrap_err();
            // Some of the sixty seconds may be over.
            let left =
                reason.strip_prefix("too many failed logins from your address: try again in ");
            let seconds = left.and_then(|left| left.strip_suffix(" s")?.parse::<u8>().ok());
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
            viewer.exchange_versions(RfbVersion::V3_8.bytes()).await;
            assert_eq!(viewer.bytes(2).await, [1, 2]);
            viewer.send(&[2]).await;
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
                testbed
                    .viewer()
                    .await
                    .enter(RfbVersion::V3_8, Some(WRONG))
                    .await
                    .unwrap_err();
            }
            testbed
                .viewer()
                .await
                .enter(RfbVersion::V3_8, Some(PASSWORD))
                .await
                .unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn each_limit_on_sessions_has_its_own_message() {
    within(async {
        let mut setup = Setup {
            consoles: vec!["vm08".into(), "vm09".into()],
            ..Setup::default()
        };
        setup.host.vms.push(vm("vm09"));
        setup.limits.max_sessions = 3;
        setup.limits.max_sessions_per_vm = 2;
        let testbed = setup.start().await;
        let mut inside = vec![testbed.viewer().await, testbed.viewer().await];
        for viewer in &mut inside {
            viewer.open().await;
        }
        let reason = reason_of_third(&testbed).await;
        assert_eq!(
            reason,
            "all 2 sessions of vm08 are in use: close one, or raise max_sessions_per_vm"
        );
        let mut other = Viewer::connect(testbed.ports[1]).await;
        other.open().await;
        let reason = reason_of_third(&testbed).await;
        assert!(
            reason.starts_with("all 3 sessions of this gateway are in use"),
            "{reason}"
        );
        // Who leaves makes room.
        drop(inside);
        testbed
            .host
            .counts_until(|counts| counts.consoles_open == 1)
            .await;
        while testbed
            .viewer()
            .await
            .enter(RfbVersion::V3_8, None)
            .await
            .is_err()
        {}
    })
    .await;
}

async fn reason_of_third(testbed: &Testbed) -> String {
    testbed
        .viewer()
        .await
        .enter(RfbVersion::V3_8, None)
        .await
        .unwrap_err()
}

#[tokio::test]
async fn consoles_per_host_are_limited_by_max_consoles() {
    within(async {
        let testbed = Setup {
            max_consoles: 1,
            ..Setup::default()
        }
        .start()
        .await;
        let mut first = testbed.viewer().await;
        first.open().await;
        let reason = reason_of_third(&testbed).await;
        let host = testbed.host.address();
        assert_eq!(
            reason,
            format!("all 1 consoles of {host} are in use: close one, or raise max_consoles")
        );
        drop(first);
        testbed
            .host
            .counts_until(|counts| counts.consoles_open == 0)
            .await;
        while testbed
            .viewer()
            .await
            .enter(RfbVersion::V3_8, None)
            .await
            .is_err()
        {}
    })
    .await;
}

#[tokio::test]
async fn input_of_a_view_only_viewer_is_dropped() {
    within(async {
        let setup = Setup {
            customize: |console| Console {
                view_only: true,
                ..console
            },
            ..Setup::default()
        };
        let testbed = setup.start().await;
        let mut viewer = testbed.viewer().await;
        let desktop = viewer.open().await;
        let before = viewer.picture(&desktop).await;
        viewer.type_text("rm -rf\n").await;
        viewer.point(5, 5, 1).await;
        // ClientCutText.
        viewer.send(&[6, 0, 0, 0, 0, 0, 0, 2, b'h', b'i']).await;
        // The picture comes after all that, so it would show it.
        assert_eq!(viewer.picture(&desktop).await, before);
        assert_eq!(testbed.host.typed("vm08"), "");
        assert_eq!(testbed.host.pointer("vm08").buttons, 0);
    })
    .await;
}

#[tokio::test]
async fn exclusive_access_is_granted_only_where_configured() {
    within(async {
        for honoured in [false, true] {
            let customize: fn(Console) -> Console = match honoured {
                true => |console| Console {
                    exclusive: true,
                    ..console
                },
                false => |console| console,
            };
            let testbed = Setup {
                customize,
                ..Setup::default()
            }
            .start()
            .await;
            let (mut first, mut second) = (testbed.viewer().await, testbed.viewer().await);
            first.open().await;
            second.enter(RfbVersion::V3_8, None).await.unwrap();
            // ClientInit: not shared; then the beginning of ServerInit.
            second.send(&[0]).await;
            assert_eq!(second.bytes(4).await, [0, 160, 0, 120]);
            if honoured {
                first.rest().await;
            } else {
                first.type_text("still here").await;
                testbed
                    .host
                    .typed_until("vm08", |typed| typed == "still here")
                    .await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn idle_timeout_and_max_session_time_end_sessions() {
    within(async {
        for (idle, stay) in [(Some(1), None), (None, Some(1))] {
            let mut setup = Setup::default();
            setup.limits.idle_timeout = idle.map(Duration::from_secs);
            setup.limits.max_session_time = stay.map(Duration::from_secs);
            let testbed = setup.start().await;
            let mut viewer = testbed.viewer().await;
            viewer.open().await;
            viewer.rest().await;
            testbed
                .host
                .counts_until(|counts| counts.consoles_open == 0)
                .await;
        }
    })
    .await;
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
        let allow_ten: fn(Console) -> Console = |console| Console {
            allow: vec!["10.0.0.0/8".parse().unwrap()],
            ..console
        };
        let testbed = behind("127.0.0.1/32", allow_ten).await;
        for (header, may) in [
            (&b"PROXY TCP4 10.1.2.3 10.0.0.1 4000 5900\r\n"[..], true),
            (b"PROXY TCP4 11.1.2.3 10.0.0.1 4000 5900\r\n", false),
            (
                b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x0a\x01\x02\x03\x0a\0\0\x01\x0f\xa0\x17\x0c",
                true,
            ),
            (
                b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x0b\x01\x02\x03\x0a\0\0\x01\x0f\xa0\x17\x0c",
                false,
            ),
            // A health check speaks for the balancer itself, which is not in 10/8.
            (b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", false),
            (b"RFB 003.008\n", false),
        ] {
            let mut viewer = testbed.viewer().await;
            viewer.send(header).await;
            match may {
                true => drop(viewer.open().await),
                false => assert_closed_without_data(viewer).await,
            }
        }
        // In single bytes, and with the viewer's first words in the same segment.
        let mut viewer = testbed.viewer().await;
        for byte in b"PROXY TCP4 10.1.2.3 10.0.0.1 4000 5900\r\n" {
            viewer.send(&[*byte]).await;
        }
        viewer.open().await;
        // From an address that may not say so, even a good header is worth nothing.
        let testbed = behind("10.0.0.0/8", |console| console).await;
        let mut viewer = testbed.viewer().await;
        viewer
            .send(b"PROXY TCP4 10.1.2.3 10.0.0.1 4000 5900\r\n")
            .await;
        assert_closed_or_reset_without_data(viewer).await;
    })
    .await;
}

/// It was closed before it was read, which may be a reset.
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
            // One of 65 is pushed out by each newcomer: a login of a few milliseconds is hardly ever it,
            // but may be; people try again, and so do we.
            let mut tries = 0;
            while !matches!(logs_in(address).await, Ok(true)) {
                tries += 1;
                assert!(tries < 8, "the flood keeps everybody out");
            }
        }
        let mut held = 0;
        for socket in flood.into_iter().flatten() {
            held += usize::from(!is_closed(&socket));
        }
        assert!(held <= 64, "{held} are held");
        assert!(
            held > 16,
            "only {held} are held: nobody need be pushed out that early"
        );
    })
    .await;
}

/// One try of somebody who has the password: whether it is let in, unless it is pushed out before that.
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
        // With room for one, each newcomer pushes out itself or the one before.
        for _ in 0..20 {
            let mut first = testbed.viewer().await;
            if first.stream.read_exact(&mut [0; 12]).await.is_err() {
                continue;
            }
            // As far as the challenge: what it waits for then is a result, which can hold a reason.
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
                reasons += usize::from(
                    text.ends_with("too many connections are waiting to log in: try again"),
                );
            }
        }
        assert!(reasons > 0, "nobody was told");
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
        // Eleven bytes of the version take longer than three seconds; the twelfth is never asked for.
        for byte in b"RFB 003.008" {
            drip.tick().await;
            sent += usize::from(viewer.stream.write_all(&[*byte]).await.is_ok());
        }
        assert!(sent >= 5);
        assert_eq!(viewer.rest().await, b"RFB 003.008\n");
        testbed
            .viewer()
            .await
            .enter(RfbVersion::V3_8, Some(PASSWORD))
            .await
            .unwrap();
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
        viewer.exchange_versions(RfbVersion::V3_8.bytes()).await;
        assert_eq!(viewer.bytes(2).await, [1, 2]);
        viewer.send(&[2]).await;
        viewer.bytes(16).await;
        let rest = viewer.rest().await;
        assert!(
            rest.ends_with(
                b"the viewer did not log in within 3 s: connect again, or raise login_timeout"
            ),
            "{rest:?}"
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
        viewer.exchange_versions(RfbVersion::V3_8.bytes()).await;
        assert_eq!(viewer.bytes(2).await, [1, 2]);
        viewer.send(&[2]).await;
        // The person needs longer than handshake_timeout for the password.
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
        // Whether the viewer wants the console alone must be known before the relay begins.
        setup.customize = |console| Console {
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
async fn metrics_and_health_are_served() {
    within(async {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let testbed = Setup {
            admin: Some(any),
            // Otherwise the gateway has something of its own to say to ESXi.
            transparent: true,
            ..Setup::default().with_password()
        }
        .start()
        .await;
        testbed
            .viewer()
            .await
            .enter(RfbVersion::V3_8, Some(WRONG))
            .await
            .unwrap_err();
        let mut viewer = testbed.viewer().await;
        viewer
            .enter(RfbVersion::V3_8, Some(PASSWORD))
            .await
            .unwrap();
        viewer.init().await;
        let answer = http_get(testbed.admin.unwrap(), "/metrics").await;
        for line in [
            "mksgate_sessions_active 1",
            "mksgate_auth_failures_total 1",
            "mksgate_sessions_total{result=\"fault\"} 1",
            "mksgate_stage_seconds_count{stage=\"dial\"} 1",
            "mksgate_bytes_total{direction=\"to_esxi\"} 1",
        ] {
            assert!(
                answer.lines().any(|found| found == line),
                "{line} is missing in\n{answer}"
            );
        }
        assert!(
            http_get(testbed.admin.unwrap(), "/healthz")
                .await
                .ends_with("\r\n\r\nok\n")
        );
    })
    .await;
}
