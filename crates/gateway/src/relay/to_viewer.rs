//! ESXi → viewer: payload is written as it arrives, without waiting for whole frames or RFB messages.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};
use ws_proto::{Close, CloseCode, Decoder, Kind, Piece, What};

use super::decrypted::Decrypted;
use super::outcome::{HostLost, Outcome};
use super::pending_reply::PendingReply;
use super::shared_dialogue::SharedDialogue;
use super::turn::Turn;
use crate::traffic::Traffic;
use console::tls_session::{self, ReadEnd};
use console::transport::Transport;

/// How long ESXi may pause within a FramebufferUpdate before the dialect ends it for the viewer.
const UPDATE_TIMEOUT: Duration = Duration::from_secs(2);

/// Why this direction ended.
#[derive(Debug)]
pub(super) enum ToViewerEnd {
    /// The host closed, or its connection failed.
    HostLost(HostLost),
    /// Writing to the viewer failed.
    ViewerGone,
}

impl ToViewerEnd {
    /// The Close to send to ESXi.
    pub(super) fn answer(&self) -> Close {
        match self {
            Self::HostLost(lost) => lost.answer(),
            Self::ViewerGone => Close::new(CloseCode::GOING_AWAY),
        }
    }
}

impl From<ToViewerEnd> for Outcome {
    fn from(end: ToViewerEnd) -> Self {
        match end {
            ToViewerEnd::HostLost(lost) => lost.unexplained(),
            ToViewerEnd::ViewerGone => Self::ViewerLeft,
        }
    }
}

impl From<HostLost> for ToViewerEnd {
    fn from(lost: HostLost) -> Self {
        Self::HostLost(lost)
    }
}

impl From<ReadEnd> for ToViewerEnd {
    fn from(over: ReadEnd) -> Self {
        Self::HostLost(match over {
            ReadEnd::Closed | ReadEnd::Truncated => HostLost::Vanished,
            ReadEnd::Failed(error) => HostLost::Broke(error),
        })
    }
}

/// Reads and decodes ESXi's socket.
pub(super) struct HostReader<'a, 'd, R> {
    pub(super) stream: &'a mut R,
    pub(super) transport: &'a Transport,
    pub(super) decoder: Decoder,
    pub(super) decrypted: Decrypted,
    /// `None` where RFB passes unchanged.
    pub(super) dialogue: Option<&'a SharedDialogue<'d>>,
}

/// Relays until this direction ends. `early` was received during the handshake: RFB payload, then undecoded frames.
pub(super) async fn pump<R: AsyncRead + Unpin>(
    mut host: HostReader<'_, '_, R>,
    early: [BytesMut; 2],
    viewer: &mut (impl AsyncWrite + Unpin),
    pending: &PendingReply,
    traffic: &Traffic,
) -> ToViewerEnd {
    if let Some(end) = host.forward_early(early, viewer, pending, traffic).await {
        return end;
    }
    let (mut turn, mut waiting) = (Turn::default(), None);
    loop {
        let read = match host.update_deadline(&mut waiting) {
            None => host.read().await,
            // Checked before reading: pings and other messages must not extend the deadline.
            Some(end) if end <= Instant::now() => host.stop_waiting(),
            Some(end) => match timeout_at(end, host.read()).await {
                Ok(read) => read,
                Err(_) => host.stop_waiting(),
            },
        };
        let received = host.decrypted.bytes(0).len();
        if let Some(end) = host.forward(viewer, pending, traffic).await {
            return end;
        }
        if let Err(over) = read {
            return over.into();
        }
        turn.add(received).await;
    }
}

impl<R: AsyncRead + Unpin> HostReader<'_, '_, R> {
    async fn forward_early(
        &mut self,
        [payload, frames]: [BytesMut; 2],
        viewer: &mut (impl AsyncWrite + Unpin),
        pending: &PendingReply,
        traffic: &Traffic,
    ) -> Option<ToViewerEnd> {
        for piece in payload.chunks(tls_session::READ) {
            self.decrypted.input.append(piece);
            if let Err(end) = self.translate(0..piece.len()) {
                return Some(end);
            }
            if self.write(viewer, traffic).await.is_err() {
                return Some(ToViewerEnd::ViewerGone);
            }
            self.decrypted.discard(piece.len());
        }
        for piece in frames.chunks(tls_session::READ) {
            self.decrypted.input.append(piece);
            if let Some(end) = self.forward(viewer, pending, traffic).await {
                return Some(end);
            }
        }
        None
    }

    /// Reads and decrypts once. The input may have grown even where the result is an error.
    async fn read(&mut self) -> Result<(), ReadEnd> {
        let Self {
            stream,
            transport,
            decrypted,
            ..
        } = self;
        poll_fn(|context| transport.poll_read(*stream, context, &mut decrypted.input)).await
    }

    /// Writes what the decoded frames hold for the viewer, and keeps an incomplete frame header.
    async fn forward(
        &mut self,
        viewer: &mut (impl AsyncWrite + Unpin),
        pending: &PendingReply,
        traffic: &Traffic,
    ) -> Option<ToViewerEnd> {
        let (decoded, end) = self.decode(pending);
        if self.write(viewer, traffic).await.is_err() {
            return Some(ToViewerEnd::ViewerGone);
        }
        self.decrypted.discard(decoded);
        end
    }

    /// Decodes all complete pieces: payload goes to the output, a ping to `pending`. Returns how much was decoded.
    fn decode(&mut self, pending: &PendingReply) -> (usize, Option<ToViewerEnd>) {
        let mut at = 0;
        loop {
            let piece = match self.decoder.scan(self.decrypted.bytes(at)) {
                Ok(Some(piece)) => piece,
                Ok(None) => return (at, None),
                Err(violation) => return (at, Some(HostLost::Framing(violation).into())),
            };
            let run = at + piece.skip..at + piece.skip + piece.len;
            at = run.end;
            if let Some(end) = self.dispatch(piece, run, pending) {
                return (at, Some(end));
            }
        }
    }

    fn dispatch(
        &mut self,
        piece: Piece,
        run: Range<usize>,
        pending: &PendingReply,
    ) -> Option<ToViewerEnd> {
        match piece.what {
            What::Data {
                kind: Kind::Binary, ..
            } => return self.translate(run).err(),
            What::Data {
                kind: Kind::Text, ..
            } => return Some(HostLost::Text.into()),
            What::Ping => pending.pong(Bytes::copy_from_slice(self.decrypted.range(run))),
            What::Pong => {}
            What::Close => {
                let close = Close::parse(self.decrypted.range(run));
                return Some(
                    close
                        .map_or_else(HostLost::Framing, HostLost::Closed)
                        .into(),
                );
            }
        }
        None
    }

    /// Appends payload to the output, translated where there is a dialogue.
    fn translate(&mut self, run: Range<usize>) -> Result<(), ToViewerEnd> {
        let Some(dialogue) = self.dialogue else {
            self.decrypted.pass(run);
            return Ok(());
        };
        self.decrypted
            .translate(run, |bytes, viewer| {
                dialogue.receive_from_host(bytes, viewer)
            })
            .map_err(|error| HostLost::of_scan(error).into())
    }

    /// When an update that ESXi has sent a part of is ended for the viewer: [`UPDATE_TIMEOUT`] after its last part.
    /// `waiting` holds the number of parts received and the deadline.
    fn update_deadline(&self, waiting: &mut Option<(u32, Instant)>) -> Option<Instant> {
        let parts = self.dialogue?.lock().waits_for_more()?;
        if waiting.is_none_or(|(before, _)| before != parts) {
            *waiting = Some((parts, Instant::now() + UPDATE_TIMEOUT));
        }
        waiting.map(|(_, end)| end)
    }

    fn stop_waiting(&mut self) -> Result<(), ReadEnd> {
        if let Some(dialogue) = self.dialogue {
            let stopped = self.decrypted.translate(0..0, |_, viewer| {
                dialogue.stop_waiting(viewer);
                Ok::<_, Infallible>(())
            });
            match stopped {
                Ok(()) => {}
                Err(never) => match never {},
            }
        }
        Ok(())
    }

    /// Writes the whole output.
    async fn write(
        &self,
        viewer: &mut (impl AsyncWrite + Unpin),
        traffic: &Traffic,
    ) -> io::Result<()> {
        let (mut written, len) = (0, self.decrypted.output_len());
        if len == 0 {
            self.set_written();
            return Ok(());
        }
        while written < len {
            let count = poll_fn(|context| {
                self.decrypted.with_output(written, |slices| {
                    Pin::new(&mut *viewer).poll_write_vectored(context, slices)
                })
            })
            .await?;
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            traffic.add_to_viewer(count);
            written += count;
        }
        // A TLS stream may have buffered what its socket did not take.
        viewer.flush().await?;
        self.set_written();
        Ok(())
    }

    fn set_written(&self) {
        if let Some(dialogue) = self.dialogue {
            dialogue.set_written();
        }
    }
}
