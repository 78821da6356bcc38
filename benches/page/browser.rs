//! A browser's requests over TLS.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use console::tls::Trust;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::gateway::Gateway;

static CLIENT: LazyLock<Arc<ClientConfig>> =
    LazyLock::new(|| Arc::new(Trust::DangerAcceptAny.client().unwrap()));

/// One connection, which is kept.
pub(crate) struct Browser {
    stream: TlsStream<TcpStream>,
    host: SocketAddr,
    cookie: String,
}

/// An answer, and how long it took from the request on.
pub(crate) struct Answer {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    pub(crate) first_byte: Duration,
    pub(crate) whole: Duration,
}

impl Browser {
    pub(crate) async fn connect(gateway: &Gateway) -> Self {
        Self::open(gateway.address, gateway.cookie.clone()).await
    }

    async fn open(host: SocketAddr, cookie: String) -> Self {
        let stream = TcpStream::connect(host).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::clone(&CLIENT));
        Self {
            stream: connector.connect(name, stream).await.unwrap(),
            host,
            cookie,
        }
    }

    /// The cookie of a new session.
    pub(crate) async fn log_in(page: SocketAddr, user: &str, password: &str) -> String {
        let mut browser = Self::open(page, String::new()).await;
        let form = browser.get("/login").await;
        browser.cookie = form.cookie();
        let token = String::from_utf8_lossy(&form.body).into_owned();
        let token = token.split_once("name=\"form\" value=\"").unwrap().1;
        let token = token.split_once('"').unwrap().0;
        let body = format!("user={user}&password={password}&next=&form={token}");
        let head = format!(
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            body.len()
        );
        browser.send("POST", "/login", &head, &body).await;
        browser.receive().await.cookie()
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, "", "").await;
        self.receive().await
    }

    async fn send(&mut self, method: &str, path: &str, head: &str, body: &str) {
        let Self { host, cookie, .. } = self;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: https://{host}\r\nCookie: {cookie}\r\n{head}\r\n{body}"
        );
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    async fn receive(&mut self) -> Answer {
        let begun = Instant::now();
        let mut received = vec![0; 16 << 10];
        let count = self.stream.read(&mut received).await.unwrap();
        let first_byte = begun.elapsed();
        received.truncate(count);
        let end = loop {
            match received.windows(4).position(|end| end == b"\r\n\r\n") {
                Some(at) => break at + 4,
                None => assert!(self.stream.read_buf(&mut received).await.unwrap() > 0),
            }
        };
        let head = String::from_utf8_lossy(&received[..end]).into_owned();
        let mut body = received.split_off(end);
        let length = header(&head, "content-length").map_or(0, |length| length.parse().unwrap());
        while body.len() < length {
            assert!(self.stream.read_buf(&mut body).await.unwrap() > 0);
        }
        Answer {
            head,
            body,
            first_byte,
            whole: begun.elapsed(),
        }
    }

    /// Asks for the events. Returns what the answer is read from.
    pub(crate) async fn events(mut self) -> TlsStream<TcpStream> {
        self.send("GET", "/events", "Accept: text/event-stream\r\n", "")
            .await;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8_lossy(&head);
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        self.stream
    }
}

impl Answer {
    /// The cookie that it sets last.
    fn cookie(&self) -> String {
        let lines = self.head.lines().rev();
        let mut cookies = lines.filter_map(|line| line.split_once(": "));
        let cookie = cookies
            .find(|(name, value)| name.eq_ignore_ascii_case("set-cookie") && !value.contains("=;"));
        let (_, cookie) = cookie.unwrap_or_else(|| panic!("no cookie in {}", self.head));
        cookie.split_once(';').unwrap().0.to_owned()
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = head.lines().filter_map(|line| line.split_once(": "));
    let found = pairs.find(|(other, _)| other.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}
