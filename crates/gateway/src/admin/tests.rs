//! Authorization, timeouts and the limit of connections.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::*;

const TOKEN: &str = "0123456789abcdef";

/// A server on a free port, with or without a token.
async fn begin(token: Option<&str>) -> (OpenAdmin, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listen = listener.local_addr().unwrap();
    let token = token.map(|token| Secret::new(token.to_owned()));
    let (metrics, ended) = (Arc::default(), CancellationToken::new());
    let admin = Admin { listen, token };
    let open = OpenAdmin::begin(listener, admin, metrics, &ended, &TaskTracker::new());
    (open, listen)
}

/// The status line of the response to a request with these headers; empty where there is none.
async fn status(listen: SocketAddr, path: &str, headers: &str) -> String {
    let mut socket = TcpStream::connect(listen).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn requests_without_the_token_are_refused() {
    let (open, listen) = begin(Some(TOKEN)).await;
    for (headers, expected) in [
        ("", "HTTP/1.1 401 Unauthorized"),
        ("Authorization: Bearer \r\n", "HTTP/1.1 401 Unauthorized"),
        (
            "Authorization: Bearer 0123456789abcde\r\n",
            "HTTP/1.1 401 Unauthorized",
        ),
        (
            "Authorization: Bearer 0123456789abcdef0\r\n",
            "HTTP/1.1 401 Unauthorized",
        ),
        (
            "Authorization: Basic 0123456789abcdef\r\n",
            "HTTP/1.1 401 Unauthorized",
        ),
        (
            "Authorization: 0123456789abcdef\r\n",
            "HTTP/1.1 401 Unauthorized",
        ),
        (
            "Authorization: Bearer 0123456789abcdef\r\n",
            "HTTP/1.1 200 OK",
        ),
        (
            "authorization: bearer 0123456789abcdef\r\n",
            "HTTP/1.1 200 OK",
        ),
    ] {
        for path in ["/metrics", "/healthz"] {
            assert_eq!(status(listen, path, headers).await, expected, "{headers}");
        }
    }
    let elsewhere = status(listen, "/elsewhere", "").await;
    assert_eq!(elsewhere, "HTTP/1.1 401 Unauthorized");
    let another = "fedcba9876543210".to_owned();
    open.set_token(Some(Secret::new(another)));
    let before = format!("Authorization: Bearer {TOKEN}\r\n");
    assert_eq!(
        status(listen, "/healthz", &before).await,
        "HTTP/1.1 401 Unauthorized"
    );
    open.set_token(None);
    assert_eq!(status(listen, "/healthz", "").await, "HTTP/1.1 200 OK");
    open.close().await;
    assert!(TcpStream::connect(listen).await.is_err());
}

/// On tokio's paused clock, which advances when all tasks wait.
#[tokio::test(start_paused = true)]
async fn incomplete_request_ends_with_the_header_timeout() {
    let (_open, listen) = begin(None).await;
    for begun_with in [
        "",
        "GET /metrics HT",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX-More: ",
    ] {
        let mut socket = TcpStream::connect(listen).await.unwrap();
        let begun = Instant::now();
        socket.write_all(begun_with.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&answer), "", "{begun_with}");
        let lasted = begun.elapsed();
        assert!(
            lasted >= HEADER_TIMEOUT && lasted < 2 * HEADER_TIMEOUT,
            "{lasted:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn concurrent_connections_are_limited() {
    let (_open, listen) = begin(None).await;
    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS {
        silent.push(TcpStream::connect(listen).await.unwrap());
    }
    let begun = Instant::now();
    assert_eq!(status(listen, "/healthz", "").await, "HTTP/1.1 200 OK");
    assert!(
        begun.elapsed() >= HEADER_TIMEOUT / 2,
        "it is served once others have ended"
    );
    let begun = Instant::now();
    assert_eq!(status(listen, "/healthz", "").await, "HTTP/1.1 200 OK");
    assert!(begun.elapsed() < HEADER_TIMEOUT / 2);
}

/// What ended a connection on which the client sent this, and then closed its side or not.
async fn reason_after(sent: &str, closes: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut client = TcpStream::connect(address).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let (_token, current) = watch::channel(None);
    let served = answer(stream, routes(Arc::default(), current));
    let sends = async {
        // The server may have closed the connection already.
        let _ = client.write_all(sent.as_bytes()).await;
        if closes {
            let _ = client.shutdown().await;
        }
        let _ = client.read_to_end(&mut Vec::new()).await;
    };
    let (served, ()) = tokio::join!(served, sends);
    reason(&served.unwrap_err())
}

#[tokio::test]
async fn reasons_why_connections_ended_are_in_plain_words() {
    let head = "y".repeat(1 << 20);
    let head = format!("GET /healthz HTTP/1.1\r\nX: {head}\r\n\r\n");
    for (sent, expected) in [
        (
            "GET /healthz HTTP/1.1\r\nHo",
            "the client closed it in the middle",
        ),
        (
            "\x16\x03\x01\x02\x01\x01\x01",
            "its request is not valid HTTP",
        ),
        (
            "GET /healthz HTTP/9.9\r\n\r\n",
            "its request is not valid HTTP",
        ),
        (&head, "the head of its request is too large"),
    ] {
        assert_eq!(reason_after(sent, true).await, expected, "{sent:.40}");
    }
}

/// The clock is paused: the header timeout passes when nothing else happens.
#[tokio::test(start_paused = true)]
async fn a_request_that_does_not_come_is_called_that() {
    let reason = reason_after("GET /healthz HTTP/1.1\r\nHo", false).await;
    assert_eq!(reason, "its request did not come in time");
}
