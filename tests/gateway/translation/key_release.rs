//! All keys and buttons are released when a session ends.

use esxi_sim::ServerCaps;
use futures::future::join_all;
use gateway::settings::Limits;
use rfb_proto::PixelFormat;
use rfb_proto::client_messages::{Key, Pointer};
use rfb_proto::vmware::{Command, VScancode};

use super::*;
use crate::support::esxi::{Esxi, HostConnection};
use crate::support::frame::{self, Frame};
use crate::support::viewer::RfbVersion;
use crate::support::within;

/// Control, Alt and A: keysym and scancode.
const HELD: [(u32, u16); 3] = [(0xffe3, 0x1d), (0xffe9, 0x38), (0x61, 0x1e)];

/// The left button is down.
const POINTER: Pointer = Pointer {
    buttons: 1,
    x: 3,
    y: 4,
};

async fn hold(viewer: &mut Viewer) {
    for (keysym, _) in HELD {
        viewer
            .send_message(Message::Key(Key { down: true, keysym }))
            .await;
    }
    viewer.send_message(Message::Pointer(POINTER)).await;
}

/// How a session ends with keys down while the host still works.
#[derive(Debug, Clone, Copy)]
enum Way {
    ViewerLeaves,
    ViewerResets,
    ViewerIsIdle,
    TimeIsUp,
    GatewayEnds,
    ViewerBreaksTheProtocol,
    /// It requests exclusive access and gets it.
    AnotherViewerIsAlone,
}

#[tokio::test]
async fn all_keys_are_released_however_the_session_ends() {
    let ways = [
        Way::ViewerLeaves,
        Way::ViewerResets,
        Way::ViewerIsIdle,
        Way::TimeIsUp,
        Way::GatewayEnds,
        Way::ViewerBreaksTheProtocol,
        Way::AnotherViewerIsAlone,
    ];
    let cases = ways
        .into_iter()
        .flat_map(|way| [Some(ServerCaps::default()), None].map(|caps| (way, caps)));
    within(join_all(
        cases.map(|(way, caps)| ends_with_keys_up(way, caps)),
    ))
    .await;
}

async fn ends_with_keys_up(way: Way, server_caps: Option<ServerCaps>) {
    // Long enough for everything before the end.
    let short = Some(Duration::from_secs(2));
    let default = Limits::default();
    let limits = match way {
        Way::ViewerIsIdle => Limits {
            idle_timeout: short,
            ..default
        },
        Way::TimeIsUp => Limits {
            max_session_time: short,
            ..default
        },
        _ => default,
    };
    let mut setup = Setup {
        limits,
        customize: |console| ConsoleSettings {
            exclusive: true,
            ..console
        },
        ..Setup::default()
    };
    setup.host.vms[0].quirks.server_caps = server_caps;
    let testbed = setup.start().await;
    // Before the first picture, keys are delayed longer than some of these sessions last.
    let mut viewer = viewer_with_picture(&testbed, &[Encoding::RAW]).await;
    hold(&mut viewer).await;
    let down = testbed
        .host
        .keys_until("vm08", |keys| keys.len() == 3)
        .await;
    assert!(down.iter().all(|key| key.down), "{way:?}");
    testbed
        .host
        .pointer_until("vm08", |pointer| pointer.buttons == 1)
        .await;
    let (mut one, mut other) = (Some(viewer), None);
    match way {
        Way::ViewerLeaves => drop(one.take()),
        Way::ViewerResets => one.take().unwrap().reset(),
        Way::GatewayEnds => testbed.shutdown.now.cancel(),
        Way::ViewerBreaksTheProtocol => one.as_mut().unwrap().send(&[99]).await,
        Way::AnotherViewerIsAlone => {
            let viewer = other.insert(testbed.viewer().await);
            viewer.enter(RfbVersion::V3_8, None).await.unwrap();
            // ClientInit: not shared.
            viewer.send(&[0]).await;
        }
        Way::ViewerIsIdle | Way::TimeIsUp => {}
    }
    testbed
        .host
        .counts_until(|counts| counts.ends.len() == 1)
        .await;
    assert!(testbed.host.keys_down("vm08").is_empty(), "{way:?}");
    assert_eq!(testbed.host.pointer("vm08").buttons, 0, "{way:?}");
    drop((one, other));
    testbed.end().await;
}

/// How a host ends a session.
#[derive(Debug, Clone, Copy)]
enum Ending {
    /// With a Close. The other side may send data before its own Close (RFC 6455 section 5.5.1).
    Close,
    /// It closes its sending half only.
    Fin,
    /// It sends an invalid frame.
    BadFrame,
    /// It sends invalid RFB within an update that the dialect rewrites.
    BadRfb,
}

#[tokio::test]
async fn host_that_ends_the_session_gets_key_releases_before_the_close() {
    let endings = [
        (Ending::Close, 3000),
        (Ending::Fin, 1001),
        (Ending::BadFrame, 1002),
        (Ending::BadRfb, 1008),
    ];
    within(async {
        for (ending, code) in endings {
            for by_scancode in [true, false] {
                let (told, close) = told_after(ending, by_scancode).await;
                assert_eq!(told, keys(false, by_scancode), "{ending:?}");
                assert_eq!(close, Frame::close(code), "{ending:?}");
            }
        }
    })
    .await;
}

/// What the host receives after it has ended a session with keys down.
async fn told_after(ending: Ending, by_scancode: bool) -> (Vec<u8>, Frame) {
    let esxi = Esxi::start().await;
    let mut setup = Setup::default().with_console_host(&esxi);
    setup.transparent = false;
    let testbed = setup.start().await;
    let (mut viewer, mut connection) = esxi.session(&testbed).await;
    begin(&mut connection, by_scancode).await;
    // Once the viewer has ServerInit, the gateway's own messages to the host precede the viewer's.
    viewer.bytes(24).await;
    viewer.set_encodings(&[Encoding::LAST_RECT]).await;
    viewer.request_update(false, EVERYTHING).await;
    hold(&mut viewer).await;
    // The gateway requests ServerCaps and, where key events are announced, the LED state.
    let own = if by_scancode { 8 + 12 } else { 8 };
    // The same with the viewer's encoding added.
    let list = if by_scancode { 16 } else { 12 };
    let asked = connection.bytes(own + list + 10).await;
    assert_eq!([asked[0], asked[own], asked[own + list]], [2, 2, 3]);
    let down = keys(true, by_scancode);
    assert_eq!(connection.bytes(down.len()).await, down);
    match ending {
        Ending::Close => connection.send(&frame::close(3000, "powered off")).await,
        Ending::Fin => connection.finish().await,
        // A reserved opcode (RFC 6455 section 5.2).
        Ending::BadFrame => connection.send(&frame::whole(3, b"")).await,
        Ending::BadRfb => {
            // An unknown Tight subencoding: its length cannot be determined.
            let malformed = [&[0; 8][..], &[0, 0, 0, 7, 0xc0]].concat();
            let update = [&[0, 0, 0, 2][..], &PIXEL, &malformed].concat();
            connection.send_binary(&update).await;
        }
    }
    let received = connection.reader.read_until_close().await;
    connection.reader.expect_end().await;
    drop((viewer, connection));
    testbed.end().await;
    received
}

/// A Raw rectangle of one pixel.
const PIXEL: [u8; 16] = [0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 9, 9, 9, 0];

/// Sends ServerInit, then ServerCaps with key events, or an update, which shows that there are none.
async fn begin(connection: &mut HostConnection, by_scancode: bool) {
    let mut said = vec![0, 160, 0, 120];
    PixelFormat::VMWARE.write(&mut said);
    said.extend([0; 4]);
    match by_scancode {
        true => said.extend([127, 0, 0, 8, 0, 0, 0, 2]),
        false => said.extend([&[0, 0, 0, 1][..], &PIXEL].concat()),
    }
    connection.send_binary(&said).await;
}

/// The messages that press or release [`HELD`] and [`POINTER`] at such a host.
fn keys(down: bool, by_scancode: bool) -> Vec<u8> {
    let mut said = Vec::new();
    for (keysym, scan) in HELD {
        match by_scancode {
            true => {
                let scan = VScancode(scan);
                Command::Key { scan, down }.write(&mut said);
            }
            false => Message::Key(Key { down, keysym }).write(&mut said),
        }
    }
    let buttons = u16::from(down);
    Message::Pointer(Pointer { buttons, ..POINTER }).write(&mut said);
    said
}
