//! Beginning and end of the viewer's updates. Several updates of the host may be merged into one, so that a request is
//! answered with the whole picture (`docs/webmks.md` 2.3, Q3 and Q4).

use std::sync::Arc;

use rfb_proto::Encoding;
use rfb_proto::server_messages::Skipped;

use super::Host;
use crate::offers;
use crate::shared::Shared;
use crate::to_viewer::ToViewer;
use crate::viewer_update::header;

/// The number of further requests for the rest of a picture while none of it arrives.
const MAX_RETRIES: u8 = 4;

impl Host {
    /// The number of bytes at the front of `run` that are whole updates to relay unchanged: they contain only pixels,
    /// and nothing is awaited, converted or added. Most updates are such, and many are small.
    pub(super) fn skip_pictures(&mut self, run: &[u8], shared: &mut Shared) -> usize {
        let as_they_are = !self.viewer_update.is_open()
            && self.converter.is_none()
            && shared.host.converter.is_none()
            && shared.viewer.requested.is_empty()
            && shared.host.keys_known
            && !shared.has_offers();
        if !as_they_are {
            return 0;
        }
        let pictures = self.update.skip_pictures(run, |skipped| match skipped {
            Skipped::Update { id } => {
                shared.update_sent(id);
                true
            }
            Skipped::Rectangle { encoding, content } => {
                let encodings = &mut shared.viewer.encodings;
                encodings.note_skipped(encoding, content)
            }
        });
        if pictures > 0 {
            self.known_pixel = None;
            shared.viewer.incremental_area = None;
            shared.viewer.update_requested = false;
            shared.viewer.awaits_picture = false;
        }
        pictures
    }

    /// Begins an update of the viewer, if none has begun. `rest` rectangles of the host's update are to come, or
    /// `u16::MAX` if that is not known.
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
        shared.write_caps(viewer.own());
        self.merging = !shared.viewer.requested.is_empty();
        self.missing = (shared.viewer.requested.pixels(), 0);
        self.merged = 1;
        shared.viewer.incremental_area = None;
        shared.viewer.update_requested = false;
        let mut offers = Vec::new();
        let has_room = rest == u16::MAX || rest <= u16::MAX - offers::MOST;
        let added = match has_room {
            true => shared.write_offers(&mut offers),
            false => 0,
        };
        let last_rect = shared.viewer.encodings.has(Encoding::LAST_RECT);
        let unknown = self.merging || rest == u16::MAX || rest > 1 && shared.may_leave_out();
        if unknown && !last_rect {
            self.viewer_update.hold(id, shared.most_held());
        } else {
            let count = if self.merging {
                u16::MAX
            } else {
                rest.saturating_add(added)
            };
            self.viewer_update.start(count, last_rect);
            match in_run.filter(|_| count == announced && added == 0) {
                // Relayed without a copy: many small updates then cost little more than a large one.
                Some(place) => viewer.pass(place),
                None => viewer.own().extend_from_slice(&header(id, count)),
            }
        }
        (0..added).for_each(|_| self.viewer_update.begin_rectangle());
        self.viewer_update
            .write(offers.len(), rest, viewer, |output| {
                output.append(&mut offers)
            });
    }

    /// The number of rectangles of the host's update after the current one; 65,535 if LastRect ends it.
    pub(super) fn rectangles_after_this(&self) -> u16 {
        match &self.current {
            Some(current) if current.announced == u16::MAX => u16::MAX,
            _ => self.update.rectangles_left(),
        }
    }

    /// The same, with the current one.
    pub(super) fn rectangles_from_this(&self) -> u16 {
        self.rectangles_after_this().saturating_add(1)
    }

    /// From this update on the viewer expects the format of its last SetPixelFormat.
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

    /// The host's update has ended. The viewer's ends too, unless the rest of the picture is still missing.
    pub(super) fn end(&mut self, shared: &mut Shared, viewer: &mut impl ToViewer) {
        if !self.viewer_update.is_open() {
            self.end_without_rectangle(shared, viewer);
            return;
        }
        let Some(current) = self.current.take() else {
            return;
        };
        shared.update_sent(current.id);
        let Some(rest) = shared
            .viewer
            .requested
            .bounding_box()
            .filter(|_| self.merging)
        else {
            return self.close(shared, viewer);
        };
        if !self.viewer_update.may_change_count() {
            return self.end_early(shared, viewer);
        }
        let missing = shared.viewer.requested.pixels();
        match self.missing {
            (before, MAX_RETRIES..) if before == missing => self.end_early(shared, viewer),
            (before, without_progress) => {
                let without_progress = if before == missing {
                    without_progress + 1
                } else {
                    0
                };
                self.missing = (missing, without_progress);
                // An update without pixels has not answered the request. Where acknowledgements request the next part,
                // a further non-incremental request with each of them would make the host send the rest repeatedly; but
                // after an update of a single pixel (Q3) no next part comes without one.
                let progress = before.saturating_sub(missing);
                let pending = !current.has_image || shared.host.acks.is_wanted() && progress > 1;
                self.rest_requested = !pending;
                shared.host.request(pending, rest);
            }
        }
    }

    /// The host's update has ended without a rectangle for the viewer.
    fn end_without_rectangle(&mut self, shared: &mut Shared, viewer: &mut impl ToViewer) {
        if let Some(current) = &self.current {
            shared.host.acks.add(current.id);
        }
        let left_out = self.current.as_ref().is_none_or(|current| current.left_out);
        // VMware's own client cannot parse an update without rectangles (`docs/webmks.md` 7.2).
        if left_out || shared.viewer.is_vmware() {
            // The viewer's request is still unanswered.
            shared.host.request(true, shared.host.everything());
        } else {
            self.open(0, shared, viewer);
            self.close(shared, viewer);
        }
        self.current = None;
    }

    /// Ends the viewer's update.
    pub(super) fn close(&mut self, shared: &mut Shared, viewer: &mut impl ToViewer) {
        self.viewer_update.end(viewer);
        shared.viewer.awaits_picture = false;
        // The host took a request that came after the first merged update as answered by a later one; the viewer
        // received that one as part of the same update, and still waits.
        if let Some(area) = shared
            .viewer
            .incremental_area
            .take()
            .filter(|_| self.merged > 1)
        {
            shared.host.request(true, area);
        }
    }

    /// Ends the viewer's update without the rest of the picture.
    pub(super) fn end_early(&mut self, shared: &mut Shared, viewer: &mut impl ToViewer) {
        shared.viewer.requested.clear();
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
        match shared.viewer.requested.bounding_box() {
            Some(rest) if self.merging && !self.rest_requested => {
                self.rest_requested = true;
                self.waits = self.waits.wrapping_add(1);
                shared.host.request(false, rest);
            }
            _ => self.end_early(shared, viewer),
        }
    }
}
