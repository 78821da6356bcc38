//! What every TCP socket of the gateway has in common, whichever side it is on.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A peer that has silently gone while nothing is on its way to it is noticed after about two minutes: a
/// minute of silence, then six probes.
const KEEPALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(60))
    .with_interval(Duration::from_secs(10))
    .with_retries(6);

/// How long an ESXi host may leave what was sent to it unread. It is some keys and pointer moves, never much:
/// a host that takes none of it for so long hangs. (A viewer may pause for as long as it likes.)
#[cfg(target_os = "linux")]
const UNREAD: Duration = Duration::from_secs(120);

/// How long a peer may take to read our last words and to end its own half. Local users take
/// milliseconds; a modem a second or two.
const LINGER: Duration = Duration::from_secs(3);

/// How long one side of a session may take to end after the other has. A host that lives answers a Close within a
/// round trip; one that does not must not hold the session.
pub const PARTING: Duration = Duration::from_secs(3);

/// Small events leave at once, and dead peers are noticed.
pub fn prepare(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    SockRef::from(socket).set_tcp_keepalive(&KEEPALIVE)
}

/// Likewise, and a host that takes nothing any more is given up.
pub fn prepare_console(socket: &TcpStream) -> io::Result<()> {
    prepare(socket)?;
    #[cfg(target_os = "linux")]
    SockRef::from(socket).set_tcp_user_timeout(Some(UNREAD))?;
    Ok(())
}

/// Ends a connection so that what was written last still arrives: a socket that is closed with unread
/// input sends a reset, which may overtake it.
pub async fn finish(read: &mut (impl AsyncRead + Unpin), write: &mut (impl AsyncWrite + Unpin)) {
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
