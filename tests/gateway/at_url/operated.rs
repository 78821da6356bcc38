//! Operation of consoles at URLs: limits, names, metrics, reloads.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use console::endpoint::Endpoint;
use console::settings::Backend;
use gateway::settings::{Admin, Auth, Config, ConsoleSettings, Limits};
use gateway::{Gateway, Shutdown};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::support::url_gateway::{Folder, Server};
use crate::support::viewer::{RfbVersion, Viewer};
use crate::support::{http_get, reserved_port, within};

#[tokio::test]
async fn console_at_a_url_has_limits_and_a_name() {
    within(async {
        let (server, folder) = (Server::start().await, Folder::new());
        let limits = "max_sessions_per_vm = 1";
        for (name, shown) in [
            ("", format!("{}/x", server.address())),
            ("name = \"kiosk\"\n", "kiosk".into()),
        ] {
            let keys = format!("{name}url = \"{}\"", server.url("/x?token=secret"));
            let gateway = folder.gateway(limits, &keys).await;
            let (_viewer, _line) = server.session(&gateway).await;
            let reason = Viewer::connect(gateway.port)
                .await
                .refused(RfbVersion::V3_8, None)
                .await;
            assert!(
                reason.starts_with(&format!("all 1 sessions of {shown} are in use")),
                "{reason}"
            );
            assert!(server.has_no_connection().await);
            gateway.end().await;
        }
    })
    .await;
}

#[tokio::test]
async fn relayed_bytes_are_counted() {
    within(async {
        let (server, folder) = (Server::start().await, Folder::new());
        let mut config = folder.config("", &format!("url = \"{}\"", server.url("/")));
        config.admin = Some(Admin::open(([127, 0, 0, 1], 0).into()));
        let gateway = Gateway::bind(config).await.unwrap();
        let (port, admin) = (gateway.ports().next().unwrap().0, gateway.admin().unwrap());
        let (shutdown, tasks) = (Shutdown::default(), TaskTracker::new());
        tasks.spawn(gateway.run(shutdown.clone()));
        tasks.close();
        let mut viewer = Viewer::connect(port).await;
        let hosting = async {
            let mut connection = server.connection().await;
            connection.open().await;
            connection.send_binary(&[7; 1000]).await;
            connection
        };
        let (entered, _line) = tokio::join!(viewer.enter(RfbVersion::V3_8, None), hosting);
        entered.unwrap();
        assert_eq!(viewer.bytes(1000).await, [7; 1000]);
        let relayed = "mksgate_bytes_total{direction=\"to_viewer\"} 1000";
        // Bytes are counted after the write, so the viewer may receive them before.
        let counted = loop {
            let counted = http_get(admin, "/metrics").await;
            if counted.lines().any(|line| line == relayed) {
                break counted;
            }
        };
        for line in [
            "mksgate_sessions_active 1",
            "mksgate_stage_seconds_count{stage=\"ticket\"} 1",
            "mksgate_stage_seconds_count{stage=\"dial\"} 1",
        ] {
            assert!(
                counted.lines().any(|found| found == line),
                "{line}: {counted}"
            );
        }
        shutdown.now.cancel();
        tasks.wait().await;
    })
    .await;
}

/// A console on `listen` at a URL, with default settings.
fn at(url: &str, listen: SocketAddr) -> Config {
    let endpoint = Arc::new(Endpoint::at(url).unwrap());
    let console = ConsoleSettings::with_defaults(Backend::Url(endpoint), listen, Auth::none());
    Config {
        gateway: Limits::default(),
        admin: None,
        web: None,
        vspheres: BTreeMap::new(),
        consoles: vec![console],
    }
}

#[tokio::test]
async fn reloaded_url_applies_to_new_viewers_only() {
    within(async {
        let (first, second) = (Server::start().await, Server::start().await);
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, reserved_port()));
        let gateway = Gateway::bind(at(&first.url("/1"), listen)).await.unwrap();
        let (reload, reloads) = mpsc::channel(1);
        let (shutdown, tasks) = (Shutdown::default(), TaskTracker::new());
        tasks.spawn(gateway.run_reloading(shutdown.clone(), reloads));
        tasks.close();
        let opened = async |server: &Server| {
            let mut viewer = Viewer::connect(listen).await;
            let hosting = async {
                let mut connection = server.connection().await;
                connection.open().await;
                connection
            };
            let (entered, connection) = tokio::join!(viewer.enter(RfbVersion::V3_8, None), hosting);
            entered.unwrap();
            (viewer, connection)
        };
        let (mut old_viewer, mut old_line) = opened(&first).await;
        reload.send(at(&second.url("/2"), listen)).await.unwrap();
        // The channel holds one, so the second has been received once the third was sent.
        reload.send(at(&second.url("/2"), listen)).await.unwrap();
        reload.reserve().await.unwrap();
        let (mut new_viewer, mut new_line) = opened(&second).await;
        old_line.send_binary(b"old").await;
        new_line.send_binary(b"new").await;
        assert_eq!(old_viewer.bytes(3).await, b"old");
        assert_eq!(new_viewer.bytes(3).await, b"new");
        assert!(first.has_no_connection().await);
        shutdown.now.cancel();
        tasks.wait().await;
    })
    .await;
}
