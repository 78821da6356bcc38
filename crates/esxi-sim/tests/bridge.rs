//! A bridge relays a VNC server's bytes unchanged, split into messages.

mod support;

use esxi_sim::{EndReason, Host, Settings, VmSettings};
use support::{console, soon, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// An address without a listener.
const NOBODY: &str = "127.0.0.1:9";

#[expect(clippy::unwrap_used, reason = "a failure here is a failed test")]
async fn bridged() -> (Host, TcpListener) {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    let bridge = |settings: &mut Settings| {
        settings.vms = vec![
            VmSettings::bridge("vm08", address),
            VmSettings::bridge("nobody", NOBODY.parse().unwrap()),
        ];
    };
    (start(bridge).await, server)
}

#[expect(clippy::unwrap_used, reason = "a failure here is a failed test")]
async fn accepted(server: &TcpListener) -> TcpStream {
    soon(server.accept()).await.unwrap().0
}

#[tokio::test]
async fn the_version_is_a_message_of_its_own_however_the_server_sends_it() {
    let (host, server) = bridged().await;
    let mut viewer = console(&host, "vm08").await;
    let mut vnc = accepted(&server).await;
    vnc.write_all(b"RFB 003").await.unwrap();
    vnc.write_all(b".008\n\x01\x01").await.unwrap();
    assert_eq!(viewer.message().await.unwrap(), b"RFB 003.008\n");
    assert_eq!(viewer.take(2).await, [1, 1]);
}

#[tokio::test]
async fn bytes_pass_both_ways_unchanged() {
    let (host, server) = bridged().await;
    let mut viewer = console(&host, "vm08").await;
    let mut vnc = accepted(&server).await;
    let picture: Vec<u8> = (0..3_000_000_u32)
        .map(|byte| byte.to_le_bytes()[byte as usize % 2])
        .collect();
    let sent = picture.clone();
    let sending = async {
        vnc.write_all(b"RFB 003.008\n").await.unwrap();
        vnc.write_all(&sent).await.unwrap();
        let mut heard = [0; 9];
        vnc.read_exact(&mut heard).await.unwrap();
        heard
    };
    let receiving = async {
        viewer.send(b"viewer ").await;
        viewer.take(12).await;
        let got = viewer.take(3_000_000).await;
        viewer.send(b"to").await;
        got
    };
    let (heard, got) = soon(async { tokio::join!(sending, receiving) }).await;
    assert_eq!(&heard, b"viewer to");
    assert!(got == picture, "the picture has changed on its way");
}

#[tokio::test]
async fn the_end_of_one_side_is_the_end_of_the_other() {
    let (host, server) = bridged().await;
    let mut viewer = console(&host, "vm08").await;
    let mut vnc = accepted(&server).await;
    vnc.write_all(b"RFB 003.008\n").await.unwrap();
    viewer.take(12).await;
    drop(vnc);
    assert_eq!(viewer.ended().await, Some(1011));

    let mut viewer = console(&host, "vm08").await;
    let mut vnc = accepted(&server).await;
    vnc.write_all(b"RFB 003.008\n").await.unwrap();
    viewer.take(12).await;
    drop(viewer);
    assert!(matches!(soon(vnc.read(&mut [0; 1])).await, Ok(0) | Err(_)));

    let mut viewer = console(&host, "nobody").await;
    assert_eq!(viewer.ended().await, Some(1011));
    let counts = soon(host.counts_until(|counts| counts.ends.len() == 3)).await;
    assert!(
        matches!(counts.ends[2].reason, EndReason::LostServer(_)),
        "{:?}",
        counts.ends
    );
}
