//! The upgrade request to a server at a URL.

use crate::support::esxi::{Esxi, header, upgraded_to};
use crate::support::url_gateway::{Folder, Server, UrlGateway};
use crate::support::viewer::RfbVersion;
use crate::support::within;

/// The upgrade request for a viewer of `gateway`.
async fn request(server: &Server, gateway: &UrlGateway) -> String {
    let mut viewer = gateway.viewer().await;
    let entering = viewer.enter(RfbVersion::V3_8, None);
    let asked = async { server.connection().await.request().await };
    // The server closes after the request.
    let (_, request) = tokio::join!(entering, asked);
    request
}

#[tokio::test]
async fn path_and_query_arrive_unchanged() {
    within(async {
        let server = Server::start().await;
        let url = server.url("/some/path?token=abc&x=%2F");
        let gateway = UrlGateway::new(&format!("url = \"{url}\"")).await;
        let request = request(&server, &gateway).await;
        assert!(
            request.starts_with("GET /some/path?token=abc&x=%2F HTTP/1.1\r\n"),
            "{request}"
        );
        assert_eq!(header(&request, "host"), server.address().to_string());
        assert_eq!(header(&request, "sec-websocket-protocol"), "binary");
        assert!(!request.to_lowercase().contains("\r\ncookie"), "{request}");
        gateway.end().await;
    })
    .await;
}

#[tokio::test]
async fn headers_and_cookies_arrive_from_every_source() {
    within(async {
        let folder = Folder::new();
        folder.secret("headers", "# a comment\n\nX-Token: a b c \nX-Empty-Not:yes\n");
        folder.secret("cookie", "session=1; other=2\n");
        let server = Server::start().await;
        let keys = format!(
            "url = \"{}\"\nheaders_file = \"headers\"\ncookie_file = \"cookie\"\n\
             headers_env = {{ X-Path = \"CARGO_PKG_NAME\" }}\nheaders = {{ Origin = \"https://h\" }}",
            server.url("/")
        );
        let gateway = folder.gateway("", &keys).await;
        let request = request(&server, &gateway).await;
        for (name, value) in [
            ("x-token", "a b c"),
            ("x-empty-not", "yes"),
            ("cookie", "session=1; other=2"),
            ("origin", "https://h"),
            ("x-path", env!("CARGO_PKG_NAME")),
        ] {
            assert_eq!(header(&request, name), value);
        }
        gateway.end().await;
    })
    .await;
}

#[tokio::test]
async fn user_and_password_of_the_url_become_basic_credentials() {
    within(async {
        let server = Server::start().await;
        let url = server.url("/").replace("ws://", "ws://ada:p%40ss@");
        let gateway = UrlGateway::new(&format!("url = \"{url}\"")).await;
        let request = request(&server, &gateway).await;
        assert_eq!(header(&request, "authorization"), "Basic YWRhOnBAc3M=");
        assert!(request.starts_with("GET / HTTP/1.1\r\n"));
        assert_eq!(header(&request, "host"), server.address().to_string());
        gateway.end().await;
    })
    .await;
}

#[tokio::test]
async fn any_subprotocol_can_be_offered_or_none() {
    within(async {
        let server = Server::start().await;
        for (word, asked) in [
            ("none", None),
            ("plain.kubevirt.io", Some("plain.kubevirt.io")),
        ] {
            let keys = format!("url = \"{}\"\nsubprotocol = \"{word}\"", server.url("/"));
            let gateway = UrlGateway::new(&keys).await;
            let mut viewer = gateway.viewer().await;
            let hosting = async {
                let mut connection = server.connection().await;
                let request = connection.request().await;
                connection.send(&upgraded_to(&request, asked)).await;
                connection.handshake().await;
                request
            };
            let (entered, request) = tokio::join!(viewer.enter(RfbVersion::V3_8, None), hosting);
            entered.unwrap();
            let found = request
                .lines()
                .find_map(|line| line.strip_prefix("Sec-WebSocket-Protocol: "));
            assert_eq!(found, asked);
            gateway.end().await;
        }
    })
    .await;
}

#[tokio::test]
async fn request_is_sent_only_after_the_certificate_is_verified() {
    within(async {
        let (esxi, folder) = (Esxi::start().await, Folder::new());
        std::fs::write(folder.path().join("ca.pem"), esxi.certificate_pem()).unwrap();
        let url = format!("url = \"wss://{}/x\"", esxi.address());
        let gateway = folder
            .gateway("", &format!("{url}\ntrust = \"file:ca.pem\""))
            .await;
        let mut viewer = gateway.viewer().await;
        let hosting = async { esxi.connection().await.open().await };
        let (entered, ()) = tokio::join!(viewer.enter(RfbVersion::V3_8, None), hosting);
        entered.unwrap();
        gateway.end().await;

        let wrong = format!("{url}\ntrust = \"sha256:{}\"", "ab".repeat(32));
        for keys in [&wrong, &url] {
            let gateway = folder.gateway("", keys).await;
            let mut viewer = gateway.viewer().await;
            let hosting = esxi.failed_connection();
            let (reason, ()) = tokio::join!(viewer.refused(RfbVersion::V3_8, None), hosting);
            assert!(
                reason.contains("certificate of") && reason.ends_with("or change trust"),
                "{reason}"
            );
            gateway.end().await;
        }
    })
    .await;
}
