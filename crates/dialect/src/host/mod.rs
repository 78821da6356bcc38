//! Messages from the host to the viewer.

mod in_place;
mod incomplete;
mod lost;
mod rectangle;
mod updates;

pub(crate) use incomplete::MOST_KEPT;
pub(crate) use lost::MOST_COMPLETED;

use std::ops::Range;
use std::sync::Arc;

use rfb_proto::server_messages::{
    Kind, MAX_PIECE, Message, PartialRectangle, ScanError, ServerScanner,
};
use rfb_proto::{Area, Converter, Encoding, PixelFormat, RectangleConverter};

use self::incomplete::Incomplete;
use super::shared::Shared;
use super::to_viewer::{Bytes, ToViewer};
use super::viewer_update::{ViewerUpdate, header};

/// Parses what one host sends.
pub(super) struct Host {
    update: ServerScanner,
    /// The first bytes of an incomplete piece: fewer than [`MAX_PIECE`].
    cut: Vec<u8>,
    /// The first bytes of a rectangle that is relayed when it is whole.
    incomplete: Option<Incomplete>,
    /// The bytes of the host cannot be parsed any more and are relayed unchanged.
    unparsed: bool,
    /// The current update of the host.
    current: Option<HostUpdate>,
    /// The current update of the viewer.
    viewer_update: ViewerUpdate,
    /// Whether several updates of the host may be merged into the viewer's.
    merging: bool,
    /// The number of pixels that were missing after the last update, and the number of updates since without progress.
    missing: (u64, u8),
    /// Whether the rest of the picture has been requested since the last update.
    rest_requested: bool,
    /// The number of updates of the host that are merged into the viewer's.
    merged: u16,
    /// The number of updates that the host has begun.
    updates: u32,
    /// Identifies a wait for the host: counts its updates and the repeated requests.
    waits: u32,
    /// What is done with the content that comes next.
    body: Body,
    /// A rectangle whose content the gateway reads, and the bytes of it so far.
    state: Option<(Encoding, Vec<u8>)>,
    /// The current or last rectangle.
    partial: PartialRectangle,
    /// A pixel of the host as the viewer has it: its place, and its bytes in the host's format.
    known_pixel: Option<(Area, [u8; 4])>,
    rectangle_converter: RectangleConverter,
    /// For the current update of the viewer.
    converter: Option<Arc<Converter>>,
}

/// An update of the host.
struct HostUpdate {
    id: u8,
    /// The number of rectangles that its header announces; 65,535 if LastRect ends it.
    announced: u16,
    /// The range of its header in the received bytes, if it is there and has not been sent.
    header: Option<Range<usize>>,
    /// Whether a rectangle of it has been dropped.
    left_out: bool,
    /// Whether it has had a rectangle with pixels.
    has_image: bool,
    /// The number of its rectangles that were made longer.
    extended: u8,
}

/// What is done with the content after a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    Pass,
    Drop,
    Convert,
}

impl Host {
    pub(super) fn new() -> Self {
        Self {
            update: ServerScanner::new(),
            cut: Vec::new(),
            incomplete: None,
            unparsed: false,
            current: None,
            viewer_update: ViewerUpdate::default(),
            merging: false,
            missing: (0, 0),
            rest_requested: false,
            merged: 0,
            updates: 0,
            waits: 0,
            body: Body::Pass,
            state: None,
            partial: PartialRectangle::new(Area::default(), Encoding::RAW),
            known_pixel: None,
            rectangle_converter: RectangleConverter::default(),
            converter: None,
        }
    }

    /// For a host whose ServerInit has been read and is not relayed.
    pub(super) fn after_server_init(size: (u16, u16), format: PixelFormat) -> Self {
        Self {
            update: ServerScanner::after_server_init(size, format),
            ..Self::new()
        }
    }

    /// See [`super::Dialogue::receive_from_host`].
    pub(super) fn receive(
        &mut self,
        run: &[u8],
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) -> Result<(), ScanError> {
        let followed = self.follow(run, shared, viewer);
        if let Some(current) = &mut self.current {
            current.header = None;
        }
        followed
    }

    /// Whether what the viewer has received ends with a whole message, and the next begins a new one.
    pub(super) const fn is_between_messages(&self) -> bool {
        !self.unparsed && !self.viewer_update.is_open() && self.update.is_between_messages()
    }

    /// The number of updates that the host has begun.
    pub(super) const fn updates(&self) -> usize {
        self.updates as usize
    }

    /// Whether the pixels of the viewer's current update are converted.
    pub(super) const fn converts(&self) -> bool {
        self.converter.is_some()
    }

    /// The bytes of memory that it takes.
    pub(super) fn memory(&self) -> usize {
        let state = self.state.as_ref();
        let state = state.map_or(0, |(_, content)| content.capacity());
        let incomplete = self.incomplete.as_ref().map_or(0, Incomplete::memory);
        self.cut.capacity() + incomplete + state + self.viewer_update.memory()
    }

    fn follow(
        &mut self,
        run: &[u8],
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) -> Result<(), ScanError> {
        let mut at = 0;
        while !self.unparsed && at < run.len() {
            let rest = run.get(at..).unwrap_or_default();
            if let Some(incomplete) = self.incomplete.take() {
                at += self.continue_rectangle(incomplete, rest, shared, viewer)?;
                continue;
            }
            if !self.cut.is_empty() {
                at += self.complete_cut(rest, shared, viewer)?;
                continue;
            }
            let pictures = self.skip_pictures(rest, shared);
            if pictures > 0 {
                viewer.pass(at..at + pictures);
                at += pictures;
                continue;
            }
            if self.update.is_before_rectangle()
                && let Some(streams) = shared.viewer.encodings.streams()
                && let Some(incomplete) = Incomplete::begin(
                    &self.update,
                    rest,
                    streams,
                    self.viewer_update.header_to_come(),
                )
            {
                self.incomplete = Some(incomplete);
                continue;
            }
            match self.update.scan(rest) {
                Ok(Some(piece)) => {
                    let end = at + piece.bytes.len();
                    let bytes = Bytes::Received(piece.bytes, at..end);
                    self.piece(piece.message, &bytes, shared, viewer);
                    at = end;
                }
                Ok(None) => {
                    self.cut.extend_from_slice(rest);
                    return Ok(());
                }
                Err(lost) => self.stop_parsing(lost, shared, viewer)?,
            }
        }
        if at < run.len() {
            viewer.pass(at..run.len());
        }
        Ok(())
    }

    /// Completes the incomplete piece from `run`, and returns the number of bytes that it took.
    fn complete_cut(
        &mut self,
        run: &[u8],
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) -> Result<usize, ScanError> {
        let mut at = 0;
        while !self.cut.is_empty() && !self.unparsed {
            let mut cut = std::mem::take(&mut self.cut);
            let before = cut.len();
            let more = run.get(at..).unwrap_or_default();
            let more = more.get(..MAX_PIECE.saturating_sub(before)).unwrap_or(more);
            cut.extend_from_slice(more);
            match self.update.scan(&cut) {
                Ok(Some(piece)) => {
                    let length = piece.bytes.len();
                    self.piece(piece.message, &Bytes::Kept(piece.bytes), shared, viewer);
                    at += length.saturating_sub(before);
                    cut.truncate(before);
                    cut.drain(..length.min(before));
                    self.cut = cut;
                }
                Ok(None) => {
                    self.cut = cut;
                    return Ok(run.len());
                }
                Err(lost) => {
                    cut.truncate(before);
                    self.stop_parsing(lost, shared, viewer)?;
                    viewer.own().extend_from_slice(&cut);
                }
            }
        }
        Ok(at)
    }

    /// The bytes of the host cannot be parsed any more. They are relayed unchanged if the viewer can still read them.
    fn stop_parsing(
        &mut self,
        lost: ScanError,
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) -> Result<(), ScanError> {
        let converted = shared.host.converter.is_some() || self.converter.is_some();
        let left_out = self.body == Body::Drop && !self.update.is_between_rectangles();
        if converted || left_out || !self.let_host_finish(viewer) {
            return Err(lost);
        }
        tracing::info!(
            "the host's RFB cannot be parsed any further and is relayed unchanged: {lost}"
        );
        self.unparsed = true;
        Ok(())
    }

    /// Makes the viewer expect as many rectangles as the host will send; returns whether that is possible.
    fn let_host_finish(&mut self, viewer: &mut impl ToViewer) -> bool {
        let Some(current) = self.current.take() else {
            self.viewer_update.end(viewer);
            return true;
        };
        let left = self.update.rectangles_left();
        let unlimited = current.announced == u16::MAX;
        let rest = if unlimited { u16::MAX } else { left };
        match self.viewer_update {
            ViewerUpdate::None => viewer.own().extend_from_slice(&header(current.id, rest)),
            ViewerUpdate::Held(_) => self.viewer_update.release(rest, viewer),
            ViewerUpdate::Started {
                left: expected,
                last_rect,
            } => {
                if expected == left || unlimited && last_rect {
                    return true;
                }
                if !last_rect || !self.update.is_between_rectangles() {
                    return false;
                }
                self.viewer_update.end(viewer);
                viewer.own().extend_from_slice(&header(current.id, rest));
            }
        }
        true
    }

    fn piece(
        &mut self,
        message: Message<'_>,
        bytes: &Bytes<'_>,
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) {
        match message {
            Message::Update { id, rectangles } => {
                self.begin(id, rectangles, bytes, shared);
            }
            Message::Rectangle { area, encoding } => {
                self.rectangle(area, encoding, bytes, shared, viewer);
            }
            Message::Body { of, last } => {
                self.run(last, bytes, shared, viewer);
                if last && of == Kind::Rectangle && self.body != Body::Drop {
                    self.note_rectangle(shared);
                }
            }
            Message::ServerCaps(caps) => {
                shared.handle_server_caps(caps);
                if !self.viewer_update.is_open() {
                    shared.write_caps(viewer.own());
                }
            }
            Message::Vmware { .. } => self.body = Body::Drop,
            // VMware's own client misreads it (`docs/webmks.md` 7.2).
            Message::SetColourMapEntries { .. } if shared.viewer.is_vmware() => {
                self.body = Body::Drop;
            }
            Message::ServerInit {
                width,
                height,
                format,
                ..
            } => {
                shared.handle_server_init((width, height), format);
                self.pass_message(bytes, shared, viewer);
            }
            _ => self.pass_message(bytes, shared, viewer),
        }
        let of_an_update = matches!(
            message,
            Message::Update { .. }
                | Message::Rectangle { .. }
                | Message::Body {
                    of: Kind::Rectangle,
                    ..
                }
        );
        if of_an_update && self.update.is_between_messages() {
            self.end(shared, viewer);
        }
    }

    /// Relays a message outside of updates.
    fn pass_message(&mut self, bytes: &Bytes<'_>, shared: &mut Shared, viewer: &mut impl ToViewer) {
        if self.viewer_update.is_open() {
            self.end_early(shared, viewer);
        }
        self.body = Body::Pass;
        bytes.pass(viewer);
    }

    fn begin(&mut self, id: u8, rectangles: u16, bytes: &Bytes<'_>, shared: &mut Shared) {
        shared.host.set_keys_known();
        self.merged = self.merged.saturating_add(1);
        self.updates = self.updates.wrapping_add(1);
        self.waits = self.waits.wrapping_add(1);
        self.current = Some(HostUpdate {
            id,
            announced: rectangles,
            header: bytes.range(),
            left_out: false,
            has_image: false,
            extended: 0,
        });
    }
}
