//! The reason of a session's end, as an update over the viewer's last picture. The viewer's stream stays whole.

use std::time::Duration;

use futures::future::join_all;
use gateway::settings::ConsoleSettings;
use rfb_proto::client_messages::{Message, UpdateRequest};
use rfb_proto::server_messages::{Kind, Message as Sent, ServerScanner};
use rfb_proto::{Area, Encoding, PixelFormat};
use tokio::time::Instant;

use crate::support::esxi::{Esxi, HostConnection};
use crate::support::frame::{self, Frame};
use crate::support::testbed::{Setup, Testbed};
use crate::support::viewer::{RfbVersion, Viewer};
use crate::support::{is_closed, within};

/// How long the reason is shown.
const SHOWN: Duration = Duration::from_secs(3);

/// The time from the reason to the end on a busy machine.
const CLOSED: Duration = Duration::from_secs(20);

const SCREEN: Area = area(0, 0, 160, 120);

/// The bottom of the screen.
const BAND: Area = area(0, 100, 160, 20);

const RGB565: PixelFormat = PixelFormat {
    bits_per_pixel: 16,
    depth: 16,
    red_max: 31,
    green_max: 63,
    blue_max: 31,
    red_shift: 11,
    green_shift: 5,
    blue_shift: 0,
    ..PixelFormat::VMWARE
};

const fn area(x: u16, y: u16, width: u16, height: u16) -> Area {
    Area {
        x,
        y,
        width,
        height,
    }
}

fn request(incremental: bool) -> Vec<u8> {
    let area = SCREEN;
    let mut bytes = Vec::new();
    Message::UpdateRequest(UpdateRequest { incremental, area }).write(&mut bytes);
    bytes
}

/// A rectangle and its content.
type Rectangle = (Area, Encoding, Vec<u8>);

/// The rectangles of whole updates; fails where the last message is incomplete.
fn decode(bytes: &[u8], format: PixelFormat) -> Vec<Rectangle> {
    let mut scanner = ServerScanner::after_server_init((160, 120), format);
    let (mut rest, mut rectangles) = (bytes, Vec::new());
    while !rest.is_empty() {
        let piece = scanner.scan(rest).unwrap().expect("a whole message");
        match piece.message {
            Sent::Rectangle { area, encoding } => rectangles.push((area, encoding, Vec::new())),
            Sent::Body {
                of: Kind::Rectangle,
                ..
            } => {
                let (_, _, content) = rectangles.last_mut().unwrap();
                content.extend_from_slice(piece.bytes);
            }
            _ => {}
        }
        rest = &rest[piece.bytes.len()..];
    }
    assert!(scanner.is_between_messages(), "the last message is cut");
    rectangles
}

/// The banner is the last rectangle: its area, and at least half of its pixels have one colour, and all others another.
fn assert_is_banner(rectangle: &Rectangle, (dark, bright): (&[u8], &[u8])) {
    let (area, encoding, pixels) = rectangle;
    assert_eq!((*area, *encoding), (BAND, Encoding::RAW));
    let count = |colour: &[u8]| {
        let pixels = pixels.chunks(colour.len());
        pixels.filter(|pixel| *pixel == colour).count()
    };
    assert!(count(dark) > 1600 && count(bright) > 100);
    assert_eq!(count(dark) + count(bright), 160 * 20);
}

const NATIVE: (&[u8], &[u8]) = (&[24, 24, 24, 0], &[255, 255, 255, 0]);

/// Reads the banner and nothing but FIN after it, [`SHOWN`] later.
async fn expect_banner(viewer: &mut Viewer) {
    let banner = viewer.bytes(4 + 12 + 160 * 20 * 4).await;
    let arrived = Instant::now();
    let rectangles = decode(&banner, PixelFormat::VMWARE);
    assert_eq!(rectangles.len(), 1);
    assert_is_banner(&rectangles[0], NATIVE);
    // Viewers request the next update at once.
    viewer.send(&request(true)).await;
    viewer.send(&request(false)).await;
    assert_eq!(viewer.rest().await, b"");
    let took = arrived.elapsed();
    // The banner may have been under way for a moment.
    assert!(took > SHOWN / 2 && took < CLOSED, "{took:?}");
}

/// A viewer that has its first picture, and has requested the next update.
async fn looking(testbed: &Testbed) -> Viewer {
    let mut viewer = testbed.viewer().await;
    let desktop = viewer.open().await;
    viewer.picture(&desktop).await;
    viewer.send(&request(true)).await;
    viewer
}

#[tokio::test]
async fn each_cause_is_shown_before_the_end() {
    within(join_all((0..7).map(shown))).await;
}

async fn shown(cause: usize) {
    let mut setup = Setup {
        customize: |console| ConsoleSettings {
            exclusive: true,
            ..console
        },
        ..Setup::default()
    };
    // Enough for the first picture.
    let limit = Some(Duration::from_secs(3));
    match cause {
        0 => setup.limits.idle_timeout = limit,
        1 => setup.limits.max_session_time = limit,
        _ => {}
    }
    let testbed = setup.start().await;
    let mut viewer = looking(&testbed).await;
    match cause {
        2 => testbed.host.set_power("vm08", esxi_sim::Power::Off),
        3 => {
            let mut other = testbed.viewer().await;
            other.enter(RfbVersion::V3_8, None).await.unwrap();
            // ClientInit: not shared.
            other.send(&[0]).await;
        }
        4 => testbed.shutdown.now.cancel(),
        5 => testbed.host.place("vm08", esxi_sim::Placement::LostHost),
        6 => testbed.host.close_consoles("vm08"),
        _ => {}
    }
    expect_banner(&mut viewer).await;
    drop(viewer);
    testbed.end().await;
}

#[tokio::test]
async fn a_hundred_sessions_show_it_at_the_same_time_when_the_gateway_ends() {
    within(async {
        let mut setup = Setup::default();
        setup.limits.max_sessions_per_vm = 100;
        let testbed = setup.start().await;
        let mut viewers = join_all((0..100).map(|_| looking(&testbed))).await;
        let begun = Instant::now();
        testbed.shutdown.now.cancel();
        join_all(viewers.iter_mut().map(expect_banner)).await;
        drop(viewers);
        testbed.gateway_ended().await;
        let took = begun.elapsed();
        assert!(took >= SHOWN && took < CLOSED, "{took:?}");
    })
    .await;
}

#[tokio::test]
async fn a_new_viewer_has_the_place_of_one_that_shows_the_reason() {
    within(async {
        let mut setup = Setup {
            customize: |console| ConsoleSettings {
                exclusive: true,
                ..console
            },
            ..Setup::default()
        };
        setup.limits.max_sessions = 2;
        let testbed = setup.start().await;
        let mut first = looking(&testbed).await;
        let mut second = testbed.viewer().await;
        second.enter(RfbVersion::V3_8, None).await.unwrap();
        second.send(&[0]).await;
        first.bytes(4).await;
        // Both places are taken until the first session has given back its own.
        looking(&testbed).await;
        assert!(!is_closed(&first.stream), "the reason is still shown");
        testbed.end().await;
    })
    .await;
}

/// A scripted host behind the dialect, and a viewer that has received ServerInit and one update.
async fn scripted() -> (Testbed, Viewer, HostConnection) {
    let esxi = Esxi::start().await;
    let mut setup = Setup::default().with_console_host(&esxi);
    setup.transparent = false;
    let testbed = setup.start().await;
    let (mut viewer, mut connection) = esxi.session(&testbed).await;
    let mut init = vec![0, 160, 0, 120];
    PixelFormat::VMWARE.write(&mut init);
    init.extend([0; 4]);
    connection.send_binary(&init).await;
    viewer.bytes(24).await;
    let update = [head(1), rectangle(Encoding::RAW, &[7; 160 * 120 * 4])].concat();
    connection.send_binary(&update).await;
    assert_eq!(viewer.bytes(update.len()).await, update);
    (testbed, viewer, connection)
}

fn head(rectangles: u8) -> Vec<u8> {
    vec![0, 0, 0, rectangles]
}

/// A rectangle of the whole screen.
fn rectangle(encoding: Encoding, content: &[u8]) -> Vec<u8> {
    let head = [0, 0, 0, 0, 0, 160, 0, 120];
    [&head[..], &encoding.0.to_be_bytes(), content].concat()
}

/// Sends a Close and reads the answer.
async fn close(connection: &mut HostConnection) {
    connection.send(&frame::close(1000, "")).await;
    // What the dialect has sent on its own account comes first.
    connection.reader.read_until_close().await;
}

#[tokio::test]
async fn an_update_that_is_cut_is_completed_before_the_banner() {
    let tiles = [&[1, 9, 9, 9, 0][..], &[0; 30]].concat();
    let half_row = vec![7; 320];
    within(join_all(
        [(Encoding::RAW, half_row), (Encoding::HEXTILE, tiles)].map(
            |(encoding, content)| async move {
                let (testbed, mut viewer, mut connection) = scripted().await;
                let part = [head(2), rectangle(encoding, &content)].concat();
                connection.send_binary(&part).await;
                let mut got = viewer.bytes(part.len()).await;
                viewer.send(&request(true)).await;
                close(&mut connection).await;
                got.extend(viewer.rest().await);
                let rectangles = decode(&got, PixelFormat::VMWARE);
                assert_eq!(rectangles[0].1, encoding);
                assert!(rectangles[0].2.starts_with(&content));
                assert_is_banner(rectangles.last().unwrap(), NATIVE);
                drop(viewer);
                testbed.end().await;
            },
        ),
    ))
    .await;
}

#[tokio::test]
async fn an_update_that_cannot_be_completed_ends_as_the_host_left_it() {
    within(async {
        let (testbed, mut viewer, mut connection) = scripted().await;
        viewer.send(&request(true)).await;
        let part = [
            head(1),
            rectangle(Encoding::ZRLE, &[0, 0, 0, 99, 0x78, 1, 2]),
        ]
        .concat();
        connection.send_binary(&part).await;
        assert_eq!(viewer.bytes(part.len()).await, part);
        viewer.send(&request(true)).await;
        close(&mut connection).await;
        assert_eq!(viewer.rest().await, b"");
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_viewer_that_requests_nothing_may_still_do_so() {
    within(async {
        let (testbed, mut viewer, mut connection) = scripted().await;
        let mut format = Vec::new();
        Message::SetPixelFormat(RGB565).write(&mut format);
        // A message that the end of the relay cuts, and a key that goes nowhere.
        let (first, rest) = format.split_at(9);
        viewer.send(first).await;
        close(&mut connection).await;
        viewer.send(rest).await;
        viewer.send(&[4, 1, 0, 0, 0, 0, 0, 0x61]).await;
        viewer.send(&request(true)).await;
        let rectangles = decode(&viewer.rest().await, RGB565);
        assert_eq!(rectangles.len(), 1);
        assert_is_banner(&rectangles[0], (&[0xc3, 0x18], &[0xff, 0xff]));
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_request_for_a_picture_is_not_answered_with_a_banner() {
    within(async {
        let (testbed, mut viewer, mut connection) = scripted().await;
        viewer.send(&request(false)).await;
        // It arrives before the Close.
        let mut seen = Vec::new();
        while !seen.ends_with(&request(false)) {
            seen.extend(connection.bytes(1).await);
        }
        let begun = Instant::now();
        close(&mut connection).await;
        assert_eq!(viewer.rest().await, b"");
        assert!(begun.elapsed() < SHOWN, "nothing is waited for");
        testbed.end().await;
    })
    .await;
}

#[tokio::test]
async fn a_viewer_that_does_not_read_gets_no_banner() {
    within(async {
        let (testbed, mut viewer, connection) = scripted().await;
        viewer.send(&request(true)).await;
        let update = [head(1), rectangle(Encoding::RAW, &[7; 160 * 120 * 4])].concat();
        let (mut reader, mut write) = connection.split();
        let message = frame::whole(frame::BINARY, &update);
        // More than all buffers on the way take.
        let hosting = async {
            for _ in 0..600 {
                if tokio::io::AsyncWriteExt::write_all(&mut write, &message)
                    .await
                    .is_err()
                {
                    break;
                }
            }
        };
        let ending = async {
            let (_, answer) = reader.read_until_close().await;
            assert_eq!(answer, Frame::close(1001));
        };
        let shutting = async {
            // The viewer reads again once the gateway has given up.
            viewer.bytes(1).await;
            testbed.shutdown.now.cancel();
            testbed.gateway_ended().await;
            viewer.rest().await
        };
        let ((), (), got) = tokio::join!(hosting, ending, shutting);
        let expected: Vec<u8> = update
            .iter()
            .copied()
            .cycle()
            .skip(1)
            .take(got.len())
            .collect();
        assert!(got == expected, "what the host sent, and nothing else");
        drop((reader, write));
        testbed.end().await;
    })
    .await;
}
