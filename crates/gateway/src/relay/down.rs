//! ESXi → viewer: payload goes on as it arrives, whatever frames and messages it is cut into.

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

use super::outcome::{HostLost, Outcome};
use super::pending_reply::PendingReply;
use super::plain::Plain;
use super::shared_dialogue::SharedDialogue;
use super::turn::Turn;
use crate::traffic::Traffic;
use console::tls_session::{self, ReadEnd};
use console::transport::Transport;

/// How long ESXi may take to send the rest of a picture of which it has sent a part.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why this direction ended.
#[derive(Debug)]
pub(super) enum End {
    /// Nothing more comes from ESXi.
    HostLost(HostLost),
    /// The viewer takes nothing any more.
    ViewerGone,
}

impl End {
    /// What ESXi is to be told.
    pub(super) fn answer(&self) -> Close {
        match self {
            Self::HostLost(lost) => lost.answer(),
            Self::ViewerGone => Close::new(CloseCode::GOING_AWAY),
        }
    }
}

impl From<End> for Outcome {
    fn from(end: End) -> Self {
        match end {
            End::HostLost(lost) => Self::HostLost(lost),
            End::ViewerGone => Self::ViewerLeft,
        }
    }
}

impl From<HostLost> for End {
    fn from(lost: HostLost) -> Self {
        Self::HostLost(lost)
    }
}

impl From<ReadEnd> for End {
    fn from(over: ReadEnd) -> Self {
        Self::HostLost(match over {
            ReadEnd::Closed | ReadEnd::Truncated => HostLost::Vanished,
            ReadEnd::Failed(error) => HostLost::Broke(error),
        })
    }
}

/// The reading half of the console's connection.
pub(super) struct HostReader<'a, 'd, R> {
    pub(super) stream: &'a mut R,
    pub(super) transport: &'a Transport,
    pub(super) decoder: Decoder,
    pub(super) plain: Plain,
    /// What both sides have said; `None` where RFB passes as it is.
    pub(super) dialogue: Option<&'a SharedDialogue<'d>>,
}

/// Relays until it ends. `early` is what was received before: RFB, then frames.
pub(super) async fn pump<R: AsyncRead + Unpin>(
    mut host: HostReader<'_, '_, R>,
    early: [BytesMut; 2],
    viewer: &mut (impl AsyncWrite + Unpin),
    pending: &PendingReply,
    traffic: &Traffic,
) -> End {
    if let Some(end) = host.begin(early, viewer, pending, traffic).await {
        return end;
    }
    let (mut turn, mut waiting) = (Turn::default(), None);
    loop {
        let read = match host.waits_until(&mut waiting) {
            None => host.read().await,
            // A host that has other things to say must not hold it up.
            Some(end) if end <= Instant::now() => host.stop_waiting(),
            Some(end) => match timeout_at(end, host.read()).await {
                Ok(read) => read,
                Err(_) => host.stop_waiting(),
            },
        };
        let taken = host.plain.bytes(0).len();
        if let Some(end) = host.pass_on(viewer, pending, traffic).await {
            return end;
        }
        if let Err(over) = read {
            return over.into();
        }
        turn.took(taken).await;
    }
}

impl<R: AsyncRead + Unpin> HostReader<'_, '_, R> {
    async fn begin(
        &mut self,
        [payload, frames]: [BytesMut; 2],
        viewer: &mut (impl AsyncWrite + Unpin),
        pending: &PendingReply,
        traffic: &Traffic,
    ) -> Option<End> {
        for piece in payload.chunks(tls_session::READ) {
            self.plain.input.append(piece);
            if let Err(end) = self.mark(0..piece.len()) {
                return Some(end);
            }
            if self.write(viewer, traffic).await.is_err() {
                return Some(End::ViewerGone);
            }
            self.plain.forget(piece.len());
        }
        for piece in frames.chunks(tls_session::READ) {
            self.plain.input.append(piece);
            if let Some(end) = self.pass_on(viewer, pending, traffic).await {
                return Some(end);
            }
        }
        None
    }

    /// Adds what one read gives to `plain`; also where it is the last.
    async fn read(&mut self) -> Result<(), ReadEnd> {
        let Self {
            stream,
            transport,
            plain,
            ..
        } = self;
        poll_fn(|context| transport.poll_read(*stream, context, &mut plain.input)).await
    }

    /// Sends what is the viewer's of `plain`, and keeps what is not whole.
    async fn pass_on(
        &mut self,
        viewer: &mut (impl AsyncWrite + Unpin),
        pending: &PendingReply,
        traffic: &Traffic,
    ) -> Option<End> {
        let (decoded, end) = self.decode(pending);
        if self.write(viewer, traffic).await.is_err() {
            return Some(End::ViewerGone);
        }
        self.plain.forget(decoded);
        end
    }

    /// All that has arrived: payload is marked, pings become pending. Says how much of it that was.
    fn decode(&mut self, pending: &PendingReply) -> (usize, Option<End>) {
        let mut at = 0;
        loop {
            let piece = match self.decoder.scan(self.plain.bytes(at)) {
                Ok(Some(piece)) => piece,
                Ok(None) => return (at, None),
                Err(violation) => return (at, Some(HostLost::Framing(violation).into())),
            };
            let run = at + piece.skip..at + piece.skip + piece.len;
            at = run.end;
            if let Some(end) = self.take(piece, run, pending) {
                return (at, Some(end));
            }
        }
    }

    fn take(&mut self, piece: Piece, run: Range<usize>, pending: &PendingReply) -> Option<End> {
        match piece.what {
            What::Data {
                kind: Kind::Binary, ..
            } => return self.mark(run).err(),
            What::Data {
                kind: Kind::Text, ..
            } => return Some(HostLost::Text.into()),
            What::Ping => pending.pong(Bytes::copy_from_slice(self.plain.range(run))),
            What::Pong => {}
            What::Close => {
                let said = Close::parse(self.plain.range(run));
                return Some(said.map_or_else(HostLost::Framing, HostLost::Closed).into());
            }
        }
        None
    }

    /// What of a run goes to the viewer, and what else.
    fn mark(&mut self, run: Range<usize>) -> Result<(), End> {
        let Some(dialogue) = self.dialogue else {
            self.plain.mark(run);
            return Ok(());
        };
        self.plain
            .mark_by(run, |bytes, viewer| {
                dialogue.receive_from_host(bytes, viewer)
            })
            .map_err(|lost| HostLost::Unfollowable(lost).into())
    }

    /// Until when the viewer may be left in the middle of an update that ESXi has not finished: as long after each part of
    /// it. `waiting` is after how many parts it waits, and until when.
    fn waits_until(&self, waiting: &mut Option<(u32, Instant)>) -> Option<Instant> {
        let parts = self.dialogue?.lock().waits_for_more()?;
        if waiting.is_none_or(|(before, _)| before != parts) {
            *waiting = Some((parts, Instant::now() + PATIENCE));
        }
        waiting.map(|(_, end)| end)
    }

    fn stop_waiting(&mut self) -> Result<(), ReadEnd> {
        if let Some(dialogue) = self.dialogue {
            let marked = self.plain.mark_by(0..0, |_, viewer| {
                dialogue.stop_waiting(viewer);
                Ok::<_, Infallible>(())
            });
            match marked {
                Ok(()) => {}
                Err(never) => match never {},
            }
        }
        Ok(())
    }

    /// Writes what is marked, as much at a time as one call takes.
    async fn write(
        &self,
        viewer: &mut (impl AsyncWrite + Unpin),
        traffic: &Traffic,
    ) -> io::Result<()> {
        let (mut written, marked) = (0, self.plain.marked());
        if marked == 0 {
            return Ok(());
        }
        while written < marked {
            let count = poll_fn(|context| {
                self.plain.with_marked(written, |slices| {
                    Pin::new(&mut *viewer).poll_write_vectored(context, slices)
                })
            })
            .await?;
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            traffic.went_to_viewer(count);
            written += count;
        }
        // A viewer's TLS may have taken more than its socket has.
        viewer.flush().await
    }
}
