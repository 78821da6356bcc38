//! Pictures, keys and pointer in every version of RFB.

use esxi_sim::Pointer;
use futures::future::join_all;
use tokio_util::task::TaskTracker;

use crate::support::direct;
use crate::support::testbed::{PASSWORD, Setup, Testbed, vm};
use crate::support::viewer::{Desktop, RfbVersion, Viewer};
use crate::support::within;

/// Every ProtocolVersion that viewers are known to send, and the version that it results in (`docs/webmks.md` 5.1).
const VERSIONS: [(&[u8; 12], RfbVersion); 7] = [
    (b"RFB 003.003\n", RfbVersion::V3_3),
    (b"RFB 003.005\n", RfbVersion::V3_3),
    (b"RFB 003.007\n", RfbVersion::V3_7),
    (b"RFB 003.008\n", RfbVersion::V3_8),
    (b"RFB 003.889\n", RfbVersion::V3_8),
    (b"RFB 004.001\n", RfbVersion::V3_8),
    (b"RFB 005.000\n", RfbVersion::V3_8),
];

fn small(name: &str) -> Desktop {
    Desktop {
        width: 160,
        height: 120,
        name: name.into(),
    }
}

/// Checks that the picture has more than one colour, so that a comparison is meaningful.
fn assert_is_a_picture(picture: &[u8]) {
    let (first, rest) = picture.split_first_chunk::<4>().unwrap();
    assert!(rest.chunks(4).any(|pixel| pixel != first), "one colour");
}

#[tokio::test]
async fn picture_equals_that_of_a_direct_connection() {
    within(async {
        let testbed = Testbed::new().await;
        let tasks = TaskTracker::new();
        let mut direct = direct::console(&testbed.host, "vm08", &tasks).await;
        let mut viewer = testbed.viewer().await;
        assert_eq!(direct.open().await, small("vm08"));
        assert_eq!(viewer.open().await, small("vm08"));
        for text in ["before", " and after"] {
            let picture = viewer.picture(&small("vm08")).await;
            assert_is_a_picture(&picture);
            assert!(picture == direct.picture(&small("vm08")).await, "{text}");
            viewer.type_text(text).await;
            testbed
                .host
                .typed_until("vm08", |typed| typed.ends_with(text))
                .await;
        }
        drop((direct, viewer));
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn every_rfb_version_without_a_password() {
    within(every_version(Setup::default(), None)).await;
}

#[tokio::test]
async fn every_rfb_version_with_a_password() {
    within(every_version(
        Setup::default().with_password(),
        Some(PASSWORD),
    ))
    .await;
}

async fn every_version(setup: Setup, password: Option<&str>) {
    let testbed = setup.start().await;
    for (place, (line, version)) in (10..).zip(VERSIONS) {
        let mut viewer = testbed.viewer().await;
        let verdict = viewer.enter_as(line, version, password).await;
        assert_eq!(verdict, Ok(()), "{}", line.escape_ascii());
        assert_eq!(viewer.init().await, small("vm08"));
        assert_is_a_picture(&viewer.picture(&small("vm08")).await);
        let text = format!("{}!\n", line.escape_ascii());
        viewer.type_text(&text).await;
        testbed
            .host
            .typed_until("vm08", |typed| typed.ends_with(&text))
            .await;
        viewer.point(place, 2 * place, 1).await;
        let wanted = Pointer {
            x: place,
            y: 2 * place,
            buttons: 1,
        };
        testbed
            .host
            .pointer_until("vm08", |pointer| pointer == wanted)
            .await;
    }
    let counts = testbed.end().await;
    assert_eq!(counts.consoles_opened, VERSIONS.len() as u64);
}

#[tokio::test]
async fn viewers_may_connect_repeatedly() {
    within(async {
        let testbed = Testbed::new().await;
        for round in 1..=5 {
            let mut viewer = testbed.viewer().await;
            viewer.open().await;
            viewer.type_text("x").await;
            testbed
                .host
                .typed_until("vm08", |typed| typed.len() == round)
                .await;
            drop(viewer);
            testbed
                .host
                .counts_until(|counts| counts.ends.len() == round)
                .await;
        }
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn ten_viewers_share_one_vm() {
    within(async {
        let testbed = Testbed::new().await;
        let viewers = join_all((0..10).map(|_| async {
            let mut viewer = testbed.viewer().await;
            let desktop = viewer.open().await;
            (viewer, desktop)
        }))
        .await;
        assert_eq!(testbed.host.counts().consoles_open, 10);
        let seen = join_all(viewers.into_iter().map(|(mut viewer, desktop)| async move {
            let picture = viewer.picture(&desktop).await;
            viewer.type_text("k").await;
            (viewer, picture)
        }))
        .await;
        assert_eq!(
            testbed
                .host
                .typed_until("vm08", |typed| typed.len() == 10)
                .await,
            "k".repeat(10)
        );
        for (mut viewer, picture) in seen {
            assert_is_a_picture(&picture);
            // All keys have been typed, and each viewer's picture shows them.
            assert!(viewer.picture(&small("vm08")).await != picture);
        }
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn ten_viewers_use_three_vms() {
    within(async {
        let names = ["vm01", "vm02", "vm03"];
        let mut setup = Setup::default();
        setup.host.vms = names.map(vm).into();
        setup.consoles = names.map(String::from).into();
        let testbed = setup.start().await;
        let typing = (0..10).map(|number| {
            let (port, name) = (testbed.ports[number % 3], names[number % 3]);
            async move {
                let mut viewer = Viewer::connect(port).await;
                let desktop = viewer.open().await;
                assert_eq!(desktop, small(name));
                viewer.type_text(&(number % 3).to_string()).await;
                (viewer.picture(&desktop).await, number % 3)
            }
        });
        let pictures = join_all(typing).await;
        for (number, (name, viewers)) in names.into_iter().zip([4, 3, 3]).enumerate() {
            let typed = testbed
                .host
                .typed_until(name, |typed| typed.len() == viewers)
                .await;
            assert_eq!(typed, number.to_string().repeat(viewers));
        }
        let first = |vm| &pictures.iter().find(|(_, of)| *of == vm).unwrap().0;
        assert!(first(0) != first(1) && first(1) != first(2), "names differ");
        testbed.end().await;
    })
    .await;
}
