//! Where the viewer's updates begin and end, of which one may be several of the host's: one request, one whole
//! picture (`docs/webmks.md` 2.3, Q3 and Q4).

use std::sync::Arc;

use rfb_proto::Encoding;

use super::{Host, ToViewer};
use crate::repair::outline::Begun;
use crate::repair::shared::Shared;

/// How often the rest of a picture is asked for when nothing more of it comes.
const PATIENCE: u8 = 4;

impl Host {
    /// How much of the front of `run` is updates that go on as they are: of nothing but pictures, where nothing is
    /// waited for, converted or added. Those are most, and may be small.
    pub(super) fn skip_pictures(&mut self, run: &[u8], shared: &mut Shared) -> usize {
        let as_they_are = !self.outline.is_open()
            && self.converter.is_none()
            && shared.converter.is_none()
            && shared.asked.is_empty()
            && shared.knows_keys
            && !shared.has_offers();
        if !as_they_are {
            return 0;
        }
        let pictures = self.update.skip_pictures(run);
        if pictures > 0 {
            shared.waits_for = None;
        }
        pictures
    }

    /// The viewer's update begins, if it has not yet.
    pub(super) fn open(&mut self, shared: &mut Shared, viewer: &mut impl ToViewer) {
        let Some(unsaid) = self.unsaid.take() else {
            return;
        };
        if self.outline.is_open() {
            return;
        }
        self.change_format(shared, viewer);
        self.gathering = !shared.asked.is_empty();
        self.missing = (shared.asked.pixels(), 0);
        self.gathered = 1;
        shared.waits_for = None;
        let mut offers = Vec::new();
        let added = shared.write_offers(&mut offers);
        let rectangles = match unsaid.rectangles {
            u16::MAX => u16::MAX,
            rectangles => rectangles - unsaid.left_out,
        };
        let head = self.outline.begin(Begun {
            id: unsaid.id,
            rectangles,
            added,
            open: self.gathering,
            last_rect: shared.encodings.has(Encoding::LAST_RECT),
        });
        let is_the_hosts = rectangles == unsaid.rectangles && added == 0 && !self.gathering;
        match unsaid.there.filter(|_| is_the_hosts) {
            // It stays where it is: many small updates are to cost no more than one large one.
            Some(place) => viewer.pass(place),
            None => viewer.own().extend_from_slice(&head),
        }
        (0..added).for_each(|_| self.outline.count());
        viewer.own().extend_from_slice(&offers);
    }

    /// From here on the viewer expects the format that it asked for last.
    fn change_format(&mut self, shared: &Shared, viewer: &mut impl ToViewer) {
        let changed = match (&self.converter, &shared.converter) {
            (_, None) => None,
            (Some(old), Some(new)) if Arc::ptr_eq(old, new) => None,
            (_, Some(new)) => Some(new),
        };
        if let Some(converter) = changed {
            converter.colour_map(viewer.own());
        }
        self.converter = shared.converter.clone();
    }

    /// The host's update has ended: so does the viewer's, unless the rest of the picture is still to come.
    pub(super) fn end(&mut self, shared: &mut Shared, viewer: &mut impl ToViewer) {
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
    pub(super) fn close(&mut self, shared: &mut Shared, viewer: &mut impl ToViewer) {
        self.outline.end(viewer.own());
        // What the viewer has asked for since the first of the host's updates, the later ones have answered for the
        // host: not so for the viewer.
        if let Some(area) = shared.waits_for.take().filter(|_| self.gathered > 1) {
            shared.owe_request(true, area);
        }
    }

    /// The viewer's update ends without the rest of the picture.
    pub(super) fn abandon(&mut self, shared: &mut Shared, viewer: &mut impl ToViewer) {
        shared.asked.clear();
        self.close(shared, viewer);
    }

    /// See [`crate::repair::Repair::waits_for_more`].
    pub(in crate::repair) fn waits_for_more(&self) -> Option<u32> {
        let waits =
            self.outline.is_open() && self.update.is_between_messages() && self.cut.is_empty();
        waits.then_some(self.updates)
    }

    /// See [`crate::repair::Repair::give_up_waiting`].
    pub(in crate::repair) fn give_up_waiting(
        &mut self,
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) {
        if self.waits_for_more().is_some() {
            self.abandon(shared, viewer);
        }
    }
}
