//! What becomes of the host's messages on the way to the viewer.

use std::ops::Range;
use std::sync::Arc;

use rfb_proto::update::{Kind, Lost, MAX_PIECE, Message, Update};
use rfb_proto::{Area, Converter, Encoding, Recolour};

use super::encodings;
use super::outline::{Begun, Outline};
use super::shared::Shared;

/// How often the rest of a picture is asked for when nothing more of it comes.
const PATIENCE: u8 = 4;

/// The longest of what the gateway listens to: VMware's lights of a keyboard.
const LONGEST: usize = 4;

/// Takes what goes to the viewer, in its order.
pub(crate) trait ToViewer {
    /// These bytes of the run go as they are.
    fn pass(&mut self, range: Range<usize>);
    /// What is appended here goes next.
    fn own(&mut self) -> &mut Vec<u8>;
}

/// Follows what one host sends.
pub(super) struct Host {
    update: Update,
    /// The front of a piece that was cut: less than [`MAX_PIECE`].
    cut: Vec<u8>,
    lost: bool,
    /// The host's update, while the viewer has got nothing of it.
    unsaid: Option<Unsaid>,
    outline: Outline,
    /// Whether more than one of the host's updates may become the viewer's.
    gathering: bool,
    /// How many pixels of a gathered picture were missing last, and how often nothing more of it came.
    missing: (u64, u8),
    /// How many of the host's updates the viewer's one is made of.
    gathered: u16,
    /// Whether the host's update has had a part of the picture.
    pictured: bool,
    /// What is done with the body that comes.
    body: Body,
    /// What a rectangle says that the gateway listens to, and how much has come of it.
    heard: Option<(Encoding, Vec<u8>)>,
    recolour: Recolour,
    /// In force for the update that the viewer is getting.
    converter: Option<Arc<Converter>>,
}

/// An update of which the viewer has got nothing.
#[derive(Clone, Copy)]
struct Unsaid {
    id: u8,
    rectangles: u16,
    left_out: u16,
}

/// What is done with what follows a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    Pass,
    LeaveOut,
    Recolour,
}

/// Where a piece's bytes are.
enum Bytes<'a> {
    /// In the run, there.
    There(&'a [u8], Range<usize>),
    /// They were kept.
    Kept(&'a [u8]),
}

impl Host {
    pub(super) fn new() -> Self {
        Self {
            update: Update::new(),
            cut: Vec::new(),
            lost: false,
            unsaid: None,
            outline: Outline::default(),
            gathering: false,
            missing: (0, 0),
            gathered: 0,
            pictured: false,
            body: Body::Pass,
            heard: None,
            recolour: Recolour::default(),
            converter: None,
        }
    }

    /// See [`super::Repair::hear_host`].
    pub(super) fn hear(
        &mut self,
        run: &[u8],
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) -> Result<(), Lost> {
        let mut at = self.mend(run, shared, viewer)?;
        while !self.lost && at < run.len() {
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
        while !self.cut.is_empty() && !self.lost {
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
        let left = self.update.rectangles_left();
        let whole = match self.unsaid {
            Some(unsaid) => unsaid.left_out == 0 && !self.outline.is_open(),
            None => !self.gathering && self.outline.is_the_hosts(left),
        };
        let converted = shared.converter.is_some() || self.converter.is_some();
        if !whole || converted || self.body == Body::LeaveOut {
            return Err(lost);
        }
        tracing::info!("the host's RFB is not followed any more, and goes on as it is: {lost}");
        if let Some(Unsaid { id, rectangles, .. }) = self.unsaid.take() {
            self.outline
                .begin(Begun::plain(id, rectangles), viewer.own());
        }
        self.lost = true;
        Ok(())
    }

    fn piece(
        &mut self,
        message: Message<'_>,
        bytes: &Bytes<'_>,
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) {
        match message {
            Message::Update { id, rectangles } => self.begin(id, rectangles, shared, viewer),
            Message::Rectangle { area, encoding } => {
                self.rectangle(area, encoding, bytes, shared, viewer);
            }
            Message::Body { last, .. } => self.run(last, bytes, shared, viewer),
            Message::ServerCaps(caps) => shared.host_can(caps),
            Message::Vmware { .. } => self.body = Body::LeaveOut,
            Message::ServerInit {
                width,
                height,
                format,
                ..
            } => {
                shared.host_begins((width, height), format);
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
        if self.outline.is_open() {
            self.abandon(shared, viewer);
        }
        self.body = Body::Pass;
        bytes.pass(viewer);
    }

    fn begin(&mut self, id: u8, rectangles: u16, shared: &mut Shared, viewer: &mut impl ToViewer) {
        shared.knows_keys();
        if self.outline.is_open() && !self.outline.has_room(rectangles) {
            self.close(shared, viewer);
        }
        self.pictured = false;
        self.gathered = self.gathered.saturating_add(1);
        self.unsaid = Some(Unsaid {
            id,
            rectangles,
            left_out: 0,
        });
        if rectangles == 0 {
            self.open(shared, viewer);
        }
    }

    fn rectangle(
        &mut self,
        area: Area,
        encoding: Encoding,
        bytes: &Bytes<'_>,
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) {
        self.heard = listens(encoding).then(|| (encoding, Vec::new()));
        self.body = Body::Pass;
        let format = match self.outline.is_open() {
            true => &self.converter,
            false => &shared.converter,
        };
        if encoding == Encoding::LAST_RECT {
            // The viewer's comes when its own update ends.
        } else if shared.encodings.is_hidden(encoding) {
            self.leave_out();
        } else if format.is_some() && encodings::has_other_pixels(encoding) {
            // The host had not heard yet that the viewer wants another format.
            self.leave_out();
            shared.encodings.was_left_out(encoding);
            shared.owe_request(false, area);
        } else {
            self.open(shared, viewer);
            self.show(area, encoding, bytes, shared, viewer);
        }
    }

    fn leave_out(&mut self) {
        self.body = Body::LeaveOut;
        if let Some(unsaid) = &mut self.unsaid {
            unsaid.left_out += 1;
        }
    }

    fn show(
        &mut self,
        area: Area,
        encoding: Encoding,
        bytes: &Bytes<'_>,
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) {
        self.outline.count();
        match encoding {
            Encoding::DESKTOP_SIZE => {
                shared.size = self.update.size();
                shared.asked.clear();
                if shared.encodings.has(Encoding::EXTENDED_DESKTOP_SIZE) {
                    let answer = std::mem::take(&mut shared.resizing);
                    shared.write_size(answer, viewer.own());
                    return;
                }
            }
            Encoding::EXTENDED_DESKTOP_SIZE => {
                shared.offers.host_sizes = true;
                if shared.size != self.update.size() {
                    shared.size = self.update.size();
                    shared.asked.clear();
                }
            }
            _ if encoding.is_image() => {
                self.pictured = true;
                shared.asked.take(area);
            }
            _ => {}
        }
        if self.converter.is_some() && Recolour::can(encoding) {
            self.body = Body::Recolour;
            self.recolour.begin(encoding, area);
        }
        bytes.pass(viewer);
    }

    fn run(
        &mut self,
        last: bool,
        bytes: &Bytes<'_>,
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) {
        match (self.body, &self.converter) {
            (Body::LeaveOut, _) => {}
            (Body::Recolour, Some(converter)) => {
                self.recolour.run(converter, bytes.get(), viewer.own());
            }
            _ => bytes.pass(viewer),
        }
        if let Some((_, said)) = &mut self.heard {
            let room = LONGEST.saturating_sub(said.len());
            said.extend(bytes.get().iter().take(room));
        }
        if let (true, Some((encoding, said))) = (last, self.heard.take_if(|_| last)) {
            self.listen(encoding, &said, shared, viewer);
        }
    }

    /// The kind of pointer that the guest has, and the lights of its keyboard (`docs/webmks.md` 1.4; rfbproto,
    /// "QEMU LED State Pseudo-encoding").
    fn listen(
        &mut self,
        encoding: Encoding,
        said: &[u8],
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) {
        const ABSOLUTE: u8 = 1 << 1;
        const CAPS_LOCK: u8 = 1 << 2;
        let Some(&bits) = said.last() else {
            return;
        };
        if encoding != Encoding::VMWARE_CURSOR_STATE {
            shared.keyboard.caps_lock(bits & CAPS_LOCK != 0);
            return;
        }
        shared.absolute = Some(bits & ABSOLUTE != 0);
        // In the place of the one that is left out.
        if self.outline.is_open()
            && self.body == Body::LeaveOut
            && shared.tell_pointer(viewer.own())
        {
            self.outline.count();
        }
    }

    /// The viewer's update begins, if it has not yet.
    fn open(&mut self, shared: &mut Shared, viewer: &mut impl ToViewer) {
        let Some(unsaid) = self.unsaid.take() else {
            return;
        };
        if self.outline.is_open() {
            return;
        }
        let changed = match (&self.converter, &shared.converter) {
            (_, None) => None,
            (Some(old), Some(new)) if Arc::ptr_eq(old, new) => None,
            (_, Some(new)) => Some(new),
        };
        if let Some(converter) = changed {
            converter.colour_map(viewer.own());
        }
        self.converter = shared.converter.clone();
        self.gathering = !shared.asked.is_empty();
        self.missing = (shared.asked.pixels(), 0);
        self.gathered = 1;
        shared.waits_for = None;
        let mut offers = Vec::new();
        let added = shared.write_offers(&mut offers);
        let begun = Begun {
            id: unsaid.id,
            rectangles: unsaid.rectangles - unsaid.left_out,
            added,
            open: self.gathering,
            last_rect: shared.encodings.has(Encoding::LAST_RECT),
        };
        self.outline.begin(begun, viewer.own());
        (0..added).for_each(|_| self.outline.count());
        viewer.own().extend_from_slice(&offers);
    }

    /// The host's update has ended: so does the viewer's, unless the rest of the picture is still to come.
    fn end(&mut self, shared: &mut Shared, viewer: &mut impl ToViewer) {
        if self.unsaid.take().is_some() && !self.outline.is_open() {
            // The viewer still waits for an answer.
            shared.owe_request(true, shared.everything());
            return;
        }
        let Some(rest) = shared.asked.around().filter(|_| self.gathering) else {
            return self.close(shared, viewer);
        };
        let missing = shared.asked.pixels();
        match self.missing {
            (before, PATIENCE..) if before == missing => self.abandon(shared, viewer),
            (before, fruitless) => {
                let fruitless = if before == missing { fruitless + 1 } else { 0 };
                self.missing = (missing, fruitless);
                // Where something else than a picture has used the request up, the picture is still owed.
                shared.owe_request(!self.pictured, rest);
            }
        }
    }

    /// The viewer's update ends.
    fn close(&mut self, shared: &mut Shared, viewer: &mut impl ToViewer) {
        self.outline.end(viewer.own());
        // What the viewer has asked for since the first of the host's updates, the later ones have answered for the
        // host: not so for the viewer.
        if let Some(area) = shared.waits_for.take().filter(|_| self.gathered > 1) {
            shared.owe_request(true, area);
        }
    }

    /// The viewer's update ends without the rest of the picture.
    fn abandon(&mut self, shared: &mut Shared, viewer: &mut impl ToViewer) {
        shared.asked.clear();
        self.close(shared, viewer);
    }

    /// See [`super::Repair::waits_for_more`].
    pub(super) fn waits_for_more(&self) -> bool {
        self.outline.is_open() && self.update.is_between_messages() && self.cut.is_empty()
    }

    /// See [`super::Repair::give_up_waiting`].
    pub(super) fn give_up_waiting(&mut self, shared: &mut Shared, viewer: &mut impl ToViewer) {
        if self.waits_for_more() {
            self.abandon(shared, viewer);
        }
    }
}

impl Bytes<'_> {
    const fn get(&self) -> &[u8] {
        match self {
            Self::There(bytes, _) | Self::Kept(bytes) => bytes,
        }
    }

    fn pass(&self, viewer: &mut impl ToViewer) {
        match self {
            Self::There(_, range) => viewer.pass(range.clone()),
            Self::Kept(bytes) => viewer.own().extend_from_slice(bytes),
        }
    }
}

/// Whether a rectangle says something that the gateway has to know.
const fn listens(encoding: Encoding) -> bool {
    matches!(
        encoding,
        Encoding::VMWARE_CURSOR_STATE | Encoding::VMWARE_LED_STATE | Encoding::QEMU_LED_STATE
    )
}
