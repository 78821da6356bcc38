//! A viewer sees and drives a VM, in every dialect of RFB.

use esxi_sim::Pointer;
use futures::future::join_all;
use tokio_util::task::TaskTracker;

use crate::support::direct;
use crate::support::house::{House, PASSWORD, Plan, vm};
use crate::support::viewer::{Desktop, Dialect, Viewer};
use crate::support::within;

/// Every version line that viewers are known to write, and the handshake that it leads to (`docs/webmks.md` 5.1).
const VERSIONS: [(&[u8; 12], Dialect); 7] = [
    (b"RFB 003.003\n", Dialect::V3_3),
    (b"RFB 003.005\n", Dialect::V3_3),
    (b"RFB 003.007\n", Dialect::V3_7),
    (b"RFB 003.008\n", Dialect::V3_8),
    (b"RFB 003.889\n", Dialect::V3_8),
    (b"RFB 004.001\n", Dialect::V3_8),
    (b"RFB 005.000\n", Dialect::V3_8),
];

fn small(name: &str) -> Desktop {
    Desktop {
        width: 160,
        height: 120,
        name: name.into(),
    }
}

/// More than one colour, so that equal pictures mean something.
fn assert_is_a_picture(picture: &[u8]) {
    let (first, rest) = picture.split_first_chunk::<4>().unwrap();
    assert!(rest.chunks(4).any(|pixel| pixel != first), "one colour");
}

#[tokio::test]
async fn the_picture_is_that_of_a_direct_connection_pixel_for_pixel() {
    within(async {
        let house = House::new().await;
        let tasks = TaskTracker::new();
        let mut direct = direct::console(&house.host, "vm08", &tasks).await;
        let mut viewer = house.viewer().await;
        assert_eq!(direct.open().await, small("vm08"));
        assert_eq!(viewer.open().await, small("vm08"));
        for text in ["before", " and after"] {
            let picture = viewer.picture(&small("vm08")).await;
            assert_is_a_picture(&picture);
            assert!(picture == direct.picture(&small("vm08")).await, "{text}");
            viewer.type_text(text).await;
            house
                .host
                .typed_until("vm08", |typed| typed.ends_with(text))
                .await;
        }
        drop((direct, viewer));
        house.end().await;
    })
    .await;
}

#[tokio::test]
async fn every_dialect_sees_types_and_points_without_a_password() {
    within(every_dialect(Plan::default(), None)).await;
}

#[tokio::test]
async fn every_dialect_sees_types_and_points_with_a_password() {
    within(every_dialect(
        Plan::default().with_password(),
        Some(PASSWORD),
    ))
    .await;
}

async fn every_dialect(plan: Plan, password: Option<&str>) {
    let house = plan.start().await;
    for (place, (line, dialect)) in (10..).zip(VERSIONS) {
        let mut viewer = house.viewer().await;
        let verdict = viewer.enter_as(line, dialect, password).await;
        assert_eq!(verdict, Ok(()), "{}", line.escape_ascii());
        assert_eq!(viewer.init().await, small("vm08"));
        assert_is_a_picture(&viewer.picture(&small("vm08")).await);
        let text = format!("{}!\n", line.escape_ascii());
        viewer.type_text(&text).await;
        house
            .host
            .typed_until("vm08", |typed| typed.ends_with(&text))
            .await;
        viewer.point(place, 2 * place, 1).await;
        let wanted = Pointer {
            x: place,
            y: 2 * place,
            buttons: 1,
        };
        house
            .host
            .pointer_until("vm08", |pointer| pointer == wanted)
            .await;
    }
    let counts = house.end().await;
    assert_eq!(counts.consoles_opened, VERSIONS.len() as u64);
}

#[tokio::test]
async fn a_viewer_may_come_and_go() {
    within(async {
        let house = House::new().await;
        for round in 1..=5 {
            let mut viewer = house.viewer().await;
            viewer.open().await;
            viewer.type_text("x").await;
            house
                .host
                .typed_until("vm08", |typed| typed.len() == round)
                .await;
            drop(viewer);
            house
                .host
                .counts_until(|counts| counts.ends.len() == round)
                .await;
        }
        house.end().await;
    })
    .await;
}

#[tokio::test]
async fn ten_viewers_at_once_share_one_desktop() {
    within(async {
        let house = House::new().await;
        let viewers = join_all((0..10).map(|_| async {
            let mut viewer = house.viewer().await;
            let desktop = viewer.open().await;
            (viewer, desktop)
        }))
        .await;
        assert_eq!(house.host.counts().consoles_open, 10);
        let seen = join_all(viewers.into_iter().map(|(mut viewer, desktop)| async move {
            let picture = viewer.picture(&desktop).await;
            viewer.type_text("k").await;
            (viewer, picture)
        }))
        .await;
        assert_eq!(
            house
                .host
                .typed_until("vm08", |typed| typed.len() == 10)
                .await,
            "k".repeat(10)
        );
        for (mut viewer, picture) in seen {
            assert_is_a_picture(&picture);
            // What all have typed is in everybody's picture by now.
            assert!(viewer.picture(&small("vm08")).await != picture);
        }
        house.end().await;
    })
    .await;
}

#[tokio::test]
async fn ten_viewers_over_three_vms_each_drive_their_own() {
    within(async {
        let names = ["vm01", "vm02", "vm03"];
        let mut plan = Plan::default();
        plan.host.vms = names.map(vm).into();
        plan.consoles = names.map(String::from).into();
        let house = plan.start().await;
        let typing = (0..10).map(|number| {
            let (port, name) = (house.ports[number % 3], names[number % 3]);
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
            let typed = house
                .host
                .typed_until(name, |typed| typed.len() == viewers)
                .await;
            assert_eq!(typed, number.to_string().repeat(viewers));
        }
        let first = |vm| &pictures.iter().find(|(_, of)| *of == vm).unwrap().0;
        assert!(first(0) != first(1) && first(1) != first(2), "names differ");
        house.end().await;
    })
    .await;
}
