//! A browser's WebSocket (RFC 6455) as a stream of bytes. The bounds of its frames mean nothing.
//!
//! A write becomes one binary frame of at most 64 KiB with its header, sent with its header in one vectored write: over TLS
//! that is one record for a frame of up to 16 KiB. What a TCP socket does not take at once is copied, and nothing more is
//! accepted until that is sent. Payload is handed on as it arrives, so that a message may have any length.
//!
//! | event | what follows |
//! |---|---|
//! | ping | a pong; of several that could not be answered yet, the last is (section 5.5.3) |
//! | Close | its echo; reads end, and later writes are discarded, since the browser does not read them |
//! | violation, or a text message | a Close with the code, and reads fail |
//! | shutdown | a Close: 1000, unless [`WebSocket::close_with`] has given another |

#[cfg(test)]
mod tests;

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tracing::info;
use ws_proto::{
    Close, CloseCode, Decoder, Header, Kind, MAX_HEADER, Opcode, Role, What, apply_mask, control,
};

/// The longest payload of a frame: with its header of 4 bytes it fills the 64 KiB that rustls buffers, which are 4 records.
const MAX_PAYLOAD: usize = 64 * 1024 - 4;

/// The most slices that one write takes, besides the header.
const SLICES: usize = 256;

/// The most that is read at once: events of a keyboard and a pointer.
const READ: usize = 2048;

/// The gateway's side of a WebSocket over `S`, after its opening handshake.
pub struct WebSocket<S> {
    stream: S,
    decoder: Decoder,
    /// What is not decoded yet, behind `payload` bytes that are.
    input: BytesMut,
    payload: usize,
    /// Why reads have ended.
    end: Option<End>,
    /// The rest of a frame that was sent in part.
    unsent: BytesMut,
    /// The payload of the pong that is due.
    pong: Option<Bytes>,
    close: Closing,
}

#[derive(Clone, Copy)]
enum End {
    /// The browser closed.
    Closed,
    /// It violated the protocol.
    Violation,
}

/// The gateway's Close.
enum Closing {
    No,
    Due(Close),
    Sent,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// `early` was read behind the request of the opening handshake.
    pub fn new(stream: S, early: Bytes) -> Self {
        Self {
            stream,
            decoder: Decoder::new(Role::Server),
            input: early.into(),
            payload: 0,
            end: None,
            unsent: BytesMut::new(),
            pong: None,
            close: Closing::No,
        }
    }

    /// The connection below.
    pub const fn stream(&self) -> &S {
        &self.stream
    }

    /// Sets the Close that a shutdown sends. The first Close that is due is kept.
    pub fn close_with(&mut self, close: Close) {
        if matches!(self.close, Closing::No) {
            self.close = Closing::Due(close);
        }
    }

    /// Reads control frames until the browser has left (true) or there is payload (false).
    pub fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        loop {
            if self.decode() {
                return Poll::Ready(self.end.is_some());
            }
            // An error is found by the next flush, too.
            let _ = Pin::new(&mut *self).poll_flush(context);
            if !matches!(ready!(self.poll_input(context)), Ok(1..)) {
                return Poll::Ready(true);
            }
        }
    }

    /// Decodes up to the next payload or the end; `false` where more input is needed.
    fn decode(&mut self) -> bool {
        while self.payload == 0 && self.end.is_none() {
            let piece = match self.decoder.scan(&self.input) {
                Ok(Some(piece)) => piece,
                Ok(None) => return false,
                Err(violation) => {
                    self.violated(violation, violation.close_code());
                    return true;
                }
            };
            self.input.advance(piece.skip);
            if let (Some((key, phase)), Some(payload)) =
                (piece.mask, self.input.get_mut(..piece.len))
            {
                apply_mask(key, phase, payload);
            }
            match piece.what {
                What::Data {
                    kind: Kind::Binary, ..
                } => self.payload = piece.len,
                What::Data {
                    kind: Kind::Text, ..
                } => self.violated(
                    "a text message, and RFB needs binary ones",
                    CloseCode::UNSUPPORTED_DATA,
                ),
                What::Ping => self.pong = Some(self.input.split_to(piece.len).freeze()),
                What::Pong => self.input.advance(piece.len),
                What::Close => match Close::parse(&self.input.split_to(piece.len)) {
                    Ok(close) => {
                        self.end = Some(End::Closed);
                        let code = close.map_or(CloseCode::NORMAL, |close| close.code);
                        self.close_with(Close::new(code));
                    }
                    Err(violation) => self.violated(violation, violation.close_code()),
                },
            }
        }
        true
    }

    fn violated(&mut self, how: impl std::fmt::Display, code: CloseCode) {
        info!(
            "the browser violated the WebSocket protocol ({how}): closing with {}",
            code.get()
        );
        self.end = Some(End::Violation);
        self.close_with(Close::new(code));
    }

    /// Reads into the caller's buffer: payload, or the end.
    fn poll_payload(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        loop {
            while buffer.remaining() > 0 && self.decode() && self.payload > 0 {
                let count = self.payload.min(buffer.remaining());
                buffer.put_slice(self.input.get(..count).unwrap_or_default());
                self.input.advance(count);
                self.payload -= count;
            }
            if buffer.filled().len() > before || buffer.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            match self.end {
                Some(End::Closed) => return Poll::Ready(Ok(())),
                Some(End::Violation) => {
                    return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
                }
                None => {}
            }
            if ready!(self.poll_input(context))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }

    /// Reads from the connection once. An idle WebSocket holds no buffer for that.
    fn poll_input(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut room = [const { MaybeUninit::uninit() }; READ];
        let mut room = ReadBuf::uninit(&mut room);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut room))?;
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        self.input.extend_from_slice(room.filled());
        Poll::Ready(Ok(room.filled().len()))
    }

    /// Sends what is due: the rest of a frame, a pong, the Close.
    fn poll_due(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if !self.unsent.is_empty() {
                let stream = Pin::new(&mut self.stream);
                let count = ready!(stream.poll_write(context, &self.unsent))?;
                if count == 0 {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                self.unsent.advance(count);
                continue;
            }
            self.unsent = match (self.pong.take(), &self.close) {
                (_, Closing::Sent) => return Poll::Ready(Ok(())),
                (Some(payload), _) => control(Opcode::Pong, &payload, None),
                (None, Closing::Due(close)) => {
                    let frame = control(Opcode::Close, &close.payload(), None);
                    self.close = Closing::Sent;
                    frame
                }
                (None, Closing::No) => {
                    // Its memory is not kept.
                    self.unsent = BytesMut::new();
                    return Poll::Ready(Ok(()));
                }
            };
        }
    }

    /// Sends one frame with as much of `payload` as it may have, once the connection has taken all before it.
    fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
        payload: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_due(context))?;
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        let mut slices = [IoSlice::new(&[]); 1 + SLICES];
        let (mut count, mut length) = (1, 0);
        for (place, slice) in slices.iter_mut().skip(1).zip(payload) {
            let part = slice.get(..MAX_PAYLOAD - length).unwrap_or(slice);
            *place = IoSlice::new(part);
            length += part.len();
            count += 1;
        }
        // The browser has closed, or was closed: it would not read this.
        if length == 0 || matches!(self.close, Closing::Sent) {
            return Poll::Ready(Ok(length));
        }
        let mut room = [0; MAX_HEADER];
        let header = Header {
            fin: true,
            opcode: Opcode::Binary,
            mask: None,
            len: length as u64,
        };
        let start = header.write_before(&mut room);
        if let Some(place) = slices.first_mut() {
            *place = IoSlice::new(room.get(start..).unwrap_or_default());
        }
        let mut slices = slices.get_mut(..count).unwrap_or_default();
        let stream = Pin::new(&mut self.stream);
        let sent = ready!(stream.poll_write_vectored(context, slices))?;
        if sent == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        IoSlice::advance_slices(&mut slices, sent);
        for rest in slices {
            self.unsent.extend_from_slice(rest);
        }
        Poll::Ready(Ok(length))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for WebSocket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = self.poll_payload(context, buffer);
        if self.pong.is_some() || matches!(self.close, Closing::Due(_)) {
            // Where the connection takes no more now, a later write or flush sends it. An error is found there, too.
            let _ = self.as_mut().poll_flush(context);
        }
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WebSocket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        payload: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_frame(context, &[IoSlice::new(payload)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        payload: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_frame(context, payload)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_due(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.close_with(Close::new(CloseCode::NORMAL));
        ready!(self.poll_due(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
