//! Options and shutdown of TCP sockets, to viewers and to hosts alike.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Detects a vanished peer on an idle connection after two minutes: one minute of silence, then six probes.
const KEEPALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(60))
    .with_interval(Duration::from_secs(10))
    .with_retries(6);

/// TCP_USER_TIMEOUT for hosts: how long sent data may stay unacknowledged. Little is sent to a host, so that one which
/// acknowledges nothing for so long has failed. Viewers have no such limit: a user may suspend one.
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_secs(120);

/// How long [`finish`] waits for the peer's FIN.
const LINGER: Duration = Duration::from_secs(3);

/// How long one side of a session may take to close after the other has. A working host answers a Close frame within a
/// round trip; a failed one must not keep the session open.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// Sets TCP_NODELAY, so that small events are sent at once, and keep-alive.
///
/// # Errors
/// The operating system refuses an option.
pub fn prepare(socket: &TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    SockRef::from(socket).set_tcp_keepalive(&KEEPALIVE)
}

/// As [`prepare`], with TCP_USER_TIMEOUT on Linux.
///
/// # Errors
/// The operating system refuses an option.
pub fn prepare_console(socket: &TcpStream) -> io::Result<()> {
    prepare(socket)?;
    #[cfg(target_os = "linux")]
    SockRef::from(socket).set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    Ok(())
}

/// Closes a connection without losing what was written last: closing a socket with unread input sends RST, on which the
/// peer may discard data that it has not read yet. Sends FIN and reads until the peer's.
pub async fn finish(read: &mut (impl AsyncRead + Unpin), write: &mut (impl AsyncWrite + Unpin)) {
    // On the heap: the future stays small.
    let mut unread = vec![0; 4096];
    let closing = async {
        write.shutdown().await?;
        while read.read(&mut unread).await? > 0 {}
        io::Result::Ok(())
    };
    // The connection is dropped either way.
    let _ = timeout(LINGER, closing).await;
}
