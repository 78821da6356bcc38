//! A browser's end of a WebSocket, as a stream of bytes.

use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use ws_proto::{Decoder, HEADROOM, Opcode, Role, What, frame_within};

/// How much is read at once.
const READ: usize = 64 << 10;

/// A WebSocket over `S`, after its opening handshake.
pub(crate) struct ClientSocket<S> {
    stream: S,
    decoder: Decoder,
    /// Room for what is read; what of it is filled and not decoded yet; how much payload comes next there.
    input: Vec<u8>,
    at: Range<usize>,
    payload: usize,
}

impl<S> ClientSocket<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            decoder: Decoder::new(Role::Client),
            input: Vec::new(),
            at: 0..0,
            payload: 0,
        }
    }

    /// Decodes up to the next payload; `false` where more input is needed.
    fn decode(&mut self) -> io::Result<bool> {
        while self.payload == 0 {
            let scanned = self.decoder.scan(&self.input[self.at.clone()]);
            let Some(piece) = scanned.map_err(io::Error::other)? else {
                return Ok(false);
            };
            self.at.start += piece.skip;
            match piece.what {
                What::Data { .. } => self.payload = piece.len,
                What::Ping | What::Pong => self.at.start += piece.len,
                What::Close => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        Ok(true)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ClientSocket<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while !this.decode()? {
            this.input.copy_within(this.at.clone(), 0);
            this.at = 0..this.at.len();
            this.input.resize(READ, 0);
            let mut read = ReadBuf::new(&mut this.input[this.at.end..]);
            let polled = Pin::new(&mut this.stream).poll_read(context, &mut read);
            let count = read.filled().len();
            if polled.is_pending() && this.at.is_empty() {
                // One of thousands that are idle needs no memory.
                this.input = Vec::new();
            }
            ready!(polled)?;
            if count == 0 {
                return Poll::Ready(Ok(()));
            }
            this.at.end += count;
        }
        let count = this.payload.min(buffer.remaining());
        buffer.put_slice(&this.input[this.at.start..][..count]);
        this.at.start += count;
        this.payload -= count;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ClientSocket<S> {
    /// A frame for each write: all of them are small, and TLS takes them whole.
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        payload: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut frame = vec![0; HEADROOM];
        frame.extend_from_slice(payload);
        let end = frame.len();
        let framed = frame_within(
            &mut frame,
            HEADROOM..end,
            Opcode::Binary,
            Some([1, 2, 3, 4]),
        );
        let sent = Pin::new(&mut self.stream).poll_write(context, &frame[framed.clone()]);
        assert_eq!(ready!(sent)?, framed.len(), "a frame was sent in part");
        Poll::Ready(Ok(payload.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
