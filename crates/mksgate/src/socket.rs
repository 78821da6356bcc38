//! What every TCP socket of the gateway has in common, whichever side it is on.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A peer that has silently gone is noticed after about two minutes: a minute of silence, then six probes.
const KEEPALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(60))
    .with_interval(Duration::from_secs(10))
    .with_retries(6);

/// How long a peer may take to read our last words and to end its own half. Local users take
/// milliseconds; a modem a second or two.
const LINGER: Duration = Duration::from_secs(3);

/// Small events leave at once, and dead peers are noticed.
pub(crate) fn prepare(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    SockRef::from(socket).set_tcp_keepalive(&KEEPALIVE)
}

/// Ends a connection so that what was written last still arrives: a socket that is closed with unread
/// input sends a reset, which may overtake it.
pub(crate) async fn finish(
    read: &mut (impl AsyncRead + Unpin),
    write: &mut (impl AsyncWrite + Unpin),
) {
    // Not in the future, which exists for as long as its session.
    let mut unread = vec![0; 4096];
    let farewell = async {
        write.shutdown().await?;
        while read.read(&mut unread).await? > 0 {}
        io::Result::Ok(())
    };
    // Ignored on purpose: the peer is gone or has had its time, and there is nobody left to tell.
    let _ = timeout(LINGER, farewell).await;
}
