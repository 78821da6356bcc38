//! What both implementations of the record layer share.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

/// The most that is read and decrypted at once: about fifteen full records. More is not faster, and delays the other
/// sessions of the thread.
pub const READ: usize = 256 * 1024;

/// Why a stream cannot be read any further.
#[derive(Debug)]
pub enum ReadEnd {
    /// The host has sent close_notify.
    Closed,
    /// TCP ended without close_notify.
    Truncated,
    /// TCP or TLS failed. The alert, if TLS has one for it, is in [`super::TlsSession::closing_records`].
    Failed(io::Error),
}

/// The state after all available records were processed.
pub(super) enum LayerState<T> {
    /// The handshake needs more from the peer.
    Blocked,
    /// The peer has sent close_notify.
    Closed,
    /// Application data can be sent; the value is the result of sending.
    Ready(T),
}

/// Reads once into `buffer`; an empty one is an error, since reading 0 bytes means end of stream.
pub(super) fn fill<R: AsyncRead + Unpin>(
    stream: &mut R,
    context: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::new(buffer);
    if buffer.remaining() == 0 {
        return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
    }
    let polled = Pin::new(stream).poll_read(context, &mut buffer);
    polled.map_ok(|()| buffer.filled().len())
}

pub(super) fn invalid(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
