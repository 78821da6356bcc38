//! Who may open a console, limits on sessions, view-only and exclusive access, metrics.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use gateway::settings::ConsoleSettings;

use crate::support::testbed::{PASSWORD, Setup, Testbed, vm};
use crate::support::viewer::{RfbVersion, Viewer};
use crate::support::{http_get, within};

/// A VNC password that is not [`PASSWORD`].
const WRONG: &str = "let me o";

#[tokio::test]
async fn address_outside_the_allow_list_gets_the_reason_in_every_version() {
    within(async {
        let allow = |network: &'static str| Setup {
            customize: match network {
                "other" => |console| ConsoleSettings {
                    allow: vec!["10.0.0.0/8".parse().unwrap()],
                    ..console
                },
                "mapped" => |console| ConsoleSettings {
                    allow: vec!["::ffff:127.0.0.0/104".parse().unwrap()],
                    ..console
                },
                _ => |console| ConsoleSettings {
                    allow: vec!["::1/128".parse().unwrap(), "127.0.0.1/32".parse().unwrap()],
                    ..console
                },
            },
            ..Setup::default()
        };
        let closed = allow("other").start().await;
        for version in RfbVersion::ALL {
            let mut viewer = closed.viewer().await;
            let shown = viewer.enter(version, None).await.unwrap_err();
            assert!(
                shown.starts_with("your address may not use this console: ask the administrator"),
                "{version:?}: {shown}"
            );
            let line = viewer.closing_line().await;
            assert_eq!(
                (line.level.as_str(), line.blame.as_str()),
                ("WARN", "viewer")
            );
            assert_eq!(line.ended_by, "fault");
            assert_eq!(
                line.sentence,
                "127.0.0.1 may not use this console: add its network to allow"
            );
        }
        assert_eq!(closed.end().await.soap_calls(), 0);
        for network in ["mapped", "this"] {
            allow(network).start().await.viewer().await.open().await;
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
        // A session that ends frees its slot.
        drop(inside);
        testbed.sessions_until(1).await;
        testbed.log_in(None).await.unwrap();
    })
    .await;
}

/// The sentence in the log about a viewer that is refused.
async fn reason_of_third(testbed: &Testbed) -> String {
    let mut viewer = testbed.viewer().await;
    viewer.refused(RfbVersion::V3_8, None).await
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
        testbed.sessions_until(0).await;
        testbed.log_in(None).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn input_of_a_view_only_viewer_is_dropped() {
    within(async {
        let setup = Setup {
            customize: |console| ConsoleSettings {
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
        // The picture is sent after these messages were processed.
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
            let customize: fn(ConsoleSettings) -> ConsoleSettings = match honoured {
                true => |console| ConsoleSettings {
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
async fn metrics_and_health_are_served() {
    within(async {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let testbed = Setup {
            admin: Some(any),
            // Otherwise the dialect sends messages of its own to ESXi.
            transparent: true,
            ..Setup::default().with_password()
        }
        .start()
        .await;
        testbed.log_in(Some(WRONG)).await.unwrap_err();
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
