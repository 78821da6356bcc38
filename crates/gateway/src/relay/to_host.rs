//! Viewer → ESXi: each read of the viewer's socket is sent as one frame.

use std::future::poll_fn;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use console::tls_session::AFTER;
use rfb_proto::Violation;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep_until, timeout_at};
use ws_proto::{Close, CloseCode, Opcode};

use super::backlog::Backlog;
use super::frame_writer::FrameWriter;
use super::host_buffers::{FRONT, READ, ReadBuffer, Translated};
use super::input_path::InputPath;
use super::pending_reply::{PendingReply, Reply};
use super::shared_dialogue::SharedDialogue;
use super::{ViewerPolicy, at};
use crate::traffic::Traffic;
use crate::viewer_link::Clocks;
use console::buffer_pool::Pooled;
use console::mask_keys::MaskKeys;
use console::transport::Transport;

/// Time between two characters of a clipboard that is typed: the value that scripts for typing on consoles use, so that no
/// guest's keyboard buffer overflows.
const TYPING_INTERVAL: Duration = Duration::from_millis(15);

/// Why this direction ended.
#[derive(Debug)]
pub(super) enum ToHostEnd {
    /// The viewer sent a FIN; Close 1000 was sent to ESXi.
    ViewerLeft,
    /// The viewer's connection was reset; Close 1001 was sent to ESXi.
    ViewerReset,
    /// No input for `idle_timeout`; Close 1001 was sent to ESXi.
    Idle,
    /// The viewer sent invalid RFB; Close 1008 was sent to ESXi.
    Violation(Violation),
    /// The Close that the other direction asked for was sent.
    CloseSent,
    /// Writing to ESXi's socket failed.
    EsxiBroke(io::Error),
}

/// Reads the viewer's socket and writes to ESXi's.
pub(super) struct HostWriter<'a, 'd, W> {
    frames: FrameWriter<'a, W>,
    /// `None` while it is empty, so that an idle session holds no buffer.
    buffer: Option<Pooled<ReadBuffer>>,
    /// Bytes at the start of the buffer that are not sent yet: an incomplete message, or what `backlog` delays.
    kept: usize,
    /// When the delayed reads in the buffer are sent.
    backlog: Backlog,
    /// Whether the viewer's ClientInit has been sent.
    init_sent: bool,
    clocks: &'a mut Clocks,
    path: InputPath<'a, 'd>,
    policy: ViewerPolicy,
}

impl<'a, 'd, W: AsyncWrite + Unpin> HostWriter<'a, 'd, W> {
    pub(super) fn new(
        esxi: &'a mut W,
        transport: &'a Transport,
        keys: MaskKeys,
        traffic: &'a Traffic,
        policy: ViewerPolicy,
        path: InputPath<'a, 'd>,
        clocks: &'a mut Clocks,
    ) -> Self {
        Self {
            frames: FrameWriter {
                esxi,
                transport,
                keys,
                traffic,
            },
            buffer: None,
            kept: 0,
            backlog: Backlog::default(),
            init_sent: path.is_after_client_init(),
            clocks,
            path,
            policy,
        }
    }

    /// Relays until this direction ends. `early` was read from the viewer during the handshake: less than fits the buffer.
    pub(super) async fn pump(
        mut self,
        viewer: &mut (impl AsyncRead + Unpin),
        early: BytesMut,
        pending: &PendingReply,
    ) -> ToHostEnd {
        let end = self.relay(viewer, early, pending).await;
        self.hand_over_unprocessed();
        let end = match end {
            Ok(end) => end,
            Err(error) => return ToHostEnd::EsxiBroke(error),
        };
        let code = match end {
            ToHostEnd::CloseSent | ToHostEnd::EsxiBroke(_) => return end,
            ToHostEnd::ViewerLeft => CloseCode::NORMAL,
            ToHostEnd::ViewerReset | ToHostEnd::Idle => CloseCode::GOING_AWAY,
            ToHostEnd::Violation(_) => CloseCode::POLICY,
        };
        match self.close(&Close::new(code)).await {
            Ok(()) => end,
            Err(error) => ToHostEnd::EsxiBroke(error),
        }
    }

    /// Gives the dialogue the input that was read and not processed: nothing more is read here.
    fn hand_over_unprocessed(&mut self) {
        if let InputPath::Dialect(dialogue) = self.path {
            let buffer = self.buffer.as_mut().map(|buffer| buffer.payload());
            let input = buffer.and_then(|buffer| buffer.get(..self.kept));
            dialogue.set_unprocessed(input.unwrap_or_default());
        }
    }

    /// Releases the keys that are down on the host, then sends the Close.
    async fn close(&mut self, close: &Close) -> io::Result<()> {
        if let InputPath::Dialect(dialogue) = self.path {
            let released = dialogue.lock().release_all();
            self.frames.send(&released).await?;
        }
        self.frames.control(Opcode::Close, &close.payload()).await
    }

    /// An `Err` is one of ESXi's socket.
    async fn relay(
        &mut self,
        viewer: &mut (impl AsyncRead + Unpin),
        early: BytesMut,
        pending: &PendingReply,
    ) -> io::Result<ToHostEnd> {
        if let Some(violation) = self.forward_early(early).await? {
            return Ok(ToHostEnd::Violation(violation));
        }
        let mut replies = pending.replies();
        let mut typed = self.clocks.received;
        let dialogue = self.path.dialogue();
        loop {
            let idle = idle(self.clocks.acted, self.policy);
            tokio::select! {
                // A pending reply goes first: once `to_viewer` has met a reset, the next read here is an ordinary end,
                // and only the Close that `to_viewer` left has the right code.
                biased;
                reply = replies.next() => match reply {
                    Reply::Pong(payload) => self.frames.control(Opcode::Pong, &payload).await?,
                    Reply::Close(close) => {
                        self.close(&close).await?;
                        return Ok(ToHostEnd::CloseSent);
                    }
                },
                pending = pending_for_host(dialogue) => {
                    self.frames.send(&pending).await?;
                    self.release_backlog();
                }
                () = at(self.backlog.due()) => {
                    // Boxed, as below: keeps the session's future small; this is rare.
                    if let Some(violation) = Box::pin(self.send_backlog()).await? {
                        return Ok(ToHostEnd::Violation(violation));
                    }
                }
                character = next_character(dialogue, typed) => {
                    typed = Instant::now();
                    // A viewer that waits for its clipboard to be typed is not idle.
                    self.clocks.acted = typed;
                    self.frames.send(&character).await?;
                }
                read = poll_fn(|context| self.poll_read(viewer, context)), if self.kept < READ => match read {
                    Ok(0) => {
                        Box::pin(self.send_whole_backlog()).await?;
                        return Ok(ToHostEnd::ViewerLeft);
                    }
                    Ok(count) => {
                        self.clocks.received = Instant::now();
                        if let Some(violation) = self.forward(count).await? {
                            return Ok(ToHostEnd::Violation(violation));
                        }
                    }
                    Err(_) => return Ok(ToHostEnd::ViewerReset),
                },
                () = idle => return Ok(ToHostEnd::Idle),
            }
        }
    }

    /// Copies what the handshake read into the buffer, and forwards it.
    async fn forward_early(&mut self, early: BytesMut) -> io::Result<Option<Violation>> {
        let buffer = self.buffer.get_or_insert_with(Pooled::take);
        if let Some(place) = buffer.payload().get_mut(..early.len()) {
            place.copy_from_slice(&early);
        }
        self.forward(early.len()).await
    }

    /// Lets delayed keys go once the host has said whether it takes QEMU key events.
    fn release_backlog(&mut self) {
        if let InputPath::Dialect(dialogue) = self.path
            && !dialogue.lock().holds_keys()
        {
            self.backlog.release(Instant::now());
        }
    }

    /// Sends the first delayed read, whether or not the host has said how it takes keys.
    async fn send_backlog(&mut self) -> io::Result<Option<Violation>> {
        let (InputPath::Dialect(dialogue), Some(buffer)) = (&self.path, self.buffer.take()) else {
            return Ok(None);
        };
        dialogue.lock().stop_holding_keys();
        let filled = self.kept;
        let end = self.backlog.pop(Instant::now()).unwrap_or(filled);
        let (mut output, violation) = self.translate(dialogue, buffer, end, filled);
        self.frames.send_translated(&mut output.0).await?;
        Ok(violation)
    }

    /// Sends what a viewer typed before it left, with the original time between the keys.
    async fn send_whole_backlog(&mut self) -> io::Result<()> {
        let InputPath::Dialect(dialogue) = self.path else {
            return Ok(());
        };
        while let Some(due) = self.backlog.due() {
            if timeout_at(due, dialogue.pending()).await.is_ok() {
                let pending = dialogue.lock().take_pending();
                self.frames.send(&pending).await?;
                self.release_backlog();
            }
            if self.backlog.due() <= Some(Instant::now()) {
                // A violation is dropped: it comes after these keys, and the viewer has left.
                self.send_backlog().await?;
            }
        }
        Ok(())
    }

    /// Reads once. Gives the buffer back while nothing is readable, so that an idle session holds none.
    fn poll_read(
        &mut self,
        viewer: &mut (impl AsyncRead + Unpin),
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let buffer = self.buffer.get_or_insert_with(Pooled::take);
        let room = buffer.payload().get_mut(self.kept..READ);
        let mut room = ReadBuf::new(room.unwrap_or_default());
        let polled = Pin::new(viewer).poll_read(context, &mut room);
        let count = room.filled().len();
        if count == 0 && self.kept == 0 {
            self.buffer = None;
        }
        polled.map_ok(|()| count)
    }

    /// Forwards what is in the buffer, of which the last `count` bytes are new. An incomplete message is kept.
    async fn forward(&mut self, count: usize) -> io::Result<Option<Violation>> {
        let filled = self.kept + count;
        if self.backlog.is_waiting() {
            self.kept = filled;
            self.backlog.push(filled, self.clocks.received);
            return Ok(None);
        }
        let Some(mut buffer) = self.buffer.take() else {
            return Ok(None);
        };
        let bytes = buffer.payload().get_mut(..filled).unwrap_or_default();
        self.apply_shared_flag(bytes);
        if let InputPath::Dialect(dialogue) = self.path {
            let (mut output, violation) = self.translate(dialogue, buffer, filled, filled);
            self.frames.send_translated(&mut output.0).await?;
            return Ok(violation);
        }
        let (passed, scanned) = match &mut self.path {
            InputPath::Unchanged | InputPath::Dialect(_) => {
                self.clocks.acted = self.clocks.received;
                (filled, filled)
            }
            InputPath::ViewOnly(filter) => {
                let filtered = filter.filter(bytes);
                if filter.take_acted() {
                    self.clocks.acted = self.clocks.received;
                }
                match filtered {
                    Ok(filtered) => filtered,
                    Err(violation) => return Ok(Some(violation)),
                }
            }
        };
        // The record's trailer is written behind the payload: an incomplete message is moved clear of it first.
        let rest = scanned + AFTER..filled + AFTER;
        buffer.payload().copy_within(scanned..filled, rest.start);
        self.frames.send_within(&mut buffer.0, passed).await?;
        self.keep(buffer, rest);
        Ok(None)
    }

    /// Translates the first `len` of `filled` bytes. What is not consumed is kept.
    fn translate(
        &mut self,
        dialogue: &SharedDialogue<'_>,
        mut buffer: Pooled<ReadBuffer>,
        len: usize,
        filled: usize,
    ) -> (Pooled<Translated>, Option<Violation>) {
        let bytes = buffer.payload().get_mut(..len).unwrap_or_default();
        let mut output = Pooled::<Translated>::take();
        output.0.resize(FRONT, 0);
        let received = dialogue.receive_from_viewer(bytes, &mut output.0);
        if dialogue.lock().take_acted() {
            self.clocks.acted = self.clocks.received;
        }
        let consumed = *received.as_ref().unwrap_or(&filled);
        self.keep(buffer, consumed..filled);
        self.backlog.consume(consumed);
        if dialogue.lock().holds_keys() {
            self.backlog.push(self.kept, self.clocks.received);
        }
        (output, received.err())
    }

    /// Sets the shared-flag of ClientInit where the viewer may not have the host disconnect its other clients (RFC 6143
    /// section 7.3.1).
    fn apply_shared_flag(&mut self, bytes: &mut [u8]) {
        let Some(first) = bytes.first_mut() else {
            return;
        };
        let is_init = !std::mem::replace(&mut self.init_sent, true);
        if is_init && *first == 0 && !self.policy.may_be_exclusive {
            *first = 1;
        }
    }

    /// Keeps `rest` of the buffer for the next read; where that is empty, the buffer goes back to the pool.
    fn keep(&mut self, mut buffer: Pooled<ReadBuffer>, rest: Range<usize>) {
        self.kept = rest.len();
        if self.kept > 0 {
            buffer.payload().copy_within(rest, 0);
            self.buffer = Some(buffer);
        }
    }
}

/// Ready with messages that the dialect sends to the host on its own account.
async fn pending_for_host(dialogue: Option<&SharedDialogue<'_>>) -> BytesMut {
    match dialogue {
        Some(dialogue) => {
            dialogue.pending().await;
            dialogue.lock().take_pending()
        }
        None => std::future::pending().await,
    }
}

/// Ready with the next character of a clipboard, [`TYPING_INTERVAL`] after the last one was `typed`.
async fn next_character(dialogue: Option<&SharedDialogue<'_>>, typed: Instant) -> BytesMut {
    match dialogue.filter(|dialogue| dialogue.lock().is_typing()) {
        Some(dialogue) => {
            sleep_until(typed + TYPING_INTERVAL).await;
            let mut host = BytesMut::new();
            dialogue.lock().type_next(&mut host);
            host
        }
        None => std::future::pending().await,
    }
}

/// Ready when there was no input for `idle_timeout`.
async fn idle(acted: Instant, policy: ViewerPolicy) {
    at(policy.idle_timeout.map(|timeout| acted + timeout)).await;
}
