//! Viewers, hosts and the gateway between them.

pub(crate) mod browser;
pub(crate) mod direct;
pub(crate) mod encrypted_port;
pub(crate) mod esxi;
pub(crate) mod frame;
pub(crate) mod log;
pub(crate) mod pattern;
pub(crate) mod testbed;
pub(crate) mod url_gateway;
pub(crate) mod viewer;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The time limit of a test. The slowest takes a tenth of it on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(240);

/// Awaits `what`, which must complete within [`LIMIT`].
#[track_caller]
pub(crate) fn within<T>(what: impl Future<Output = T>) -> impl Future<Output = T> {
    let caller = std::panic::Location::caller();
    async move {
        match tokio::time::timeout(LIMIT, what).await {
            Ok(done) => done,
            Err(_) => panic!("{caller}: this should have ended by now"),
        }
    }
}

/// Polls `condition` until it holds, and yields to other tasks in between.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

/// Whether `socket` has neither unread bytes nor an end of stream. This peeks at the kernel's buffer: on loopback, what was
/// written has arrived.
pub(crate) fn is_silent(socket: &TcpStream) -> bool {
    let mut byte = [std::mem::MaybeUninit::uninit()];
    let peeked = SockRef::from(socket).peek(&mut byte);
    matches!(peeked, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

/// Whether the peer has closed. Unread bytes before that are discarded.
pub(crate) fn is_closed(socket: &TcpStream) -> bool {
    let mut bytes = [0; 1024];
    loop {
        match socket.try_read(&mut bytes) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
}

/// A port number that is known before it is bound: below the ephemeral range, so that the kernel does not assign it
/// meanwhile, and different in each test process.
pub(crate) fn reserved_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let next = std::process::id() * 8 + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (next % 10_000) as u16;
        if std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// The complete response to a GET request over plain HTTP.
pub(crate) async fn http_get(address: SocketAddr, path: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}
