//! Where the viewer's updates begin and end, of which one may be several of the host's: one request, one whole
//! picture (`docs/webmks.md` 2.3, Q3 and Q4).

use std::sync::Arc;

use rfb_proto::Encoding;

use super::Host;
use crate::offers;
use crate::shared::Shared;
use crate::to_viewer::ToViewer;
use crate::viewer_update::header;

/// How often the rest of a picture is asked for when nothing more of it comes.
const PATIENCE: u8 = 4;

impl Host {
    /// How much of the front of `run` is updates that go on as they are: of nothing but pictures, where nothing is
    /// waited for, converted or added. Those are most, and may be small.
    pub(super) fn skip_pictures(&mut self, run: &[u8], shared: &mut Shared) -> usize {
        let as_they_are = !self.viewer_update.is_open()
            && self.converter.is_none()
            && shared.host.converter.is_none()
            && shared.viewer.asked.is_empty()
            && shared.host.keys_known
            && !shared.has_offers();
        if !as_they_are {
            return 0;
        }
        let pictures = self
            .update
            .skip_pictures(run, |id| shared.host.acks.add(id));
        if pictures > 0 {
            shared.viewer.waits_for = None;
            shared.viewer.update_requested = false;
        }
        pictures
    }

    /// The viewer's update begins, if it has not yet: with `rest` rectangles of the host's, as far as is known.
    pub(super) fn open(&mut self, rest: u16, shared: &mut Shared, viewer: &mut impl ToViewer) {
        if self.viewer_update.is_full() {
            self.viewer_update.end(viewer);
        }
        if self.viewer_update.is_open() {
            return;
        }
        let Some(current) = &mut self.current else {
            return;
        };
        let (id, announced) = (current.id, current.announced);
        let in_run = current.header.take();
        self.change_format(shared, viewer);
        self.gathering = !shared.viewer.asked.is_empty();
        self.missing = (shared.viewer.asked.pixels(), 0);
        self.gathered = 1;
        shared.viewer.waits_for = None;
        shared.viewer.update_requested = false;
        let mut offers = Vec::new();
        let has_room = rest == u16::MAX || rest <= u16::MAX - offers::MOST;
        let added = match has_room {
            true => shared.write_offers(&mut offers),
            false => 0,
        };
        let last_rect = shared.viewer.encodings.has(Encoding::LAST_RECT);
        let unknown = self.gathering || rest == u16::MAX || rest > 1 && shared.may_leave_out();
        if unknown && !last_rect {
            self.viewer_update.hold(id, shared.most_held());
        } else {
            let count = if self.gathering {
                u16::MAX
            } else {
                rest.saturating_add(added)
            };
            self.viewer_update.start(count, last_rect);
            match in_run.filter(|_| count == announced && added == 0) {
                // It stays where it is: many small updates are to cost no more than one large one.
                Some(place) => viewer.pass(place),
                None => viewer.own().extend_from_slice(&header(id, count)),
            }
        }
        (0..added).for_each(|_| self.viewer_update.count());
        self.viewer_update
            .write(offers.len(), rest, viewer, |output| {
                output.append(&mut offers)
            });
    }

    /// How many rectangles of the host's update begin after the one that is under way; 65,535 where LastRect ends it.
    pub(super) fn rectangles_after_this(&self) -> u16 {
        match &self.current {
            Some(current) if current.announced == u16::MAX => u16::MAX,
            _ => self.update.rectangles_left(),
        }
    }

    /// The same with the one whose header has come.
    pub(super) fn rectangles_from_this(&self) -> u16 {
        self.rectangles_after_this().saturating_add(1)
    }

    /// From here on the viewer expects the format that it asked for last.
    fn change_format(&mut self, shared: &Shared, viewer: &mut impl ToViewer) {
        let changed = match (&self.converter, &shared.host.converter) {
            (_, None) => None,
            (Some(old), Some(new)) if Arc::ptr_eq(old, new) => None,
            (_, Some(new)) => Some(new),
        };
        if let Some(converter) = changed {
            converter.colour_map(viewer.own());
        }
        self.converter = shared.host.converter.clone();
    }

    /// The host's update has ended: so does the viewer's, unless the rest of the picture is still to come.
    pub(super) fn end(&mut self, shared: &mut Shared, viewer: &mut impl ToViewer) {
        if let Some(current) = &self.current {
            shared.host.acks.add(current.id);
        }
        if !self.viewer_update.is_open() {
            self.end_without_rectangle(shared, viewer);
            return;
        }
        let Some(current) = self.current.take() else {
            return;
        };
        let Some(rest) = shared.viewer.asked.around().filter(|_| self.gathering) else {
            return self.close(shared, viewer);
        };
        if !self.viewer_update.count_is_open() {
            return self.abandon(shared, viewer);
        }
        let missing = shared.viewer.asked.pixels();
        match self.missing {
            (before, PATIENCE..) if before == missing => self.abandon(shared, viewer),
            (before, fruitless) => {
                let fruitless = if before == missing { fruitless + 1 } else { 0 };
                self.missing = (missing, fruitless);
                // Where something else than a picture has used the request up, the picture is still pending. So it may be
                // where acknowledgements ask for its next part, and to ask for all of the rest with each would have a
                // host send it again and again; but after a single pixel (Q3) it is not.
                let progress = before.saturating_sub(missing);
                let pending = !current.pictured || shared.host.acks.are_wanted() && progress > 1;
                self.rest_is_asked = !pending;
                shared.host.request(pending, rest);
            }
        }
    }

    /// The host's update has ended, and had nothing for the viewer.
    fn end_without_rectangle(&mut self, shared: &mut Shared, viewer: &mut impl ToViewer) {
        let left_out = self.current.as_ref().is_none_or(|current| current.left_out);
        // VMware's own client falls out of step over an update without rectangles (`docs/webmks.md` 7.2).
        if left_out || shared.viewer.encodings.has(Encoding::VMWARE_SERVER_CAPS) {
            // The viewer still waits for an answer.
            shared.host.request(true, shared.host.everything());
        } else {
            self.open(0, shared, viewer);
            self.close(shared, viewer);
        }
        self.current = None;
    }

    /// The viewer's update ends.
    pub(super) fn close(&mut self, shared: &mut Shared, viewer: &mut impl ToViewer) {
        self.viewer_update.end(viewer);
        // What the viewer has asked for since the first of the host's updates, the later ones have answered for the
        // host: not so for the viewer.
        if let Some(area) = shared.viewer.waits_for.take().filter(|_| self.gathered > 1) {
            shared.host.request(true, area);
        }
    }

    /// The viewer's update ends without the rest of the picture.
    pub(super) fn abandon(&mut self, shared: &mut Shared, viewer: &mut impl ToViewer) {
        shared.viewer.asked.clear();
        self.close(shared, viewer);
    }

    /// See [`crate::Dialogue::waits_for_more`].
    pub(crate) fn waits_for_more(&self) -> Option<u32> {
        let waits = self.viewer_update.is_open()
            && self.update.is_between_messages()
            && self.cut.is_empty();
        waits.then_some(self.waits)
    }

    /// See [`crate::Dialogue::stop_waiting`].
    pub(crate) fn stop_waiting(&mut self, shared: &mut Shared, viewer: &mut impl ToViewer) {
        if self.waits_for_more().is_none() {
            return;
        }
        match shared.viewer.asked.around() {
            Some(rest) if self.gathering && !self.rest_is_asked => {
                self.rest_is_asked = true;
                self.waits = self.waits.wrapping_add(1);
                shared.host.request(false, rest);
            }
            _ => self.abandon(shared, viewer),
        }
    }
}
