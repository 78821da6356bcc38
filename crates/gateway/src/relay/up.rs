//! Viewer → ESXi: what one read gave leaves as one frame.

use std::future::poll_fn;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use console::tls_session::{AFTER, BEFORE};
use rfb_proto::Violation;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, sleep_until, timeout_at};
use ws_proto::{Close, CloseCode, HEADROOM, Opcode, control, frame_within};

use super::backlog::Backlog;
use super::pending_reply::{PendingReply, Reply};
use super::shared_dialogue::SharedDialogue;
use super::view_only_filter::ViewOnlyFilter;
use super::{ViewerPolicy, at};
use crate::traffic::Traffic;
use crate::viewer_link::Clocks;
use console::buffer_pool::{Pooled, poolable};
use console::mask_keys::MaskKeys;
use console::transport::Transport;

/// A viewer's events are some bytes each; only pasted text is more. It is also more than any message that
/// must be whole to be judged. With its header it fits one TLS record (RFC 8446 section 5.1: 2^14 bytes).
const READ: usize = 16 * 1024 - HEADROOM;

/// The room for a record's header and a frame's.
const FRONT: usize = BEFORE + HEADROOM;

/// From one typed character to the next: slower than any guest reads its keyboard, by what scripts that type on
/// consoles have come to.
const PACE: Duration = Duration::from_millis(15);

/// Why nothing more goes to ESXi.
#[derive(Debug)]
pub(super) enum End {
    /// The viewer has ended its half; ESXi was told.
    ViewerLeft,
    /// The viewer's connection broke; ESXi was told.
    ViewerReset,
    /// Nobody was at the viewer for too long; ESXi was told.
    Idle,
    /// The viewer sent what cannot be judged; ESXi was told.
    Violation(Violation),
    /// A Close was due and was sent.
    Told,
    /// ESXi takes nothing any more.
    EsxiBroke(io::Error),
}

/// The writing half of the console's connection.
pub(super) struct HostWriter<'a, 'd, W> {
    esxi: &'a mut W,
    transport: &'a Transport,
    keys: MaskKeys,
    /// `None` while there is nothing in it.
    buffer: Option<Pooled<Block>>,
    /// How much of the buffer is a message that is not whole.
    kept: usize,
    /// What of the buffer waits for ESXi to say how it takes keys.
    backlog: Backlog,
    /// Whether the viewer's ClientInit has passed.
    begun: bool,
    clocks: &'a mut Clocks,
    path: InputPath<'a, 'd>,
    policy: ViewerPolicy,
    traffic: &'a Traffic,
}

/// What becomes of the viewer's messages.
pub(super) enum InputPath<'a, 'd> {
    /// They go as they are.
    Unchanged,
    /// They go as they are, or not at all.
    ViewOnly(ViewOnlyFilter),
    /// They go as ESXi takes them.
    Dialect(&'a SharedDialogue<'d>),
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
            esxi,
            transport,
            keys,
            buffer: None,
            kept: 0,
            backlog: Backlog::default(),
            begun: false,
            clocks,
            path,
            policy,
            traffic,
        }
    }

    /// `early` is what has been read of the viewer already: less than fits the buffer.
    pub(super) async fn pump(
        mut self,
        viewer: &mut (impl AsyncRead + Unpin),
        early: BytesMut,
        pending: &PendingReply,
    ) -> End {
        let end = match self.relay(viewer, early, pending).await {
            Ok(end) => end,
            Err(error) => return End::EsxiBroke(error),
        };
        let code = match end {
            End::Told | End::EsxiBroke(_) => return end,
            End::ViewerLeft => CloseCode::NORMAL,
            End::ViewerReset | End::Idle => CloseCode::GOING_AWAY,
            End::Violation(_) => CloseCode::POLICY,
        };
        match self.close(&Close::new(code)).await {
            Ok(()) => end,
            Err(error) => End::EsxiBroke(error),
        }
    }

    /// Says the last words.
    async fn close(&mut self, close: &Close) -> io::Result<()> {
        if let InputPath::Dialect(dialogue) = self.path {
            let released = dialogue.lock().release_all();
            self.send(&released).await?;
        }
        self.control(Opcode::Close, &close.payload()).await
    }

    /// Every `Err` is ESXi's.
    async fn relay(
        &mut self,
        viewer: &mut (impl AsyncRead + Unpin),
        early: BytesMut,
        pending: &PendingReply,
    ) -> io::Result<End> {
        let block = self.buffer.get_or_insert_with(Pooled::take);
        if let Some(place) = block.payload().get_mut(..early.len()) {
            place.copy_from_slice(&early);
        }
        if let Some(violation) = self.pass_on(early.len()).await? {
            return Ok(End::Violation(violation));
        }
        let mut replies = pending.replies();
        let mut typed = self.clocks.received;
        let dialogue = match self.path {
            InputPath::Dialect(dialogue) => Some(dialogue),
            InputPath::Unchanged | InputPath::ViewOnly(_) => None,
        };
        drop(early);
        loop {
            let silence = silence(self.clocks.acted, self.policy);
            let backlog_due = self.backlog.due();
            tokio::select! {
                // What is owed goes first: a viewer that was reset reads as one that left, once `down` has
                // met the reset, and then it is `down` that knows what to say.
                biased;
                reply = replies.due() => match reply {
                    Reply::Pong(payload) => self.control(Opcode::Pong, &payload).await?,
                    Reply::Close(close) => {
                        self.close(&close).await?;
                        return Ok(End::Told);
                    }
                },
                pending = pending_for_host(dialogue) => {
                    self.send(&pending).await?;
                    self.release_backlog();
                }
                () = at(backlog_due) => {
                    // Boxed, as below: once in a session at most, whose size it would add to.
                    if let Some(violation) = Box::pin(self.send_backlog()).await? {
                        return Ok(End::Violation(violation));
                    }
                }
                character = next_character(dialogue, typed) => {
                    typed = Instant::now();
                    // Whoever has its clipboard typed waits for that.
                    self.clocks.acted = typed;
                    self.send(&character).await?;
                }
                read = poll_fn(|context| self.poll_read(viewer, context)), if self.kept < READ => match read {
                    Ok(0) => {
                        Box::pin(self.send_whole_backlog()).await?;
                        return Ok(End::ViewerLeft);
                    }
                    Ok(count) => {
                        self.clocks.received = Instant::now();
                        if let Some(violation) = self.pass_on(count).await? {
                            return Ok(End::Violation(violation));
                        }
                    }
                    Err(_) => return Ok(End::ViewerReset),
                },
                () = silence => return Ok(End::Idle),
            }
        }
    }

    /// Where it is known by now how ESXi takes keys, those that waited for that may go.
    fn release_backlog(&mut self) {
        if let InputPath::Dialect(dialogue) = self.path
            && !dialogue.lock().holds_keys()
        {
            self.backlog.release(Instant::now());
        }
    }

    /// Sends the first of what waits, whether or not ESXi has said how it takes keys.
    async fn send_backlog(&mut self) -> io::Result<Option<Violation>> {
        let (InputPath::Dialect(dialogue), Some(block)) = (&self.path, self.buffer.take()) else {
            return Ok(None);
        };
        dialogue.lock().stop_holding_keys();
        let filled = self.kept;
        let end = self.backlog.pop(Instant::now()).unwrap_or(filled);
        let (mut said, violation) = self.translate(dialogue, block, end, filled);
        self.send_said(&mut said.0).await?;
        Ok(violation)
    }

    /// What a viewer that has left has typed still reaches ESXi, at the pace at which it came.
    async fn send_whole_backlog(&mut self) -> io::Result<()> {
        let InputPath::Dialect(dialogue) = self.path else {
            return Ok(());
        };
        while let Some(due) = self.backlog.due() {
            if timeout_at(due, dialogue.pending()).await.is_ok() {
                let pending = dialogue.lock().take_pending();
                self.send(&pending).await?;
                self.release_backlog();
            }
            if self.backlog.due() <= Some(Instant::now()) {
                // Ignored on purpose: what the viewer broke, it broke after those keys.
                self.send_backlog().await?;
            }
        }
        Ok(())
    }

    /// Reads once, holding no buffer while there is nothing to read.
    fn poll_read(
        &mut self,
        viewer: &mut (impl AsyncRead + Unpin),
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let block = self.buffer.get_or_insert_with(Pooled::take);
        let room = block.payload().get_mut(self.kept..READ);
        let mut room = ReadBuf::new(room.unwrap_or_default());
        let polled = Pin::new(viewer).poll_read(context, &mut room);
        let count = room.filled().len();
        if count == 0 && self.kept == 0 {
            self.buffer = None;
        }
        polled.map_ok(|()| count)
    }

    /// Sends what may pass of what is in the buffer, to which `count` bytes have come.
    async fn pass_on(&mut self, count: usize) -> io::Result<Option<Violation>> {
        let filled = self.kept + count;
        if self.backlog.waits() {
            self.kept = filled;
            self.backlog.push(filled, self.clocks.received);
            return Ok(None);
        }
        let Some(mut block) = self.buffer.take() else {
            return Ok(None);
        };
        let bytes = block.payload().get_mut(..filled).unwrap_or_default();
        self.introduce(bytes);
        if let InputPath::Dialect(dialogue) = self.path {
            let (mut said, violation) = self.translate(dialogue, block, filled, filled);
            self.send_said(&mut said.0).await?;
            return Ok(violation);
        }
        let (passed, looked) = match &mut self.path {
            InputPath::Unchanged | InputPath::Dialect(_) => {
                self.clocks.acted = self.clocks.received;
                (filled, filled)
            }
            InputPath::ViewOnly(filter) => {
                let filtered = filter.filter(bytes);
                if filter.has_acted() {
                    self.clocks.acted = self.clocks.received;
                }
                match filtered {
                    Ok(filtered) => filtered,
                    Err(violation) => return Ok(Some(violation)),
                }
            }
        };
        // What is not whole is put out of the way of the record's end.
        let rest = looked + AFTER..filled + AFTER;
        block.payload().copy_within(looked..filled, rest.start);
        self.send_within(&mut block.0, passed).await?;
        self.keep(block, rest);
        Ok(None)
    }

    /// What ESXi is to hear of the first `len` of `filled` bytes. The others are kept.
    fn translate(
        &mut self,
        dialogue: &SharedDialogue<'_>,
        mut block: Pooled<Block>,
        len: usize,
        filled: usize,
    ) -> (Pooled<Said>, Option<Violation>) {
        let bytes = block.payload().get_mut(..len).unwrap_or_default();
        let mut said = Pooled::<Said>::take();
        said.0.resize(FRONT, 0);
        let heard = dialogue.receive_from_viewer(bytes, &mut said.0);
        if dialogue.lock().take_acted() {
            self.clocks.acted = self.clocks.received;
        }
        let gone = *heard.as_ref().unwrap_or(&filled);
        self.keep(block, gone..filled);
        self.backlog.went(gone);
        if dialogue.lock().holds_keys() {
            self.backlog.push(self.kept, self.clocks.received);
        }
        (said, heard.err())
    }

    /// The viewer's first byte is its ClientInit: 0 has the host end everybody else (RFC 6143 section 7.3.1).
    fn introduce(&mut self, bytes: &mut [u8]) {
        let Some(first) = bytes.first_mut() else {
            return;
        };
        let begun = std::mem::replace(&mut self.begun, true);
        if !begun && *first == 0 && !self.policy.may_be_alone {
            *first = 1;
        }
    }

    /// Keeps those bytes of the buffer for the next read, and no buffer for none.
    fn keep(&mut self, mut block: Pooled<Block>, rest: Range<usize>) {
        self.kept = rest.len();
        if self.kept > 0 {
            block.payload().copy_within(rest, 0);
            self.buffer = Some(block);
        }
    }

    /// Sends what was written behind the room for a frame's header; where it lies, if it is no more than fits a frame.
    async fn send_said(&mut self, said: &mut BytesMut) -> io::Result<()> {
        let len = said.len() - FRONT;
        if len > READ {
            return self.send(said.get(FRONT..).unwrap_or_default()).await;
        }
        said.resize(FRONT + len + AFTER, 0);
        self.send_within(said, len).await
    }

    /// Sends what lies elsewhere.
    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(READ) {
            let mut block = Pooled::<Block>::take();
            let place = block.payload().get_mut(..piece.len());
            place.unwrap_or_default().copy_from_slice(piece);
            self.send_within(&mut block.0, piece.len()).await?;
        }
        Ok(())
    }

    /// Sends the first `len` bytes of a block's payload, as one frame in one record and with one write.
    async fn send_within(&mut self, block: &mut [u8], len: usize) -> io::Result<()> {
        if len == 0 {
            return Ok(());
        }
        let key = Some(self.keys.draw()?);
        let frame = frame_within(block, FRONT..FRONT + len, Opcode::Binary, key);
        let sealed = self.transport.seal_within(block, frame)?;
        self.esxi.write_all(&sealed).await?;
        self.traffic.went_to_esxi(len);
        Ok(())
    }

    async fn control(&mut self, opcode: Opcode, payload: &[u8]) -> io::Result<()> {
        let frame = control(opcode, payload, Some(self.keys.draw()?));
        let sealed = self.transport.seal(&frame)?;
        self.esxi.write_all(&sealed).await
    }
}

/// Where events are read and become a frame and a record: what comes in front of the payload, that, what comes behind it.
struct Block(Box<[u8]>);

impl Block {
    /// What can be read at once, and room to put aside what is not whole.
    fn payload(&mut self) -> &mut [u8] {
        self.0
            .get_mut(FRONT..FRONT + READ + AFTER)
            .unwrap_or_default()
    }
}

poolable!(Block, Self(vec![0; FRONT + READ + 2 * AFTER].into()));

/// How many of both kinds nobody holds.
#[cfg(test)]
pub(super) fn spare_buffers() -> [usize; 2] {
    use console::buffer_pool::Poolable;
    [
        Block::KEPT.with_borrow(Vec::len),
        Said::KEPT.with_borrow(Vec::len),
    ]
}

/// What ESXi is to hear of what was read, made as a [`Block`] is; seldom more than was read.
struct Said(BytesMut);

poolable!(Said, Self(BytesMut::with_capacity(FRONT + READ + AFTER)));

/// Ready with what the gateway has to say to ESXi by itself.
async fn pending_for_host(dialogue: Option<&SharedDialogue<'_>>) -> BytesMut {
    match dialogue {
        Some(dialogue) => {
            dialogue.pending().await;
            dialogue.lock().take_pending()
        }
        None => std::future::pending().await,
    }
}

/// Ready with the next character of a clipboard, a while after the last was `typed`.
async fn next_character(dialogue: Option<&SharedDialogue<'_>>, typed: Instant) -> BytesMut {
    match dialogue.filter(|dialogue| dialogue.lock().is_typing()) {
        Some(dialogue) => {
            sleep_until(typed + PACE).await;
            let mut host = BytesMut::new();
            dialogue.lock().type_next(&mut host);
            host
        }
        None => std::future::pending().await,
    }
}

/// Ready when nobody has been at the viewer for as long as that may be.
async fn silence(acted: Instant, policy: ViewerPolicy) {
    at(policy.idle_timeout.map(|timeout| acted + timeout)).await;
}
