//! Many connections of one source do not keep others out.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

#[allow(dead_code, reason = "other tests use the rest")]
mod support;

use std::net::IpAddr;

use support::{Page, Reply};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

const HERE: &str = "127.0.0.2";
const THERE: &str = "127.0.0.3";

/// A connection from this address of loopback.
async fn connect(page: &Page, from: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let from: IpAddr = from.parse().unwrap();
    socket.bind((from, 0).into()).unwrap();
    socket.connect(page.address).await.unwrap()
}

/// Begins a request and does not end it.
async fn begin(page: &Page, from: &str) -> TcpStream {
    let mut socket = connect(page, from).await;
    let begun = format!("GET /login HTTP/1.1\r\nhost: {}\r\nx-", page.address);
    socket.write_all(begun.as_bytes()).await.unwrap();
    socket
}

/// A connection that was answered once, and has begun another request.
async fn answered_and_begin(page: &Page, from: &str) -> TcpStream {
    let mut socket = begin(page, from).await;
    socket.write_all(b"a: b\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    while !answer.contains("</html>") {
        let mut piece = [0; 4096];
        let length = socket.read(&mut piece).await.unwrap();
        assert!(length > 0, "{answer}");
        answer += &String::from_utf8_lossy(&piece[..length]);
    }
    let begun = format!("GET /login HTTP/1.1\r\nhost: {}\r\nx-", page.address);
    socket.write_all(begun.as_bytes()).await.unwrap();
    socket
}

/// Ends a request that was begun; whether it is answered.
async fn is_answered(socket: &mut TcpStream) -> bool {
    let ended = socket.write_all(b"a: b\r\nconnection: close\r\n\r\n").await;
    let mut answer = String::new();
    ended.is_ok()
        && socket.read_to_string(&mut answer).await.is_ok()
        && answer.starts_with("HTTP/1.1 200")
}

#[tokio::test]
async fn half_sent_requests_of_one_source_keep_only_itself_out() {
    let page = Page::begin(|web| web.max_connections_per_source = 20).await;
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(answered_and_begin(&page, HERE).await);
    }
    for _ in 0..300 {
        let mut refused = connect(&page, HERE).await;
        let read = refused.read(&mut [0; 16]).await;
        assert!(!read.is_ok_and(|length| length > 0));
    }
    assert!(is_answered(&mut begin(&page, THERE).await).await);
    for mut socket in held {
        assert!(is_answered(&mut socket).await);
    }
    assert!(is_answered(&mut begin(&page, HERE).await).await);
}

#[tokio::test]
async fn a_reverse_proxy_may_have_any_number_of_connections() {
    let page = Page::begin(|web| {
        web.max_connections_per_source = 1;
        web.proxy_from = vec!["127.0.0.2/32".parse().unwrap()];
    });
    let page = page.await;
    let mut of_proxy = Vec::new();
    for _ in 0..30 {
        of_proxy.push(begin(&page, HERE).await);
    }
    for socket in &mut of_proxy {
        assert!(is_answered(socket).await);
    }
}

#[tokio::test]
async fn connections_without_a_request_make_room_for_one_of_another_source() {
    let page = Page::begin(|web| web.max_connections_per_source = 5000).await;
    let mut silent = Vec::new();
    for _ in 0..1500 {
        silent.push(connect(&page, HERE).await);
    }
    assert!(is_answered(&mut begin(&page, THERE).await).await);
    let mut ends = JoinSet::new();
    for mut socket in silent {
        ends.spawn(async move { socket.read(&mut [0; 1]).await });
    }
    for _ in 0..1500 - 1024 {
        let read = ends.join_next().await.unwrap().unwrap();
        assert!(!read.is_ok_and(|length| length > 0));
    }
}

/// The answer to a login of a client that a reverse proxy names, without the form's token.
async fn log_in(page: &Page, client: &str) -> Reply {
    let headers = [("x-forwarded-for", client)];
    let body = "user=ada&password=x";
    page.send("POST", "/login", &headers, body).await
}

#[tokio::test]
async fn too_many_logins_of_a_client_are_told_when_to_try_again() {
    let page = Page::begin(|web| web.proxy_from = vec!["127.0.0.1/32".parse().unwrap()]).await;
    let mut answered = 0;
    let refused = loop {
        let reply = log_in(&page, "2001:db8::1").await;
        match reply.status {
            200 => answered += 1,
            429 => break reply,
            other => panic!("{other}"),
        }
    };
    assert!((100..150).contains(&answered), "{answered}");
    let seconds: u64 = refused.one("retry-after").parse().unwrap();
    let sentence = format!("Too many logins from your address: try again in {seconds} s.");
    assert!(
        seconds >= 1 && refused.body.contains(&sentence),
        "{}",
        refused.body
    );
    // Another address of the same /64, and another client of the same proxy.
    assert_eq!(log_in(&page, "2001:db8::2").await.status, 429);
    assert_eq!(log_in(&page, "2001:db8:0:1::1").await.status, 200);
}
