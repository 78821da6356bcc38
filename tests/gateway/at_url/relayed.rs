//! Data relayed without TLS, and servers of every RFB version.

use tokio::io::AsyncWriteExt;

use crate::support::frame::{self, BINARY, Frame, TEXT};
use crate::support::pattern::Pattern;
use crate::support::url_gateway::{Folder, Server, UrlGateway};
use crate::support::viewer::RfbVersion;
use crate::support::within;

/// How much is sent each way.
const LONG: u64 = 8 << 20;

async fn open() -> (Server, UrlGateway) {
    let server = Server::start().await;
    let gateway = UrlGateway::new(&format!("url = \"{}\"", server.url("/"))).await;
    (server, gateway)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_byte_arrives_both_ways_without_tls() {
    within(async {
        let (server, gateway) = open().await;
        let (viewer, connection) = server.session(&gateway).await;
        let (mut reader, mut say) = connection.split();
        let (mut viewer_in, mut viewer_out) = viewer.stream.into_split();
        let down = async {
            let mut pattern = Pattern::new(1);
            while pattern.at() < LONG {
                let size = 1 + usize::try_from(pattern.at() % 70_000).unwrap();
                let payload = pattern.take_long(size);
                say.write_all(&frame::whole(BINARY, &payload))
                    .await
                    .unwrap();
            }
            pattern.at()
        };
        let up = async {
            let mut pattern = Pattern::new(2);
            while pattern.at() < LONG {
                viewer_out
                    .write_all(&pattern.take_long(30_000))
                    .await
                    .unwrap();
            }
            pattern.at()
        };
        let seen = async {
            let mut pattern = Pattern::new(1);
            let mut block = vec![0; 50_000];
            while pattern.at() < LONG {
                let count = tokio::io::AsyncReadExt::read(&mut viewer_in, &mut block)
                    .await
                    .unwrap();
                assert_eq!(block[..count], pattern.take_long(count));
            }
            pattern.at()
        };
        let received = async {
            let mut pattern = Pattern::new(2);
            while pattern.at() < LONG {
                let bytes = reader.bytes(1000).await;
                assert_eq!(bytes, pattern.take_long(bytes.len()));
            }
        };
        let (sent, _, _, ()) = tokio::join!(down, up, seen, received);
        assert!(sent >= LONG);
        gateway.end().await;
    })
    .await;
}

#[tokio::test]
async fn both_sides_close_in_order_without_tls() {
    within(async {
        let (server, gateway) = open().await;
        let (viewer, mut connection) = server.session(&gateway).await;
        drop(viewer);
        assert_eq!(connection.frame().await, Some(Frame::close(1000)));
        connection.send(&frame::close(1000, "")).await;
        connection.reader.expect_end().await;

        let (mut viewer, mut connection) = server.session(&gateway).await;
        connection.send_binary(b"last words").await;
        connection.send(&frame::close(1000, "")).await;
        assert_eq!(viewer.rest().await, b"last words");
        assert_eq!(connection.frame().await, Some(Frame::close(1000)));

        let (mut viewer, mut connection) = server.session(&gateway).await;
        connection.send_binary(b"and without a Close").await;
        connection.finish().await;
        assert_eq!(viewer.rest().await, b"and without a Close");
        gateway.end().await;
    })
    .await;
}

#[tokio::test]
async fn text_message_is_closed_with_1003() {
    within(async {
        let (server, gateway) = open().await;
        let (mut viewer, mut connection) = server.session(&gateway).await;
        connection.send_binary(b"before").await;
        connection.send(&frame::whole(TEXT, b"cmFuZG9t")).await;
        assert_eq!(connection.frame().await, Some(Frame::close(1003)));
        assert_eq!(viewer.rest().await, b"before");
        gateway.end().await;
    })
    .await;
}

#[tokio::test]
async fn servers_of_every_rfb_version_with_and_without_password() {
    within(async {
        let folder = Folder::new();
        folder.secret("password", "8letters");
        let server = Server::start().await;
        let keys = format!(
            "url = \"{}\"\npassword_file = \"password\"",
            server.url("/")
        );
        let gateway = folder.gateway("", &keys).await;
        for version in RfbVersion::ALL {
            for password in [false, true] {
                let mut viewer = gateway.viewer().await;
                let hosting = async {
                    let mut connection = server.connection().await;
                    let request = connection.request().await;
                    connection
                        .send(&crate::support::esxi::upgraded(&request))
                        .await;
                    let verdict = connection
                        .rfb_security(version, password.then_some("8letters"))
                        .await;
                    assert!(verdict, "{version:?}");
                    connection.send_binary(b"welcome").await;
                    connection
                };
                let (entered, _line) = tokio::join!(viewer.enter(RfbVersion::V3_8, None), hosting);
                entered.unwrap();
                assert_eq!(viewer.bytes(7).await, b"welcome");
            }
        }
        gateway.end().await;
    })
    .await;
}
