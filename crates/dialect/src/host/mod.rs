//! What becomes of the host's messages on the way to the viewer.

mod lost;
mod rectangle;
mod updates;

use std::ops::Range;
use std::sync::Arc;

use rfb_proto::update::{Kind, Lost, MAX_PIECE, Message, PartialRectangle, Update};
use rfb_proto::{Area, Converter, Encoding, PixelFormat, Recolour};

use super::shared::Shared;
use super::to_viewer::{Bytes, ToViewer};
use super::viewer_update::{ViewerUpdate, header};

/// Follows what one host sends.
pub(super) struct Host {
    update: Update,
    /// The front of a piece that was cut: less than [`MAX_PIECE`].
    cut: Vec<u8>,
    /// The host cannot be followed any more: what it sends goes on as it is.
    unfollowed: bool,
    /// The host's update that is under way.
    current: Option<HostUpdate>,
    /// The one that the viewer is getting.
    viewer_update: ViewerUpdate,
    /// Whether more than one of the host's updates may become the viewer's.
    gathering: bool,
    /// How many pixels of a gathered picture were missing last, and how often nothing more of it came.
    missing: (u64, u8),
    /// Whether the rest of it was asked for as a whole since the last update.
    rest_is_asked: bool,
    /// How many of the host's updates the viewer's one is made of.
    gathered: u16,
    /// How many updates the host has begun.
    updates: u32,
    /// The same, with how often the rest of a picture was asked for once more: to tell them apart.
    waits: u32,
    /// What is done with the body that comes.
    body: Body,
    /// A rectangle whose content the gateway reads, and what has come of that.
    state: Option<(Encoding, Vec<u8>)>,
    /// The rectangle that is under way, or was the last.
    partial: PartialRectangle,
    recolour: Recolour,
    /// In force for the update that the viewer is getting.
    converter: Option<Arc<Converter>>,
}

/// What is known of an update of the host's.
struct HostUpdate {
    id: u8,
    /// How many rectangles its header announces; 65,535 where LastRect ends it.
    announced: u16,
    /// Where in the run its header is, if it is there and the viewer has not got it.
    header: Option<Range<usize>>,
    /// Whether a rectangle of it has been left out.
    left_out: bool,
    /// Whether it has had a part of the picture.
    pictured: bool,
    /// How many of its rectangles have become longer on the way.
    lengthened: u8,
}

/// What is done with what follows a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    Pass,
    LeaveOut,
    Recolour,
}

impl Host {
    pub(super) fn new() -> Self {
        Self {
            update: Update::new(),
            cut: Vec::new(),
            unfollowed: false,
            current: None,
            viewer_update: ViewerUpdate::default(),
            gathering: false,
            missing: (0, 0),
            rest_is_asked: false,
            gathered: 0,
            updates: 0,
            waits: 0,
            body: Body::Pass,
            state: None,
            partial: PartialRectangle::new(Area::default(), Encoding::RAW),
            recolour: Recolour::default(),
            converter: None,
        }
    }

    /// A host whose ServerInit the viewer does not get.
    pub(super) fn after_server_init(size: (u16, u16), format: PixelFormat) -> Self {
        Self {
            update: Update::after_server_init(size, format),
            ..Self::new()
        }
    }

    /// See [`super::Dialogue::receive_from_host`].
    pub(super) fn receive(
        &mut self,
        run: &[u8],
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) -> Result<(), Lost> {
        let followed = self.follow(run, shared, viewer);
        if let Some(current) = &mut self.current {
            current.header = None;
        }
        followed
    }

    /// Whether what the viewer has received ends with a whole message, and the next begins a new one.
    pub(super) const fn is_between_messages(&self) -> bool {
        !self.unfollowed && !self.viewer_update.is_open() && self.update.is_between_messages()
    }

    /// How many updates the host has begun.
    pub(super) const fn updates(&self) -> usize {
        self.updates as usize
    }

    /// Whether pixels of the update that the viewer is getting are converted.
    pub(super) const fn converts(&self) -> bool {
        self.converter.is_some()
    }

    /// How many bytes of memory it takes.
    pub(super) fn memory(&self) -> usize {
        let state = self.state.as_ref();
        let state = state.map_or(0, |(_, content)| content.capacity());
        self.cut.capacity() + state + self.viewer_update.memory()
    }

    fn follow(
        &mut self,
        run: &[u8],
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) -> Result<(), Lost> {
        let mut at = self.mend(run, shared, viewer)?;
        while !self.unfollowed && at < run.len() {
            let pictures = self.skip_pictures(run.get(at..).unwrap_or_default(), shared);
            if pictures > 0 {
                viewer.pass(at..at + pictures);
                at += pictures;
                continue;
            }
            let rest = run.get(at..).unwrap_or_default();
            match self.update.scan(rest) {
                Ok(Some(piece)) => {
                    let end = at + piece.bytes.len();
                    let bytes = Bytes::There(piece.bytes, at..end);
                    self.piece(piece.message, &bytes, shared, viewer);
                    at = end;
                }
                Ok(None) => {
                    self.cut.extend_from_slice(rest);
                    return Ok(());
                }
                Err(lost) => self.lose(lost, shared, viewer)?,
            }
        }
        if at < run.len() {
            viewer.pass(at..run.len());
        }
        Ok(())
    }

    /// Takes as much of the run as the piece wants that was cut, and says how much that was.
    fn mend(
        &mut self,
        run: &[u8],
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) -> Result<usize, Lost> {
        let mut at = 0;
        while !self.cut.is_empty() && !self.unfollowed {
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
                    self.lose(lost, shared, viewer)?;
                    viewer.own().extend_from_slice(&cut);
                }
            }
        }
        Ok(at)
    }

    /// The host cannot be followed any more. What comes goes on as it is, where the viewer can make sense of that.
    fn lose(
        &mut self,
        lost: Lost,
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) -> Result<(), Lost> {
        let converted = shared.host.converter.is_some() || self.converter.is_some();
        let left_out = self.body == Body::LeaveOut && !self.update.is_between_rectangles();
        if converted || left_out || !self.let_host_finish(viewer) {
            return Err(lost);
        }
        tracing::info!("the host's RFB is not followed any more, and goes on as it is: {lost}");
        self.unfollowed = true;
        Ok(())
    }

    /// Makes the viewer expect as many rectangles as the host will send; says whether that can be done.
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
            Message::Body { last, .. } => self.run(last, bytes, shared, viewer),
            Message::ServerCaps(caps) => shared.handle_server_caps(caps),
            Message::Vmware { .. } => self.body = Body::LeaveOut,
            Message::ServerInit {
                width,
                height,
                format,
                ..
            } => {
                shared.handle_server_init((width, height), format);
                self.between(bytes, shared, viewer);
            }
            _ => self.between(bytes, shared, viewer),
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

    /// A message that is no part of an update.
    fn between(&mut self, bytes: &Bytes<'_>, shared: &mut Shared, viewer: &mut impl ToViewer) {
        if self.viewer_update.is_open() {
            self.abandon(shared, viewer);
        }
        self.body = Body::Pass;
        bytes.pass(viewer);
    }

    fn begin(&mut self, id: u8, rectangles: u16, bytes: &Bytes<'_>, shared: &mut Shared) {
        shared.host.set_keys_known();
        self.gathered = self.gathered.saturating_add(1);
        self.updates = self.updates.wrapping_add(1);
        self.waits = self.waits.wrapping_add(1);
        self.current = Some(HostUpdate {
            id,
            announced: rectangles,
            header: bytes.range(),
            left_out: false,
            pictured: false,
            lengthened: 0,
        });
    }
}
