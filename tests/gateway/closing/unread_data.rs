//! The host still sends data that the gateway has not read when the session ends: the key that is down is released first.
//!
//! Closing a socket with unread data sends RST and drops what its send queue holds. The host here reads nothing until the
//! gateway has taken all that it sends, so the release waits in that queue.

use futures::future::join_all;
use rfb_proto::PixelFormat;
use rfb_proto::client_messages::{Key, Message};
use tokio::io::AsyncWriteExt;

use crate::support::esxi::Esxi;
use crate::support::frame::{self, BINARY, Frame};
use crate::support::testbed::Setup;
use crate::support::viewer::Viewer;
use crate::support::{http_get, within};

/// Key events before the last one: more bytes than the host's receive buffer takes (`tcp_rmem`: 128 KiB).
const KEY_EVENTS: usize = 40_000;

/// Updates that the host sends: 38 MiB, more than all socket buffers on the way to the viewer take.
const UPDATES: usize = 520;

/// How the viewer leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaving {
    /// By RST.
    Reset,
    /// By FIN. It reads nothing, so the gateway gives up delivering the host's data after a time limit.
    Fin,
}

#[tokio::test]
async fn host_with_unread_data_gets_the_key_release_before_the_end() {
    within(join_all([Leaving::Reset, Leaving::Fin].map(released))).await;
}

async fn released(leaving: Leaving) {
    let esxi = Esxi::start().await;
    let mut setup = Setup::default().with_console_host(&esxi);
    setup.transparent = false;
    setup.admin = Some(([127, 0, 0, 1], 0).into());
    let testbed = setup.start().await;
    let (mut viewer, mut connection) = esxi.session(&testbed).await;
    connection.send_binary(&server_init()).await;
    viewer.bytes(24).await;
    let (mut reader, mut write) = connection.split();
    let hosting = async {
        let update = frame::whole(BINARY, &update());
        for _ in 0..UPDATES {
            // An error here is what the test is about: what arrived before it is read below.
            if write.write_all(&update).await.is_err() {
                break;
            }
        }
        reader.read_until_close().await
    };
    let typed = events();
    let viewing = async {
        // The host has sent its first update: it takes keysyms, and no key waits for its ServerCaps.
        viewer.bytes(100).await;
        let before = sent_to_host(&testbed.admin.unwrap()).await;
        viewer.send(&typed).await;
        while sent_to_host(&testbed.admin.unwrap()).await < before + typed.len() {
            tokio::task::yield_now().await;
        }
        leave(viewer, leaving).await
    };
    let ((received, close), viewer) = tokio::join!(hosting, viewing);
    let release = key(false, 0x61);
    assert!(
        received.ends_with(&[&typed[..], &release].concat()),
        "{leaving:?}: the host got {} bytes, and its last are {:?}",
        received.len(),
        &received[received.len() - 16..]
    );
    let code = match leaving {
        Leaving::Reset => 1001,
        Leaving::Fin => 1000,
    };
    assert_eq!(close, Frame::close(code), "{leaving:?}");
    drop((reader, write, viewer));
    testbed.end().await;
}

/// The viewer leaves; what remains of it reads nothing.
async fn leave(mut viewer: Viewer, leaving: Leaving) -> Option<Viewer> {
    match leaving {
        Leaving::Reset => {
            viewer.reset();
            None
        }
        Leaving::Fin => {
            viewer.stream.shutdown().await.unwrap();
            Some(viewer)
        }
    }
}

/// A ServerInit of 160 × 120 pixels without a name.
fn server_init() -> Vec<u8> {
    let mut bytes = vec![0, 160, 0, 120];
    PixelFormat::VMWARE.write(&mut bytes);
    bytes.extend([0; 4]);
    bytes
}

/// A FramebufferUpdate of the whole screen, in Raw.
fn update() -> Vec<u8> {
    let mut bytes = vec![0, 0, 0, 1, 0, 0, 0, 0, 0, 160, 0, 120, 0, 0, 0, 0];
    bytes.resize(bytes.len() + 160 * 120 * 4, 7);
    bytes
}

/// Presses and releases of b, and at last a press of a.
fn events() -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 0..KEY_EVENTS {
        bytes.extend(key(number % 2 == 0, 0x62));
    }
    bytes.extend(key(true, 0x61));
    bytes
}

fn key(down: bool, keysym: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    Message::Key(Key { down, keysym }).write(&mut bytes);
    bytes
}

/// The gateway's count of bytes of RFB that it has written to hosts.
async fn sent_to_host(admin: &std::net::SocketAddr) -> usize {
    let metrics = http_get(*admin, "/metrics").await;
    let name = "mksgate_bytes_total{direction=\"to_esxi\"} ";
    let mut counts = metrics.lines().filter_map(|line| line.strip_prefix(name));
    counts.next().unwrap_or("0").parse().unwrap()
}
