//! Viewer → ESXi: what one read gave leaves as one frame.

use std::io;

use bytes::BytesMut;
use rfb_proto::Violation;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, sleep_until};
use ws_proto::{Close, CloseCode, FrameBuffer, Opcode, control};

use super::debt::{Debt, Debts};
use super::sieve::Sieve;
use super::{Rules, Traffic};
use crate::mask_keys::MaskKeys;

/// A viewer's events are some bytes each; only pasted text is more. It is also more than any message that
/// must be whole to be judged.
const READ: usize = 16 * 1024;

/// Why nothing more goes to ESXi.
#[derive(Debug)]
pub(super) enum End {
    /// The viewer has ended its half; ESXi was told.
    ViewerLeft,
    /// The viewer's connection broke; ESXi was told.
    ViewerReset,
    /// The viewer has sent nothing for too long; ESXi was told.
    Idle,
    /// The viewer sent what cannot be judged; ESXi was told.
    Violation(Violation),
    /// A Close was due and was sent.
    Told,
    /// ESXi takes nothing any more.
    EsxiBroke(io::Error),
}

/// The writing half of the console's connection.
pub(super) struct Wire<'a, W> {
    esxi: &'a mut W,
    keys: MaskKeys,
    buffer: FrameBuffer,
    /// How much of the buffer is a message that is not whole.
    kept: usize,
    sieve: Option<Sieve>,
    rules: Rules,
    traffic: &'a Traffic,
}

impl<'a, W: AsyncWrite + Unpin> Wire<'a, W> {
    pub(super) fn new(esxi: &'a mut W, keys: MaskKeys, traffic: &'a Traffic, rules: Rules) -> Self {
        let sieve = rules.view_only.then(Sieve::new);
        Self {
            esxi,
            keys,
            buffer: FrameBuffer::new(READ),
            kept: 0,
            sieve,
            rules,
            traffic,
        }
    }

    /// `early` is what has been read of the viewer already: less than fits the buffer.
    pub(super) async fn pump(
        mut self,
        viewer: &mut (impl AsyncRead + Unpin),
        early: BytesMut,
        debts: &Debts,
    ) -> End {
        let end = match self.relay(viewer, early, debts).await {
            Ok(end) => end,
            Err(error) => return End::EsxiBroke(error),
        };
        let code = match end {
            End::Told | End::EsxiBroke(_) => return end,
            End::ViewerLeft => CloseCode::NORMAL,
            End::ViewerReset | End::Idle => CloseCode::GOING_AWAY,
            End::Violation(_) => CloseCode::POLICY,
        };
        match self
            .control(Opcode::Close, &Close::new(code).payload())
            .await
        {
            Ok(()) => end,
            Err(error) => End::EsxiBroke(error),
        }
    }

    /// Every `Err` is ESXi's.
    async fn relay(
        &mut self,
        viewer: &mut (impl AsyncRead + Unpin),
        early: BytesMut,
        debts: &Debts,
    ) -> io::Result<End> {
        if let Some(place) = self.buffer.payload_mut().get_mut(..early.len()) {
            place.copy_from_slice(&early);
        }
        if let Some(violation) = self.pass_on(early.len()).await? {
            return Ok(End::Violation(violation));
        }
        let mut debtor = debts.debtor();
        let mut heard = Instant::now();
        loop {
            let room = self
                .buffer
                .payload_mut()
                .get_mut(self.kept..)
                .unwrap_or_default();
            tokio::select! {
                debt = debtor.due() => match debt {
                    Debt::Pong(payload) => self.control(Opcode::Pong, &payload).await?,
                    Debt::Close(close) => {
                        self.control(Opcode::Close, &close.payload()).await?;
                        return Ok(End::Told);
                    }
                },
                read = viewer.read(room) => match read {
                    Ok(0) => return Ok(End::ViewerLeft),
                    Ok(count) => {
                        heard = Instant::now();
                        if let Some(violation) = self.pass_on(count).await? {
                            return Ok(End::Violation(violation));
                        }
                    }
                    Err(_) => return Ok(End::ViewerReset),
                },
                () = silence(heard, self.rules) => return Ok(End::Idle),
            }
        }
    }

    /// Sends what may pass of what is in the buffer, to which `count` bytes have come.
    async fn pass_on(&mut self, count: usize) -> io::Result<Option<Violation>> {
        let filled = self.kept + count;
        let bytes = self
            .buffer
            .payload_mut()
            .get_mut(..filled)
            .unwrap_or_default();
        let (passed, looked) = match &mut self.sieve {
            None => (filled, filled),
            Some(sieve) => match sieve.sift(bytes) {
                Ok(sifted) => sifted,
                Err(violation) => return Ok(Some(violation)),
            },
        };
        if passed > 0 {
            let key = self.keys.draw()?;
            self.esxi
                .write_all(self.buffer.frame(passed, Opcode::Binary, Some(key)))
                .await?;
            self.esxi.flush().await?;
            self.traffic.went_to_esxi(passed);
        }
        self.kept = filled - looked;
        if self.kept > 0 {
            self.buffer.payload_mut().copy_within(looked..filled, 0);
        }
        Ok(None)
    }

    async fn control(&mut self, opcode: Opcode, payload: &[u8]) -> io::Result<()> {
        let key = self.keys.draw()?;
        self.esxi
            .write_all(&control(opcode, payload, Some(key)))
            .await?;
        self.esxi.flush().await
    }
}

/// Ready when the viewer has sent nothing for as long as it may.
async fn silence(heard: Instant, rules: Rules) {
    match rules.idle_timeout {
        Some(timeout) => sleep_until(heard + timeout).await,
        None => std::future::pending().await,
    }
}
