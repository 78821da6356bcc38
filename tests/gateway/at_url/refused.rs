//! What a viewer reads when the server at a URL is not what it should be.

use crate::support::at_url::{AtUrl, Folder, Server};
use crate::support::esxi::{upgraded, upgraded_to};
use crate::support::frame::{self, BINARY, TEXT};
use crate::support::viewer::Dialect;
use crate::support::within;

/// Checks that a viewer reads all `words`, and nothing of the query, when the server sends these bytes in answer to the
/// request that it got.
async fn assert_reason(answer: impl AsyncFn(&str) -> Vec<u8>, words: &[&str]) {
    let server = Server::start().await;
    let gateway = AtUrl::new(&format!("url = \"{}\"", server.url("/?token=geheim"))).await;
    let mut viewer = gateway.viewer().await;
    let hosting = async {
        let mut line = server.line().await;
        let request = line.request().await;
        line.send(&answer(&request).await).await;
        line
    };
    let (entered, _line) = tokio::join!(viewer.enter(Dialect::V3_8, None), hosting);
    let reason = entered.unwrap_err();
    let address = server.address().to_string();
    for word in words.iter().chain([&address.as_str()]) {
        assert!(reason.contains(word), "without {word:?}: {reason}");
    }
    assert!(
        !reason.contains("geheim") && !reason.contains("ESXi"),
        "{reason}"
    );
    gateway.end().await;
}

#[tokio::test]
async fn an_answer_that_opens_no_websocket_is_told_with_what_to_do() {
    within(async {
        for (head, words) in [
            (
                "401 Unauthorized",
                ["HTTP status 401 Unauthorized", "see cookie and headers"],
            ),
            (
                "403 Forbidden",
                ["HTTP status 403 Forbidden", "see cookie and headers"],
            ),
            (
                "302 Found\r\nLocation: /login?next=x",
                ["HTTP status 302 Found", "as a login page does"],
            ),
            (
                "404 Not Found",
                ["HTTP status 404 Not Found", "see the path of its url"],
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
async fn a_subprotocol_that_was_not_asked_for_is_refused() {
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
async fn a_server_that_asks_for_a_password_that_is_not_configured_is_told() {
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
async fn a_wrong_password_is_told_as_the_servers_own_words() {
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
            let mut line = server.line().await;
            let request = line.request().await;
            line.send(&upgraded(&request)).await;
            assert!(!line.let_in(Dialect::V3_8, Some("left")).await);
        };
        let (entered, ()) = tokio::join!(viewer.enter(Dialect::V3_8, None), hosting);
        let reason = entered.unwrap_err();
        assert!(
            reason.contains("did not let us in: the server refused: wrong"),
            "{reason}"
        );
        gateway.end().await;
    })
    .await;
}

#[tokio::test]
async fn text_instead_of_bytes_is_told() {
    within(async {
        let server = Server::start().await;
        let gateway = AtUrl::new(&format!("url = \"{}\"", server.url("/"))).await;
        let mut viewer = gateway.viewer().await;
        let hosting = async {
            let mut line = server.line().await;
            let request = line.request().await;
            line.send(&upgraded(&request)).await;
            line.send(&frame::whole(TEXT, b"UkZCIDAwMy4wMDgK")).await;
            line
        };
        let (entered, _line) = tokio::join!(viewer.enter(Dialect::V3_8, None), hosting);
        assert!(entered.unwrap_err().contains("sent a text message"));
        gateway.end().await;
    })
    .await;
}

#[tokio::test]
async fn nobody_at_the_url_and_nobody_who_answers_are_told() {
    within(async {
        let server = Server::start().await;
        let keys = format!("url = \"{}\"", server.url("/x"));
        let folder = Folder::new();
        let gateway = folder.gateway("handshake_timeout = \"3s\"", &keys).await;
        let reason = gateway
            .viewer()
            .await
            .enter(Dialect::V3_8, None)
            .await
            .unwrap_err();
        assert!(reason.contains("/x did not answer within 3 s"), "{reason}");
        gateway.end().await;
        let gateway = AtUrl::new("url = \"ws://127.0.0.1:9/x\"").await;
        let reason = gateway
            .viewer()
            .await
            .enter(Dialect::V3_8, None)
            .await
            .unwrap_err();
        assert!(reason.starts_with("cannot reach 127.0.0.1:9"), "{reason}");
        gateway.end().await;
    })
    .await;
}
