//! The stream below a WebSocket, which can hold back, swallow, count and break off what is written.

use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::open_connection::OpenConnection;

/// A TLS stream to a client.
pub(crate) struct ClientStream {
    tls: TlsStream<TcpStream>,
    /// While set, what is written is held instead: so the 101 response leaves together with the first message.
    cork: Arc<AtomicBool>,
    held: BytesMut,
    muted: bool,
    drip: bool,
    /// Bytes that may still be written.
    budget: Option<u64>,
    open: OpenConnection,
}

impl ClientStream {
    pub(crate) fn new(tls: TlsStream<TcpStream>, open: OpenConnection) -> Self {
        Self {
            tls,
            cork: Arc::default(),
            held: BytesMut::new(),
            muted: false,
            drip: false,
            budget: None,
            open,
        }
    }

    /// Where the client is.
    pub(super) fn client(&self) -> IpAddr {
        self.open.client
    }

    /// The switch that holds back what is written.
    pub(crate) fn cork(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cork)
    }

    /// Lets go, with the next write or flush, of what was held back.
    pub(super) fn uncork(&self) {
        self.cork.store(false, Ordering::Release);
    }

    /// While `muted`, what is written is forgotten, and flushing is done at once.
    pub(super) fn mute(&mut self, muted: bool) {
        self.muted = muted;
    }

    /// From now on one byte at a time is written.
    pub(super) fn drip(&mut self) {
        self.drip = true;
    }

    /// From now on only so many bytes can be written; then writing fails.
    pub(super) fn limit(&mut self, bytes: u64) {
        self.budget = Some(bytes);
    }

    /// Whether the limit has been reached.
    pub(super) fn is_spent(&self) -> bool {
        self.budget == Some(0)
    }

    /// Ends with FIN alone: no close_notify, and nothing that TLS still held.
    pub(super) async fn cut(mut self) {
        let _ = self.tls.flush().await;
        // With input unread the kernel would send RST in FIN's place, so the end is sent apart from the close.
        let _ = self.tls.get_mut().0.shutdown().await;
    }

    /// Ends with RST.
    pub(super) async fn reset(mut self) {
        let _ = self.tls.flush().await;
        let _ = self.tls.get_ref().0.set_zero_linger();
    }

    fn poll_release(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.held.has_remaining() {
            let written = ready!(Pin::new(&mut self.tls).poll_write(cx, &self.held))?;
            self.held.advance(written);
        }
        Poll::Ready(Ok(()))
    }

    /// How many of `wanted` bytes may be written now.
    fn allowance(&self, wanted: usize) -> usize {
        let wanted = if self.drip { wanted.min(1) } else { wanted };
        let budget = self.budget.unwrap_or(u64::MAX);
        wanted.min(usize::try_from(budget).unwrap_or(usize::MAX))
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tls).poll_read(cx, buf)
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.muted {
            return Poll::Ready(Ok(bytes.len()));
        }
        if self.cork.load(Ordering::Acquire) && self.held.len() < HELD {
            self.held.extend_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        ready!(self.poll_release(cx))?;
        let allowed = self.allowance(bytes.len());
        if allowed == 0 && !bytes.is_empty() {
            return Poll::Ready(Err(io::Error::other("no more may be written")));
        }
        let bytes = bytes.get(..allowed).unwrap_or_default();
        let written = ready!(Pin::new(&mut self.tls).poll_write(cx, bytes))?;
        self.budget = self
            .budget
            .map(|budget| budget.saturating_sub(written as u64));
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.muted || self.cork.load(Ordering::Acquire) {
            return Poll::Ready(Ok(()));
        }
        ready!(self.poll_release(cx))?;
        Pin::new(&mut self.tls).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_release(cx))?;
        Pin::new(&mut self.tls).poll_shutdown(cx)
    }
}

/// A 101 response and one short message are a fifth of this.
const HELD: usize = 2048;
