//! Clients for the tests: SOAP, and consoles.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failed test"
)]

pub(crate) mod quirks;
pub(crate) mod screen;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use esxi_sim::{Host, Settings, VmSettings};
use futures::{SinkExt, StreamExt};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

pub(crate) type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// An ESXi with one VM called `vm08`.
pub(crate) async fn host() -> Host {
    start(|_| {}).await
}

/// The same, with settings that `change` changed.
pub(crate) async fn start(change: impl FnOnce(&mut Settings)) -> Host {
    let mut settings = Settings {
        vms: vec![VmSettings::desktop("vm08")],
        clock: false,
        ..Settings::default()
    };
    change(&mut settings);
    Host::start(settings).await.unwrap()
}

/// A timeout, so that a test fails instead of hanging.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), what)
        .await
        .expect("this should have happened by now")
}

pub(crate) async fn tls(host: &Host, address: SocketAddr) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    for pem in [host.certificate_pem(), host.console_certificate_pem()] {
        roots
            .add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
            .unwrap();
    }
    let config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::from(address.ip());
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap()
}

/// A SOAP client with a session and an API version.
pub(crate) struct Soap<'a> {
    pub(crate) host: &'a Host,
    pub(crate) version: &'static str,
    pub(crate) cookie: Option<String>,
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Reply {
    /// The text of the first element of this name.
    pub(crate) fn text(&self, element: &str) -> Option<&str> {
        let (_, rest) = self.body.split_once(&format!("<{element}"))?;
        let (_, rest) = rest.split_once('>')?;
        Some(rest.split_once("</")?.0)
    }
}

impl<'a> Soap<'a> {
    pub(crate) fn new(host: &'a Host) -> Self {
        Self {
            host,
            version: "7.0",
            cookie: None,
        }
    }

    pub(crate) async fn logged_in(host: &'a Host) -> Self {
        let mut soap = Self::new(host);
        let reply = soap.login("root", esxi_sim::DEMO_PASSWORD).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        soap
    }

    pub(crate) async fn login(&mut self, user: &str, password: &str) -> Reply {
        let manager = if self.host.address() == self.host.console_address() {
            "ha-sessionmgr"
        } else {
            "SessionManager"
        };
        let arguments = format!("<userName>{user}</userName><password>{password}</password>");
        self.call("Login", ("SessionManager", manager), &arguments)
            .await
    }

    pub(crate) async fn call(
        &mut self,
        method: &str,
        this: (&str, &str),
        arguments: &str,
    ) -> Reply {
        let (kind, id) = this;
        let body = format!(
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><{method} xmlns=\"urn:vim25\">\
             <_this type=\"{kind}\">{id}</_this>{arguments}</{method}></s:Body></s:Envelope>"
        );
        let cookie = self
            .cookie
            .as_ref()
            .map(|cookie| format!("Cookie: {cookie}\r\n"))
            .unwrap_or_default();
        let request = format!(
            "POST /sdk HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Type: text/xml\r\n\
             SOAPAction: \"urn:vim25/{}\"\r\n{cookie}Content-Length: {}\r\n\r\n{body}",
            self.version,
            body.len()
        );
        let (status, head, body) = http(self.host, &request).await;
        for line in head.lines() {
            if let Some(cookie) = line.strip_prefix("set-cookie: ") {
                self.cookie = Some(cookie.split(';').next().unwrap().to_owned());
            }
        }
        Reply { status, body }
    }

    pub(crate) async fn acquire(&mut self, vm: &str) -> Reply {
        let moref = self.host.moref(vm);
        self.call(
            "AcquireTicket",
            ("VirtualMachine", &moref),
            "<ticketType>webmks</ticketType>",
        )
        .await
    }

    pub(crate) async fn ticket(&mut self, vm: &str) -> String {
        let reply = self.acquire(vm).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.text("ticket").unwrap().to_owned()
    }
}

/// Sends a request with `Connection: close`; returns status, head and body.
pub(crate) async fn http(host: &Host, request: &str) -> (u16, String, String) {
    let mut stream = tls(host, host.address()).await;
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    soon(stream.read_to_end(&mut answer)).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_owned(), body.to_owned())
}

/// Opens a console with a new ticket.
pub(crate) async fn console(host: &Host, vm: &str) -> Viewer {
    let ticket = Soap::logged_in(host).await.ticket(vm).await;
    let (socket, response) = open(host, &ticket, Some("binary")).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "binary");
    Viewer {
        socket,
        bytes: Vec::new(),
    }
}

/// Requests the upgrade with a ticket.
pub(crate) async fn open(
    host: &Host,
    ticket: &str,
    protocol: Option<&str>,
) -> Result<(Socket, Response), Error> {
    let address = host.console_address();
    let mut request = format!("wss://{address}/ticket/{ticket}")
        .into_client_request()
        .unwrap();
    if let Some(protocol) = protocol {
        request.headers_mut().insert(
            "sec-websocket-protocol",
            HeaderValue::from_str(protocol).unwrap(),
        );
    }
    let config = WebSocketConfig::default()
        .max_message_size(None)
        .max_frame_size(None);
    let stream = tls(host, address).await;
    soon(client_async_with_config(request, stream, Some(config))).await
}

/// Opens a console without a library; returns the stream, and what followed the response in the read that completed it.
pub(crate) async fn raw_console(host: &Host, vm: &str) -> (TlsStream<TcpStream>, Vec<u8>) {
    raw_console_at(host, vm, host.console_address()).await
}

/// The same through a proxy at `address`.
pub(crate) async fn raw_console_at(
    host: &Host,
    vm: &str,
    address: SocketAddr,
) -> (TlsStream<TcpStream>, Vec<u8>) {
    let ticket = Soap::logged_in(host).await.ticket(vm).await;
    let mut stream = tls(host, address).await;
    let request = format!(
        "GET /ticket/{ticket} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: binary\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let length = soon(stream.read(&mut answer)).await.unwrap();
    answer.truncate(length);
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap()
        + 4;
    (stream, answer.split_off(end))
}

/// A console client that reads bytes.
pub(crate) struct Viewer {
    pub(crate) socket: Socket,
    pub(crate) bytes: Vec<u8>,
}

impl Viewer {
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.socket
            .send(Message::binary(bytes.to_vec()))
            .await
            .unwrap();
    }

    /// The next message other than control frames.
    pub(crate) async fn message(&mut self) -> Option<Vec<u8>> {
        loop {
            match soon(self.socket.next()).await? {
                Ok(Message::Binary(bytes)) => return Some(bytes.to_vec()),
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(other) => panic!("{other:?}"),
            }
        }
    }

    /// Reads exactly `length` bytes.
    pub(crate) async fn take(&mut self, length: usize) -> Vec<u8> {
        while self.bytes.len() < length {
            let message = self.message().await.expect("the console ended too soon");
            self.bytes.extend(message);
        }
        let rest = self.bytes.split_off(length);
        std::mem::replace(&mut self.bytes, rest)
    }

    /// Completes the handshake up to ServerInit; returns width, height and name.
    pub(crate) async fn begin(&mut self) -> (u16, u16, String) {
        assert_eq!(self.take(12).await, b"RFB 003.008\n");
        self.send(b"RFB 003.008\n").await;
        assert_eq!(self.take(2).await, [1, 1]);
        self.send(&[1]).await;
        assert_eq!(self.take(4).await, [0; 4]);
        self.send(&[1]).await;
        let init = self.take(24).await;
        let number = |at: usize| u16::from_be_bytes([init[at], init[at + 1]]);
        let name = self.take(number(22).into()).await;
        (number(0), number(2), String::from_utf8(name).unwrap())
    }

    pub(crate) async fn request(
        &mut self,
        incremental: bool,
        x: u16,
        y: u16,
        width: u16,
        height: u16,
    ) {
        let mut request = vec![3, u8::from(incremental)];
        for number in [x, y, width, height] {
            request.extend(number.to_be_bytes());
        }
        self.send(&request).await;
    }

    /// Reads a FramebufferUpdate of Raw rectangles with 4 bytes per pixel: x, y, width, height, pixels.
    pub(crate) async fn update(&mut self) -> Vec<(u16, u16, u16, u16, Vec<u8>)> {
        let head = self.take(4).await;
        assert_eq!(head[0], 0, "a message that is no update: {head:?}");
        assert_ne!(head[1], 0, "an update without a number");
        let mut rectangles = Vec::new();
        for _ in 0..u16::from_be_bytes([head[2], head[3]]) {
            let head = self.take(12).await;
            let number = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
            assert_eq!(head[8..], [0; 4], "not raw");
            let (width, height) = (number(4), number(6));
            let pixels = self
                .take(usize::from(width) * usize::from(height) * 4)
                .await;
            rectangles.push((number(0), number(2), width, height, pixels));
        }
        rectangles
    }

    /// Sends SetEncodings.
    pub(crate) async fn list(&mut self, encodings: &[i32]) {
        let mut message = vec![2, 0];
        message.extend(u16::try_from(encodings.len()).unwrap().to_be_bytes());
        message.extend(encodings.iter().flat_map(|encoding| encoding.to_be_bytes()));
        self.send(&message).await;
    }

    /// Sends VMware's key event (127/0).
    pub(crate) async fn scan_code(&mut self, code: u16, down: bool) {
        let [high, low] = code.to_be_bytes();
        self.send(&[127, 0, 0, 8, high, low, u8::from(down), 0])
            .await;
    }

    /// Presses keys by scan code; a negative one is a release.
    pub(crate) async fn scan_codes(&mut self, codes: &[i32]) {
        for code in codes {
            let number = u16::try_from(code.abs()).unwrap();
            self.scan_code(number, *code > 0).await;
        }
    }

    pub(crate) async fn key(&mut self, keysym: u32) {
        for down in [1, 0] {
            let mut event = vec![4, down, 0, 0];
            event.extend(keysym.to_be_bytes());
            self.send(&event).await;
        }
    }

    /// Waits for the end; returns the code of the Close frame, if there was one.
    pub(crate) async fn ended(&mut self) -> Option<u16> {
        let mut code = None;
        while let Some(Ok(message)) = soon(self.socket.next()).await {
            if let Message::Close(Some(frame)) = message {
                code = Some(frame.code.into());
            }
        }
        code
    }
}
