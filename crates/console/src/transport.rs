//! How frames travel to a console's host on TCP: in TLS records or, where that is plain `ws://`, as they are.

use std::borrow::Cow;
use std::io;
use std::ops::Range;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncRead;

use crate::tls_session::{Input, Over, TlsSession};

/// One connection's way of doing so. Both directions of a relay use it at once.
pub enum Transport {
    /// `wss://`.
    Tls(TlsSession),
    /// `ws://`.
    Plain,
}

impl Transport {
    /// Reads once and adds what has come to `input`, at most [`crate::tls_session::READ`] bytes. Nothing is lost
    /// where it ends: what came before the end is in `input`.
    pub fn poll_read<R: AsyncRead + Unpin>(
        &self,
        stream: &mut R,
        context: &mut Context<'_>,
        input: &mut Input,
    ) -> Poll<Result<(), Over>> {
        match self {
            Self::Tls(session) => session.poll_read(stream, context, input),
            Self::Plain => poll_plain(stream, context, input),
        }
    }

    /// `bytes` as they are to be sent.
    ///
    /// # Errors
    /// TLS has failed, or has used up its keys.
    pub fn seal(&self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Tls(session) => session.seal(bytes),
            Self::Plain => Ok(bytes.to_vec()),
        }
    }

    /// `plain` of `buffer` as it is to be sent; where it lies, if that can be done, for which the buffer has
    /// [`tls_records::BEFORE`] bytes to spare in front of it and [`tls_records::AFTER`] behind it.
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

    /// What is to be said below WebSocket before TCP ends.
    pub fn last_words(&self) -> Vec<u8> {
        match self {
            Self::Tls(session) => session.last_words(),
            Self::Plain => Vec::new(),
        }
    }

    /// Whether it has no buffer.
    pub fn holds_nothing(&self) -> bool {
        match self {
            Self::Tls(session) => session.holds_nothing(),
            Self::Plain => true,
        }
    }
}

fn poll_plain<R: AsyncRead + Unpin>(
    stream: &mut R,
    context: &mut Context<'_>,
    input: &mut Input,
) -> Poll<Result<(), Over>> {
    Poll::Ready(match ready!(input.poll_fill(stream, context)) {
        Ok(0) => Err(Over::Closed),
        Ok(count) => {
            input.has_opened(count, count);
            Ok(())
        }
        Err(error) => Err(Over::Broke(error)),
    })
}
