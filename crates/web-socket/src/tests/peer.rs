//! A browser's frames, and a connection that takes and gives as a test says.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub(super) const CONTINUATION: u8 = 0;
pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;

/// A frame as a browser sends it (RFC 6455 section 5.2).
pub(super) fn masked(opcode: u8, fin: bool, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![u8::from(fin) << 7 | opcode];
    match payload.len() {
        short @ 0..=125 => frame.push(0x80 | short as u8),
        medium @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend((medium as u16).to_be_bytes());
        }
        long => {
            frame.push(0x80 | 127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    let key = [0x1f, 0x2e, 0x3d, 0x4c];
    frame.extend(key);
    let masked = payload.iter().zip(key.iter().cycle());
    frame.extend(masked.map(|(byte, key)| byte ^ key));
    frame
}

/// The frames that a browser receives: opcode and payload. Each is whole, final and not masked.
pub(super) fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        assert_eq!(bytes[0] & 0xf0, 0x80, "FIN, and no reserved bit");
        let (length, header) = match bytes[1] {
            short @ 0..=125 => (usize::from(short), 2),
            126 => (usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), 4),
            other => panic!("{other}: masked, or too long"),
        };
        let payload = bytes[header..header + length].to_vec();
        frames.push((bytes[0] & 0x0f, payload));
        bytes = &bytes[header + length..];
    }
    frames
}

/// The connection below a WebSocket.
#[derive(Default)]
pub(super) struct Connection {
    /// What each read finds; an empty one finds nothing yet.
    pub(super) input: VecDeque<Vec<u8>>,
    /// What follows the input: `UnexpectedEof` stands for the end, `None` for nothing yet.
    pub(super) end: Option<io::ErrorKind>,
    /// How much each write takes at most, 0 for nothing yet; without an entry it takes all.
    pub(super) accepts: VecDeque<usize>,
    pub(super) sent: Vec<u8>,
    /// Writes that took something.
    pub(super) writes: usize,
    pub(super) shut: bool,
}

impl Connection {
    pub(super) fn with_input(input: Vec<Vec<u8>>) -> Self {
        Self {
            input: input.into(),
            ..Self::default()
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.input.pop_front() {
            Some(found) if found.is_empty() => Poll::Pending,
            Some(mut found) => {
                let rest = found.split_off(found.len().min(buffer.remaining()));
                buffer.put_slice(&found);
                if !rest.is_empty() {
                    self.input.push_front(rest);
                }
                Poll::Ready(Ok(()))
            }
            None => match self.end {
                None => Poll::Pending,
                Some(io::ErrorKind::UnexpectedEof) => Poll::Ready(Ok(())),
                Some(kind) => Poll::Ready(Err(kind.into())),
            },
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes = slices.iter().flat_map(|slice| slice.to_vec());
        let bytes: Vec<u8> = bytes.collect();
        let count = match self.accepts.pop_front() {
            Some(0) => return Poll::Pending,
            Some(most) => bytes.len().min(most),
            None => bytes.len(),
        };
        self.sent.extend(&bytes[..count]);
        self.writes += 1;
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shut = true;
        Poll::Ready(Ok(()))
    }
}
