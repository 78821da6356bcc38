//! Viewer → ESXi: what one read gave leaves as one frame.

use std::io;
use std::sync::atomic::Ordering;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use ws_proto::{Close, CloseCode, FrameBuffer, Opcode, control};

use super::Traffic;
use super::debt::{Debt, Debts};
use crate::mask_keys::MaskKeys;

/// A viewer's events are some bytes each; only pasted text is more.
const READ: usize = 16 * 1024;

/// Why nothing more goes to ESXi.
#[derive(Debug)]
pub(super) enum End {
    /// The viewer has ended its half; ESXi was told.
    ViewerLeft,
    /// The viewer's connection broke; ESXi was told.
    ViewerReset,
    /// A Close was due and was sent.
    Told,
    /// ESXi takes nothing any more.
    EsxiBroke(io::Error),
}

pub(super) async fn pump(
    viewer: &mut (impl AsyncRead + Unpin),
    early: BytesMut,
    esxi: &mut (impl AsyncWrite + Unpin),
    keys: MaskKeys,
    debts: &Debts,
    traffic: &Traffic,
) -> End {
    let mut wire = Wire {
        esxi,
        keys,
        buffer: FrameBuffer::new(READ),
        traffic,
    };
    match wire.pump(viewer, early, debts).await {
        Ok(end) => end,
        Err(error) => End::EsxiBroke(error),
    }
}

/// The writing half of the console's connection.
struct Wire<'a, W> {
    esxi: &'a mut W,
    keys: MaskKeys,
    buffer: FrameBuffer,
    traffic: &'a Traffic,
}

impl<W: AsyncWrite + Unpin> Wire<'_, W> {
    /// Every `Err` is ESXi's.
    async fn pump(
        &mut self,
        viewer: &mut (impl AsyncRead + Unpin),
        mut early: BytesMut,
        debts: &Debts,
    ) -> io::Result<End> {
        while early.has_remaining() {
            let payload = self.buffer.payload_mut();
            let count = early.len().min(payload.len());
            early.copy_to_slice(payload.get_mut(..count).unwrap_or_default());
            self.data(count).await?;
        }
        let mut debtor = debts.debtor();
        loop {
            tokio::select! {
                debt = debtor.due() => match debt {
                    Debt::Pong(payload) => self.control(Opcode::Pong, &payload).await?,
                    Debt::Close(close) => {
                        self.control(Opcode::Close, &close.payload()).await?;
                        return Ok(End::Told);
                    }
                },
                read = viewer.read(self.buffer.payload_mut()) => match read {
                    Ok(0) => {
                        self.control(Opcode::Close, &Close::new(CloseCode::NORMAL).payload()).await?;
                        return Ok(End::ViewerLeft);
                    }
                    Ok(count) => self.data(count).await?,
                    Err(_) => {
                        self.control(Opcode::Close, &Close::new(CloseCode::GOING_AWAY).payload()).await?;
                        return Ok(End::ViewerReset);
                    }
                },
            }
        }
    }

    /// Sends the first `count` bytes of the buffer.
    async fn data(&mut self, count: usize) -> io::Result<()> {
        let key = self.keys.draw()?;
        self.esxi
            .write_all(self.buffer.frame(count, Opcode::Binary, Some(key)))
            .await?;
        self.esxi.flush().await?;
        self.traffic
            .to_esxi
            .fetch_add(count as u64, Ordering::Relaxed);
        Ok(())
    }

    async fn control(&mut self, opcode: Opcode, payload: &[u8]) -> io::Result<()> {
        let key = self.keys.draw()?;
        self.esxi
            .write_all(&control(opcode, payload, Some(key)))
            .await?;
        self.esxi.flush().await
    }
}
