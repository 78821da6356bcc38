//! `mksgate relay`: its compatibility with dewebsockify, and its errors.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "support/program.rs"]
mod program;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// A WebSocket server.
struct Server(TcpListener);

impl Server {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.0.local_addr().unwrap())
    }

    /// Accepts a connection and upgrades it; returns it with the head of its request.
    fn open(&self) -> (TcpStream, String) {
        upgrade(self.0.accept().unwrap().0)
    }
}

/// The head of a request.
fn request(socket: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

fn upgrade(mut socket: TcpStream) -> (TcpStream, String) {
    let head = request(&mut socket);
    let key = head
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .unwrap();
    let digest = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    let accept = STANDARD.encode(digest);
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: binary\r\n\r\n"
    );
    socket.write_all(answer.as_bytes()).unwrap();
    (socket, head)
}

/// Reads a short frame of a client: opcode and payload.
fn frame(socket: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 6];
    socket.read_exact(&mut head).unwrap();
    assert!(
        head[1] & 0x80 != 0 && head[1] < 0x80 | 126,
        "masked and short"
    );
    let mut payload = vec![0; usize::from(head[1] & 0x7f)];
    socket.read_exact(&mut payload).unwrap();
    for (byte, key) in payload.iter_mut().zip(head[2..].iter().cycle()) {
        *byte ^= key;
    }
    (head[0] & 0xf, payload)
}

/// A running `relay`, killed on drop.
struct Relay {
    child: Child,
    address: String,
    line: String,
}

impl Relay {
    fn start(arguments: &[&str]) -> Self {
        Self::with(
            Command::new(env!("CARGO_BIN_EXE_mksgate"))
                .arg("relay")
                .args(arguments),
        )
    }

    fn with(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned();
        Self {
            child,
            address,
            line,
        }
    }

    fn viewer(&self) -> TcpStream {
        TcpStream::connect(&self.address).unwrap()
    }

    /// Exit code and log.
    fn ended(mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut log)
            .unwrap();
        (self.child.wait().unwrap().code(), log)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether the connection was closed without data.
fn is_rejected(mut viewer: TcpStream) -> bool {
    matches!(viewer.read(&mut [0]), Ok(0) | Err(_))
}

#[test]
fn openqa_arguments_relay_bytes_and_use_the_ticket_once() {
    let server = Server::new();
    let url = server.url("/ticket/0123456789abcdef");
    let cookie = "vmware_client=VMware; vmware_soap_session=\"s3cr3t\"";
    let relay = Relay::start(&[
        "--listenport",
        "0",
        "--websocketurl",
        &url,
        "--cookie",
        cookie,
        "--loglevel",
        "trace",
        "--insecure",
    ]);
    let shown = url
        .trim_start_matches("ws://")
        .replace("0123456789abcdef", "...");
    assert_eq!(relay.line, format!("{} {shown}\n", relay.address));
    assert!(relay.address.starts_with("127.0.0.1:"));
    let mut viewer = relay.viewer();
    let (mut console, head) = server.open();
    assert!(
        head.starts_with("GET /ticket/0123456789abcdef HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(
        head.contains(&format!("\r\nCookie: {cookie}\r\n")),
        "{head}"
    );
    assert!(
        head.contains("\r\nSec-WebSocket-Protocol: binary\r\n"),
        "{head}"
    );
    // Bytes are relayed as they are, RFB or not.
    viewer.write_all(b"\0not RFB\xff").unwrap();
    assert_eq!(frame(&mut console), (2, b"\0not RFB\xff".to_vec()));
    console
        .write_all(b"\x82\x05\xffHTTP\x88\x02\x03\xe8")
        .unwrap();
    let mut seen = Vec::new();
    viewer.read_to_end(&mut seen).unwrap();
    assert_eq!(seen, b"\xffHTTP");
    assert_eq!(frame(&mut console), (8, vec![3, 0xe8]));
    drop((viewer, console));
    let (code, log) = relay.ended();
    assert_eq!(code, Some(0), "{log}");
    assert!(
        log.contains("session closed: the console's host closed: close code 1000"),
        "{log}"
    );
    assert!(
        !log.contains("0123456789abcdef") && !log.contains("s3cr3t"),
        "{log}"
    );
}

#[test]
fn url_and_cookie_are_read_from_the_environment() {
    let server = Server::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mksgate"));
    command
        .args(["relay", "--listenport", "0"])
        .env("MKSGATE_WEBSOCKETURL", server.url("/x?y"))
        .env("MKSGATE_COOKIE", "session=s3cr3t");
    let relay = Relay::with(&mut command);
    let _viewer = relay.viewer();
    let (_, head) = server.open();
    assert!(head.starts_with("GET /x?y HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nCookie: session=s3cr3t\r\n"), "{head}");
}

#[test]
fn viewers_are_served_one_at_a_time() {
    let server = Server::new();
    let relay = Relay::start(&["--listenport", "0", "--websocketurl", &server.url("/same")]);
    for _ in 0..3 {
        let (mut viewer, console) = next_viewer(&relay, &server);
        let (mut console, head) = upgrade(console);
        assert!(head.starts_with("GET /same HTTP/1.1\r\n"));
        // Otherwise the viewer may leave before its session has begun.
        console.write_all(b"\x82\x01R").unwrap();
        viewer.set_nonblocking(false).unwrap();
        viewer.read_exact(&mut [0]).unwrap();
        assert!(is_rejected(relay.viewer()));
        drop(viewer);
        assert_eq!(frame(&mut console), (8, vec![3, 0xe8]));
        console.write_all(b"\x88\x02\x03\xe8").unwrap();
    }
}

/// A viewer and the connection that the server got for it. Retries while the previous session still ends.
fn next_viewer(relay: &Relay, server: &Server) -> (TcpStream, TcpStream) {
    server.0.set_nonblocking(true).unwrap();
    let mut viewer = relay.viewer();
    viewer.set_nonblocking(true).unwrap();
    let console = loop {
        if let Ok((console, _)) = server.0.accept() {
            break console;
        }
        match viewer.read(&mut [0]) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                std::thread::yield_now();
            }
            _ => {
                viewer = relay.viewer();
                viewer.set_nonblocking(true).unwrap();
            }
        }
    };
    server.0.set_nonblocking(false).unwrap();
    console.set_nonblocking(false).unwrap();
    (viewer, console)
}

#[test]
fn reconnect_command_runs_for_each_further_viewer() {
    let server = Server::new();
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("fresh url");
    let script = format!("#!/bin/sh\necho \"{}$1\"\n", server.url("/ticket/"));
    program::program(&program, &script);
    let command = format!("'{}' \"second one\"", program.display());
    for (first, paths) in [
        (
            Some(server.url("/ticket/first")),
            ["/ticket/first", "/ticket/second%20one"],
        ),
        (None, ["/ticket/second%20one", "/ticket/second%20one"]),
    ] {
        let mut arguments = vec!["--listenport", "0", "--reconnect-command", &command];
        arguments.extend(first.iter().flat_map(|url| ["--websocketurl", url]));
        let relay = Relay::start(&arguments);
        for path in paths {
            let (viewer, console) = next_viewer(&relay, &server);
            viewer.set_nonblocking(false).unwrap();
            let (mut console, head) = upgrade(console);
            assert!(
                head.starts_with(&format!("GET {path} HTTP/1.1\r\n")),
                "{head}"
            );
            console.write_all(b"\x88\x02\x03\xe8").unwrap();
            assert_eq!(frame(&mut console).0, 8);
            drop(console);
            assert!(is_rejected(viewer));
        }
    }
}

#[test]
fn refused_ticket_exits_with_1() {
    let server = Server::new();
    let relay = Relay::start(&[
        "--listenport",
        "0",
        "--websocketurl",
        &server.url("/ticket/spent"),
    ]);
    let viewer = relay.viewer();
    let (mut console, _) = server.0.accept().unwrap();
    request(&mut console);
    console
        .write_all(b"HTTP/1.1 404 Not Found\r\n\r\n")
        .unwrap();
    assert!(is_rejected(viewer));
    let (code, log) = relay.ended();
    assert_eq!(code, Some(1));
    let last = log.lines().last().unwrap();
    assert!(
        last.starts_with("mksgate: 127.0.0.1:")
            && last.ends_with("(HTTP 404): ticket used or expired, get a new one"),
        "{log}"
    );
}

#[test]
fn signal_closes_both_sides() {
    let server = Server::new();
    let relay = Relay::start(&["--listenport", "0", "--websocketurl", &server.url("/")]);
    let viewer = relay.viewer();
    let (mut console, _) = server.open();
    // A relayed byte shows that the session has begun.
    (&viewer).write_all(b"x").unwrap();
    assert_eq!(frame(&mut console).0, 2);
    let id = relay.child.id().to_string();
    assert!(Command::new("kill").arg(id).status().unwrap().success());
    assert_eq!(frame(&mut console), (8, vec![3, 0xe9]));
    drop(console);
    assert!(is_rejected(viewer));
    assert_eq!(relay.ended().0, Some(0));
}

#[test]
fn usage_errors_are_one_line_without_secrets() {
    for (arguments, words) in [
        (&[][..], "there is no URL: add --websocketurl URL"),
        (&["--websocketurl", "s3cr3t"], "invalid URL: write wss://"),
        (
            &["--websocketurl", "https://s3cr3t/"],
            "write wss:// instead",
        ),
        (
            &["--websocketurl", "ws://192.0.2.1/s3cr3t"],
            "write wss://, or add --insecure",
        ),
        (
            &["--reconnect-command", "s3cr3t 'x"],
            "with each quote closed",
        ),
        (
            &["--websocketurl", "wss://h", "--trust", "maybe"],
            "unknown trust \"maybe\"",
        ),
        (
            &[
                "--websocketurl",
                "wss://h",
                "--trust",
                "system",
                "--insecure",
            ],
            "cannot be used with",
        ),
        (
            &["--websocketurl", "wss://h", "--loglevel", "loud"],
            "possible values: trace",
        ),
    ] {
        let done = Command::new(env!("CARGO_BIN_EXE_mksgate"))
            .arg("relay")
            .args(arguments)
            .output()
            .unwrap();
        let output = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(2), "{output}");
        assert!(output.contains(words), "{output}");
        assert!(
            !output.contains("s3cr3t") && done.stdout.is_empty(),
            "{output}"
        );
    }
}
