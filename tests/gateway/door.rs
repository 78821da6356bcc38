//! The front door: who may in, from where, how many at once, and what it costs to try.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::BytesMut;
use futures::future::join_all;
use gateway::settings::Console;
use rfb_proto::{Client, ClientStep, VncPassword};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::house::{House, PASSWORD, Plan, vm};
use crate::support::viewer::{Dialect, Viewer};
use crate::support::{ask, is_closed, within};

/// A VNC password that is not [`PASSWORD`].
const WRONG: &str = "let me o";

async fn assert_nothing_comes(mut viewer: Viewer) {
    assert_eq!(
        viewer.rest().await,
        b"",
        "it is closed before a byte is exchanged"
    );
}

#[tokio::test]
async fn an_address_that_is_not_allowed_gets_no_byte_and_starts_nothing() {
    within(async {
        let allow = |network: &'static str| Plan {
            shape: match network {
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
            ..Plan::default()
        };
        let closed = allow("other").start().await;
        assert_nothing_comes(closed.viewer().await).await;
        assert_eq!(closed.end().await.soap_calls(), 0);
        for network in ["mapped", "this"] {
            allow(network).start().await.viewer().await.open().await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_fifth_wrong_password_in_a_row_costs_a_minute_whatever_comes_next() {
    within(async {
        let house = Plan::default().with_password().start().await;
        for _ in 0..5 {
            let reason = house
                .viewer()
                .await
                .enter(Dialect::V3_8, Some(WRONG))
                .await
                .unwrap_err();
            assert!(reason.starts_with("wrong password"), "{reason}");
        }
        for dialect in Dialect::ALL {
            let mut viewer = house.viewer().await;
            let reason = viewer.enter(dialect, Some(PASSWORD)).await.unwrap_err();
            // Some of the sixty seconds may be over.
            let left =
                reason.strip_prefix("too many failed logins from your address: try again in ");
            let seconds = left.and_then(|left| left.strip_suffix(" s")?.parse::<u8>().ok());
            assert!(matches!(seconds, Some(50..=60)), "{reason}");
        }
        assert_eq!(house.end().await.soap_calls(), 0);
    })
    .await;
}

#[tokio::test]
async fn guesses_that_were_begun_side_by_side_are_no_way_around_the_penalty() {
    within(async {
        let house = Plan::default().with_password().start().await;
        let mut viewers = Vec::new();
        for _ in 0..20 {
            let mut viewer = house.viewer().await;
            viewer.exchange_versions(Dialect::V3_8.line()).await;
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
async fn a_right_password_forgives_the_wrong_ones_before_it() {
    within(async {
        let house = Plan::default().with_password().start().await;
        for _ in 0..3 {
            for _ in 0..4 {
                house
                    .viewer()
                    .await
                    .enter(Dialect::V3_8, Some(WRONG))
                    .await
                    .unwrap_err();
            }
            house
                .viewer()
                .await
                .enter(Dialect::V3_8, Some(PASSWORD))
                .await
                .unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn each_limit_on_sessions_has_its_own_words() {
    within(async {
        let mut plan = Plan {
            consoles: vec!["vm08".into(), "vm09".into()],
            ..Plan::default()
        };
        plan.host.vms.push(vm("vm09"));
        plan.limits.max_sessions = 3;
        plan.limits.max_sessions_per_vm = 2;
        let house = plan.start().await;
        let mut inside = vec![house.viewer().await, house.viewer().await];
        for viewer in &mut inside {
            viewer.open().await;
        }
        let reason = reason_of_third(&house).await;
        assert_eq!(
            reason,
            "all 2 sessions of vm08 are in use: close one, or raise max_sessions_per_vm"
        );
        let mut other = Viewer::connect(house.ports[1]).await;
        other.open().await;
        let reason = reason_of_third(&house).await;
        assert!(
            reason.starts_with("all 3 sessions of this gateway are in use"),
            "{reason}"
        );
        // Who leaves makes room.
        drop(inside);
        house
            .host
            .counts_until(|counts| counts.consoles_open == 1)
            .await;
        while house
            .viewer()
            .await
            .enter(Dialect::V3_8, None)
            .await
            .is_err()
        {}
    })
    .await;
}

async fn reason_of_third(house: &House) -> String {
    house
        .viewer()
        .await
        .enter(Dialect::V3_8, None)
        .await
        .unwrap_err()
}

#[tokio::test]
async fn an_esxi_host_takes_only_max_consoles() {
    within(async {
        let house = Plan {
            max_consoles: 1,
            ..Plan::default()
        }
        .start()
        .await;
        let mut first = house.viewer().await;
        first.open().await;
        let reason = reason_of_third(&house).await;
        let host = house.host.address();
        assert_eq!(
            reason,
            format!(
                "{host} has all 1 consoles open that max_consoles allows: close one, or raise it"
            )
        );
        drop(first);
        house
            .host
            .counts_until(|counts| counts.consoles_open == 0)
            .await;
        while house
            .viewer()
            .await
            .enter(Dialect::V3_8, None)
            .await
            .is_err()
        {}
    })
    .await;
}

#[tokio::test]
async fn a_viewer_that_may_only_look_changes_nothing() {
    within(async {
        let plan = Plan {
            shape: |console| Console {
                view_only: true,
                ..console
            },
            ..Plan::default()
        };
        let house = plan.start().await;
        let mut viewer = house.viewer().await;
        let desktop = viewer.open().await;
        let before = viewer.picture(&desktop).await;
        viewer.type_text("rm -rf\n").await;
        viewer.point(5, 5, 1).await;
        // ClientCutText.
        viewer.send(&[6, 0, 0, 0, 0, 0, 0, 2, b'h', b'i']).await;
        // The picture comes after all that, so it would show it.
        assert_eq!(viewer.picture(&desktop).await, before);
        assert_eq!(house.host.typed("vm08"), "");
        assert_eq!(house.host.pointer("vm08").buttons, 0);
    })
    .await;
}

#[tokio::test]
async fn a_viewer_that_asks_for_the_console_alone_gets_it_only_where_that_is_honoured() {
    within(async {
        for honoured in [false, true] {
            let shape: fn(Console) -> Console = match honoured {
                true => |console| Console {
                    exclusive: true,
                    ..console
                },
                false => |console| console,
            };
            let house = Plan {
                shape,
                ..Plan::default()
            }
            .start()
            .await;
            let (mut first, mut second) = (house.viewer().await, house.viewer().await);
            first.open().await;
            second.enter(Dialect::V3_8, None).await.unwrap();
            // ClientInit: not shared; then the beginning of ServerInit.
            second.send(&[0]).await;
            assert_eq!(second.bytes(4).await, [0, 160, 0, 120]);
            if honoured {
                first.rest().await;
            } else {
                first.type_text("still here").await;
                house
                    .host
                    .typed_until("vm08", |typed| typed == "still here")
                    .await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn silence_and_long_stays_end_where_they_are_limited() {
    within(async {
        for (idle, stay) in [(Some(1), None), (None, Some(1))] {
            let mut plan = Plan::default();
            plan.limits.idle_timeout = idle.map(Duration::from_secs);
            plan.limits.max_session_time = stay.map(Duration::from_secs);
            let house = plan.start().await;
            let mut viewer = house.viewer().await;
            viewer.open().await;
            viewer.rest().await;
            house
                .host
                .counts_until(|counts| counts.consoles_open == 0)
                .await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_real_address_comes_from_the_balancer_and_from_nobody_else() {
    within(async {
        let behind = |from: &str, shape| {
            let mut plan = Plan {
                shape,
                ..Plan::default()
            };
            plan.limits.proxy_from = Some(vec![from.parse().unwrap()]);
            plan.start()
        };
        let allow_ten: fn(Console) -> Console = |console| Console {
            allow: vec!["10.0.0.0/8".parse().unwrap()],
            ..console
        };
        let house = behind("127.0.0.1/32", allow_ten).await;
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
            let mut viewer = house.viewer().await;
            viewer.send(header).await;
            match may {
                true => drop(viewer.open().await),
                false => assert_nothing_comes(viewer).await,
            }
        }
        // In single bytes, and with the viewer's first words in the same segment.
        let mut viewer = house.viewer().await;
        for byte in b"PROXY TCP4 10.1.2.3 10.0.0.1 4000 5900\r\n" {
            viewer.send(&[*byte]).await;
        }
        viewer.open().await;
        // From an address that may not say so, even a good header is worth nothing.
        let house = behind("10.0.0.0/8", |console| console).await;
        let mut viewer = house.viewer().await;
        viewer
            .send(b"PROXY TCP4 10.1.2.3 10.0.0.1 4000 5900\r\n")
            .await;
        assert_nothing_comes_or_reset(viewer).await;
    })
    .await;
}

/// It was closed before it was read, which may be a reset.
async fn assert_nothing_comes_or_reset(mut viewer: Viewer) {
    let mut bytes = Vec::new();
    let _ = viewer.stream.read_to_end(&mut bytes).await;
    assert_eq!(bytes, b"");
}

#[tokio::test]
async fn penalties_follow_the_real_address() {
    within(async {
        let mut plan = Plan::default().with_password();
        plan.limits.proxy_from = Some(vec!["127.0.0.1/32".parse().unwrap()]);
        let house = plan.start().await;
        let from = async |last: u8, password| {
            let mut viewer = house.viewer().await;
            viewer
                .send(format!("PROXY TCP4 10.0.0.{last} 10.0.0.9 4000 5900\r\n").as_bytes())
                .await;
            viewer.enter(Dialect::V3_8, Some(password)).await
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
async fn a_flood_of_silence_does_not_shut_out_who_has_the_password() {
    within(async {
        let mut plan = Plan::default().with_password();
        plan.limits.max_unauthenticated = 64;
        let house = plan.start().await;
        let address = house.ports[0];
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
async fn who_is_pushed_out_is_told_why_where_rfb_has_a_place_for_it() {
    within(async {
        let mut plan = Plan::default().with_password();
        plan.limits.max_unauthenticated = 1;
        let house = plan.start().await;
        let mut reasons = 0;
        // With room for one, each newcomer pushes out itself or the one before.
        for _ in 0..20 {
            let mut first = house.viewer().await;
            if first.stream.read_exact(&mut [0; 12]).await.is_err() {
                continue;
            }
            // As far as the challenge: what it waits for then is a result, which can hold a reason.
            first.send(b"RFB 003.008\n\x02").await;
            if first.stream.read_exact(&mut [0; 2 + 16]).await.is_err() {
                continue;
            }
            let _newcomer = house.viewer().await;
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
async fn a_drip_of_single_bytes_ends_with_the_login_timeout() {
    within(async {
        let house = Plan::default().with_password().impatient().start().await;
        let mut viewer = house.viewer().await;
        let mut drip = tokio::time::interval(Duration::from_millis(300));
        let mut sent = 0;
        // Eleven bytes of the version take longer than three seconds; the twelfth is never asked for.
        for byte in b"RFB 003.008" {
            drip.tick().await;
            sent += usize::from(viewer.stream.write_all(&[*byte]).await.is_ok());
        }
        assert!(sent >= 5);
        assert_eq!(viewer.rest().await, b"RFB 003.008\n");
        house
            .viewer()
            .await
            .enter(Dialect::V3_8, Some(PASSWORD))
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn whoever_takes_too_long_is_told_so_where_rfb_has_a_place_for_it() {
    within(async {
        let house = Plan::default().with_password().impatient().start().await;
        let mut viewer = house.viewer().await;
        viewer.exchange_versions(Dialect::V3_8.line()).await;
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
        let mut plan = Plan::default().with_password();
        plan.limits.handshake_timeout = Duration::from_secs(3);
        let house = plan.start().await;
        let mut viewer = house.viewer().await;
        viewer.exchange_versions(Dialect::V3_8.line()).await;
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
        let mut plan = Plan::default().with_password();
        plan.limits.handshake_timeout = Duration::from_secs(3);
        // Whether the viewer wants the console alone must be known before the relay begins.
        plan.shape = |console| Console {
            exclusive: true,
            ..console
        };
        let house = plan.start().await;
        let mut viewer = house.viewer().await;
        viewer.enter(Dialect::V3_8, Some(PASSWORD)).await.unwrap();
        assert_eq!(viewer.rest().await, b"");
    })
    .await;
}

#[tokio::test]
async fn what_is_counted_can_be_read() {
    within(async {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let house = Plan {
            admin: Some(any),
            // Otherwise the gateway has something of its own to say to ESXi.
            transparent: true,
            ..Plan::default().with_password()
        }
        .start()
        .await;
        house
            .viewer()
            .await
            .enter(Dialect::V3_8, Some(WRONG))
            .await
            .unwrap_err();
        let mut viewer = house.viewer().await;
        viewer.enter(Dialect::V3_8, Some(PASSWORD)).await.unwrap();
        viewer.init().await;
        let answer = ask(house.admin.unwrap(), "/metrics").await;
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
            ask(house.admin.unwrap(), "/healthz")
                .await
                .ends_with("\r\n\r\nok\n")
        );
    })
    .await;
}
