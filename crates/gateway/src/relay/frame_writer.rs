//! Frames payload and control messages for ESXi, encrypts them and writes them to its socket.

use std::io;

use bytes::BytesMut;
use console::buffer_pool::Pooled;
use console::mask_keys::MaskKeys;
use console::tls_session::AFTER;
use console::transport::Transport;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use ws_proto::{Opcode, control, frame_within};

use super::host_buffers::{FRONT, READ, ReadBuffer};
use crate::traffic::Traffic;

/// The only writer of ESXi's socket. Its errors are those of that socket.
pub(super) struct FrameWriter<'a, W> {
    pub(super) esxi: &'a mut W,
    pub(super) transport: &'a Transport,
    pub(super) keys: MaskKeys,
    pub(super) traffic: &'a Traffic,
}

impl<W: AsyncWrite + Unpin> FrameWriter<'_, W> {
    /// Sends what follows the first [`FRONT`] bytes of `translated`: in place if it fits one frame.
    pub(super) async fn send_translated(&mut self, translated: &mut BytesMut) -> io::Result<()> {
        let len = translated.len() - FRONT;
        if len > READ {
            return self.send(translated.get(FRONT..).unwrap_or_default()).await;
        }
        translated.resize(FRONT + len + AFTER, 0);
        self.send_within(translated, len).await
    }

    /// Sends bytes that have no room for headers around them: they are copied into a buffer that has.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(READ) {
            let mut buffer = Pooled::<ReadBuffer>::take();
            let place = buffer.payload().get_mut(..piece.len());
            place.unwrap_or_default().copy_from_slice(piece);
            self.send_within(&mut buffer.0, piece.len()).await?;
        }
        Ok(())
    }

    /// Sends the first `len` payload bytes of `buffer` as one frame in one record and with one write.
    pub(super) async fn send_within(&mut self, buffer: &mut [u8], len: usize) -> io::Result<()> {
        if len == 0 {
            return Ok(());
        }
        let key = Some(self.keys.draw()?);
        let frame = frame_within(buffer, FRONT..FRONT + len, Opcode::Binary, key);
        let sealed = self.transport.seal_within(buffer, frame)?;
        self.esxi.write_all(&sealed).await?;
        self.traffic.add_to_esxi(len);
        Ok(())
    }

    pub(super) async fn control(&mut self, opcode: Opcode, payload: &[u8]) -> io::Result<()> {
        let frame = control(opcode, payload, Some(self.keys.draw()?));
        let sealed = self.transport.seal(&frame)?;
        self.esxi.write_all(&sealed).await
    }
}
