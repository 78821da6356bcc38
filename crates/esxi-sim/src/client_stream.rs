//! The TLS stream to a client. It can delay, discard, throttle and limit what is written, for the simulated faults.

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
    /// While set, writes are buffered in `held`: the 101 response and the first message share one TLS record.
    cork: Arc<AtomicBool>,
    held: BytesMut,
    muted: bool,
    drip: bool,
    /// How many more bytes may be written; `None`: no limit.
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

    /// The client's IP address.
    pub(super) fn client(&self) -> IpAddr {
        self.open.client
    }

    /// The flag that makes writes wait in a buffer.
    pub(crate) fn cork(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cork)
    }

    /// Clears the flag; the next write or flush writes the buffered bytes.
    pub(super) fn uncork(&self) {
        self.cork.store(false, Ordering::Release);
    }

    /// While `muted`, written bytes are discarded and flushing does nothing.
    pub(super) fn mute(&mut self, muted: bool) {
        self.muted = muted;
    }

    /// From now on, each write takes one byte.
    pub(super) fn drip(&mut self) {
        self.drip = true;
    }

    /// From now on, only `bytes` more can be written; then writes fail.
    pub(super) fn limit(&mut self, bytes: u64) {
        self.budget = Some(bytes);
    }

    /// Whether the limit is used up.
    pub(super) fn is_spent(&self) -> bool {
        self.budget == Some(0)
    }

    /// Sends FIN without close_notify.
    pub(super) async fn cut(mut self) {
        let _ = self.tls.flush().await;
        // With unread input, close(2) would send RST instead of FIN: shut down first.
        let _ = self.tls.get_mut().0.shutdown().await;
    }

    /// Closes with RST.
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

    /// How many of `wanted` bytes the throttle and the limit allow.
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

/// Five times a 101 response and one short message.
const HELD: usize = 2048;
