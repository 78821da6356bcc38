//! The layer between WebSocket frames and TCP: TLS records for `wss://`, nothing for `ws://`.

use std::borrow::Cow;
use std::io;
use std::ops::Range;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncRead;

use crate::tls_session::{ReadEnd, ReceiveBuffer, TlsSession};

/// A connection's layer; both directions of a relay share it.
pub enum Transport {
    /// `wss://`.
    Tls(TlsSession),
    /// `ws://`.
    Plain,
}

impl Transport {
    /// Reads once and adds the decrypted bytes, at most [`crate::tls_session::READ`], to `input`, also those that precede an
    /// end of the stream.
    pub fn poll_read<R: AsyncRead + Unpin>(
        &self,
        stream: &mut R,
        context: &mut Context<'_>,
        input: &mut ReceiveBuffer,
    ) -> Poll<Result<(), ReadEnd>> {
        match self {
            Self::Tls(session) => session.poll_read(stream, context, input),
            Self::Plain => poll_plain(stream, context, input),
        }
    }

    /// `bytes` as they are sent on TCP.
    ///
    /// # Errors
    /// TLS has failed, or its keys have reached their limit.
    pub fn seal(&self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Tls(session) => session.seal(bytes),
            Self::Plain => Ok(bytes.to_vec()),
        }
    }

    /// The range `plain` of `buffer` as it is sent on TCP; encrypted in place where the record layer can, for which the
    /// buffer needs [`tls_records::BEFORE`] bytes in front of the range and [`tls_records::AFTER`] behind it.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn seal_within<'a>(
        &self,
        buffer: &'a mut [u8],
        plain: Range<usize>,
    ) -> io::Result<Cow<'a, [u8]>> {
        match self {
            Self::Tls(session) => session.seal_within(buffer, plain),
            Self::Plain => Ok(Cow::Borrowed(buffer.get(plain).unwrap_or_default())),
        }
    }

    /// The records to send before FIN: a pending alert, or close_notify.
    pub fn closing_records(&self) -> Vec<u8> {
        match self {
            Self::Tls(session) => session.closing_records(),
            Self::Plain => Vec::new(),
        }
    }

    /// Whether no buffer is held.
    pub fn holds_no_buffer(&self) -> bool {
        match self {
            Self::Tls(session) => session.holds_no_buffer(),
            Self::Plain => true,
        }
    }
}

fn poll_plain<R: AsyncRead + Unpin>(
    stream: &mut R,
    context: &mut Context<'_>,
    input: &mut ReceiveBuffer,
) -> Poll<Result<(), ReadEnd>> {
    Poll::Ready(match ready!(input.poll_fill(stream, context)) {
        Ok(0) => Err(ReadEnd::Closed),
        Ok(count) => {
            input.mark_opened(count, count);
            Ok(())
        }
        Err(error) => Err(ReadEnd::Failed(error)),
    })
}
