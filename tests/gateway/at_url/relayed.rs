//! What comes through: every byte, without TLS too, whatever RFB the server speaks.

use tokio::io::AsyncWriteExt;

use crate::support::at_url::{AtUrl, Folder, Server};
use crate::support::frame::{self, BINARY, Frame, TEXT};
use crate::support::pattern::Pattern;
use crate::support::viewer::Dialect;
use crate::support::within;

/// What goes each way where much goes both ways.
const MUCH: u64 = 8 << 20;

async fn open() -> (Server, AtUrl) {
    let server = Server::start().await;
    let gateway = AtUrl::new(&format!("url = \"{}\"", server.url("/"))).await;
    (server, gateway)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_byte_arrives_both_ways_without_tls() {
    within(async {
        let (server, gateway) = open().await;
        let (viewer, line) = server.session(&gateway).await;
        let (mut hear, mut say) = line.split();
        let (mut viewer_in, mut viewer_out) = viewer.stream.into_split();
        let down = async {
            let mut pattern = Pattern::new(1);
            while pattern.at() < MUCH {
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
            while pattern.at() < MUCH {
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
            while pattern.at() < MUCH {
                let count = tokio::io::AsyncReadExt::read(&mut viewer_in, &mut block)
                    .await
                    .unwrap();
                assert_eq!(block[..count], pattern.take_long(count));
            }
            pattern.at()
        };
        let heard = async {
            let mut pattern = Pattern::new(2);
            while pattern.at() < MUCH {
                let bytes = hear.bytes(1000).await;
                assert_eq!(bytes, pattern.take_long(bytes.len()));
            }
        };
        let (sent, _, _, ()) = tokio::join!(down, up, seen, heard);
        assert!(sent >= MUCH);
        gateway.end().await;
    })
    .await;
}

#[tokio::test]
async fn both_sides_end_in_order_without_tls() {
    within(async {
        let (server, gateway) = open().await;
        let (viewer, mut line) = server.session(&gateway).await;
        drop(viewer);
        assert_eq!(line.frame().await, Some(Frame::close(1000)));
        line.send(&frame::close(1000, "")).await;
        line.hear.ended().await;

        let (mut viewer, mut line) = server.session(&gateway).await;
        line.send_binary(b"last words").await;
        line.send(&frame::close(1000, "")).await;
        assert_eq!(viewer.rest().await, b"last words");
        assert_eq!(line.frame().await, Some(Frame::close(1000)));

        let (mut viewer, mut line) = server.session(&gateway).await;
        line.send_binary(b"and without a Close").await;
        line.finish().await;
        assert_eq!(viewer.rest().await, b"and without a Close");
        gateway.end().await;
    })
    .await;
}

#[tokio::test]
async fn text_ends_the_session_with_the_code_for_it() {
    within(async {
        let (server, gateway) = open().await;
        let (mut viewer, mut line) = server.session(&gateway).await;
        line.send_binary(b"before").await;
        line.send(&frame::whole(TEXT, b"cmFuZG9t")).await;
        assert_eq!(line.frame().await, Some(Frame::close(1003)));
        assert_eq!(viewer.rest().await, b"before");
        gateway.end().await;
    })
    .await;
}

#[tokio::test]
async fn servers_of_every_version_and_with_a_password_let_us_in() {
    within(async {
        let folder = Folder::new();
        folder.secret("password", "8letters");
        let server = Server::start().await;
        let keys = format!(
            "url = \"{}\"\npassword_file = \"password\"",
            server.url("/")
        );
        let gateway = folder.gateway("", &keys).await;
        for dialect in Dialect::ALL {
            for password in [false, true] {
                let mut viewer = gateway.viewer().await;
                let hosting = async {
                    let mut line = server.line().await;
                    let request = line.request().await;
                    line.send(&crate::support::esxi::upgraded(&request)).await;
                    let verdict = line.let_in(dialect, password.then_some("8letters")).await;
                    assert!(verdict, "{dialect:?}");
                    line.send_binary(b"welcome").await;
                    line
                };
                let (entered, _line) = tokio::join!(viewer.enter(Dialect::V3_8, None), hosting);
                entered.unwrap();
                assert_eq!(viewer.bytes(7).await, b"welcome");
            }
        }
        gateway.end().await;
    })
    .await;
}
