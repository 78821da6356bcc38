//! Reasons that viewers get when the server at a URL cannot be used.

use crate::support::esxi::{upgraded, upgraded_to};
use crate::support::frame::{self, BINARY, TEXT};
use crate::support::url_gateway::{Folder, Server, UrlGateway};
use crate::support::viewer::RfbVersion;
use crate::support::within;

/// Checks the reason that a viewer gets when the server answers the request with these bytes: it contains all `words` and no
/// part of the query.
async fn assert_reason(answer: impl AsyncFn(&str) -> Vec<u8>, words: &[&str]) {
    let server = Server::start().await;
    let gateway = UrlGateway::new(&format!("url = \"{}\"", server.url("/?token=secret"))).await;
    let mut viewer = gateway.viewer().await;
    let hosting = async {
        let mut connection = server.connection().await;
        let request = connection.request().await;
        connection.send(&answer(&request).await).await;
        connection
    };
    let (reason, _line) = tokio::join!(viewer.refused(RfbVersion::V3_8, None), hosting);
    let address = server.address().to_string();
    for word in words.iter().chain([&address.as_str()]) {
        assert!(reason.contains(word), "without {word:?}: {reason}");
    }
    assert!(
        !reason.contains("secret") && !reason.contains("ESXi"),
        "{reason}"
    );
    gateway.end().await;
}

#[tokio::test]
async fn failed_upgrade_is_reported_with_a_remedy() {
    within(async {
        for (head, words) in [
            (
                "401 Unauthorized",
                ["HTTP status 401 Unauthorized", "set cookie or headers"],
            ),
            (
                "403 Forbidden",
                ["HTTP status 403 Forbidden", "set cookie or headers"],
            ),
            (
                "302 Found\r\nLocation: /login?next=x",
                ["HTTP status 302 Found", "as to a login page"],
            ),
            (
                "404 Not Found",
                ["HTTP status 404 Not Found", "check the URL's path"],
            ),
            (
                "200 OK",
                ["HTTP status 200 OK", "leads to VNC in a WebSocket"],
            ),
        ] {
            let answer = format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n");
            assert_reason(async |_| answer.clone().into_bytes(), &words).await;
        }
        let ssh = b"SSH-2.0-OpenSSH_9.2\r\n".to_vec();
        assert_reason(async |_| ssh.clone(), &["is not HTTP/1.1"]).await;
    })
    .await;
}

#[tokio::test]
async fn subprotocol_that_was_not_offered_is_refused() {
    within(async {
        for (chosen, words) in [
            (None, "chose no subprotocol"),
            (Some("base64"), "chose subprotocol \"base64\""),
        ] {
            let answer = async |request: &str| upgraded_to(request, chosen);
            assert_reason(answer, &[words, "set subprotocol to"]).await;
        }
    })
    .await;
}

#[tokio::test]
async fn missing_vnc_password_is_reported() {
    within(async {
        let answer = async |request: &str| {
            let version = frame::whole(BINARY, b"RFB 003.008\n");
            [upgraded(request), version, frame::whole(BINARY, &[1, 2])].concat()
        };
        assert_reason(answer, &["asks for a VNC password, and none is configured"]).await;
    })
    .await;
}

#[tokio::test]
async fn wrong_vnc_password_is_reported_with_the_servers_reason() {
    within(async {
        let folder = Folder::new();
        folder.secret("password", "right");
        let server = Server::start().await;
        let keys = format!(
            "url = \"{}\"\npassword_file = \"password\"",
            server.url("/")
        );
        let gateway = folder.gateway("", &keys).await;
        let mut viewer = gateway.viewer().await;
        let hosting = async {
            let mut connection = server.connection().await;
            let request = connection.request().await;
            connection.send(&upgraded(&request)).await;
            assert!(
                !connection
                    .rfb_security(RfbVersion::V3_8, Some("left"))
                    .await
            );
        };
        let (reason, ()) = tokio::join!(viewer.refused(RfbVersion::V3_8, None), hosting);
        assert!(
            reason.contains("refused the VNC login: the server refused: wrong"),
            "{reason}"
        );
        gateway.end().await;
    })
    .await;
}

#[tokio::test]
async fn text_message_is_reported() {
    within(async {
        let server = Server::start().await;
        let gateway = UrlGateway::new(&format!("url = \"{}\"", server.url("/"))).await;
        let mut viewer = gateway.viewer().await;
        let hosting = async {
            let mut connection = server.connection().await;
            let request = connection.request().await;
            connection.send(&upgraded(&request)).await;
            connection
                .send(&frame::whole(TEXT, b"UkZCIDAwMy4wMDgK"))
                .await;
            connection
        };
        let (reason, _line) = tokio::join!(viewer.refused(RfbVersion::V3_8, None), hosting);
        assert!(reason.contains("sent a WebSocket text message"), "{reason}");
        gateway.end().await;
    })
    .await;
}

#[tokio::test]
async fn unreachable_and_silent_servers_are_reported() {
    within(async {
        let server = Server::start().await;
        let keys = format!("url = \"{}\"", server.url("/x"));
        let folder = Folder::new();
        let gateway = folder.gateway("handshake_timeout = \"3s\"", &keys).await;
        let reason = gateway.viewer().await.refused(RfbVersion::V3_8, None).await;
        assert!(reason.contains("/x did not answer within 3 s"), "{reason}");
        gateway.end().await;
        let gateway = UrlGateway::new("url = \"ws://127.0.0.1:9/x\"").await;
        let reason = gateway.viewer().await.refused(RfbVersion::V3_8, None).await;
        assert!(reason.starts_with("cannot reach 127.0.0.1:9"), "{reason}");
        gateway.end().await;
    })
    .await;
}
