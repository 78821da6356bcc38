//! Rectangles: which are relayed, in what form, and what the gateway learns from them.

use rfb_proto::{Area, Encoding, RectangleConverter};

use super::{Body, Host};
use crate::encodings;
use crate::offers::SIZE_LENGTH;
use crate::shared::Shared;
use crate::to_viewer::{Bytes, ToViewer};
use crate::viewer_update::HEAD_LENGTH;

/// The longest content that the gateway reads, in bytes: VMware's LED state.
const LONGEST: usize = 4;

/// The most rectangles of one update that are made longer. A screen does not change its size more often.
const MOST_EXTENDED: u8 = 4;

/// The most bytes per pixel.
const WIDEST_PIXEL: usize = 4;

impl Host {
    pub(super) fn rectangle(
        &mut self,
        area: Area,
        encoding: Encoding,
        bytes: &Bytes<'_>,
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) {
        if encoding.is_vmware() {
            shared.host.is_vmware = true;
        }
        self.state = has_state(encoding).then(|| (encoding, Vec::new()));
        self.body = Body::Pass;
        self.partial.begin(area, encoding);
        let format = match self.viewer_update.is_open() {
            true => &self.converter,
            false => &shared.host.converter,
        };
        // Sent before the host received the encodings for the viewer's new format.
        let too_late = format.is_some() && encodings::has_other_pixels(encoding);
        if !self.viewer_update.may_change_count() {
            self.show(area, encoding, bytes, shared, viewer);
        } else if encoding == Encoding::LAST_RECT {
            // Sent when the viewer's update ends.
        } else if shared.viewer.encodings.is_hidden(encoding) {
            self.drop_current();
        } else if too_late {
            self.drop_current();
            shared.viewer.encodings.set_left_out(encoding);
            shared.host.request(false, area);
        } else {
            self.open(self.rectangles_from_this(), shared, viewer);
            self.show(area, encoding, bytes, shared, viewer);
        }
    }

    const fn drop_current(&mut self) {
        self.body = Body::Drop;
        if let Some(current) = &mut self.current {
            current.left_out = true;
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
        self.viewer_update.begin_rectangle();
        match encoding {
            Encoding::DESKTOP_SIZE => {
                shared.resize(self.update.size());
                shared.viewer.requested.clear();
                if self.extend_size(shared) {
                    self.pass_size(shared, viewer);
                    return;
                }
            }
            Encoding::EXTENDED_DESKTOP_SIZE => {
                shared.host.sets_size = true;
                if shared.host.size != self.update.size() {
                    shared.resize(self.update.size());
                    shared.viewer.requested.clear();
                }
            }
            _ if encoding.is_image() => {
                if let Some(current) = &mut self.current {
                    current.has_image = true;
                }
                shared.viewer.requested.remove(area);
            }
            _ => {}
        }
        if self.converter.is_some() && RectangleConverter::can(encoding) {
            self.body = Body::Convert;
            self.rectangle_converter.begin(encoding, area);
        }
        self.viewer_update
            .pass(bytes, self.rectangles_after_this(), viewer);
    }

    /// Counts a DesktopSize that is sent as ExtendedDesktopSize, which is longer; returns whether it is.
    fn extend_size(&mut self, shared: &Shared) -> bool {
        let Some(current) = &mut self.current else {
            return false;
        };
        let extends = shared.viewer.encodings.has(Encoding::EXTENDED_DESKTOP_SIZE)
            && current.extended < MOST_EXTENDED;
        current.extended += u8::from(extends);
        extends
    }

    fn pass_size(&mut self, shared: &mut Shared, viewer: &mut impl ToViewer) {
        let answer = std::mem::take(&mut shared.viewer.resizing);
        let more = self.rectangles_after_this();
        self.viewer_update
            .write(SIZE_LENGTH, more, viewer, |output| {
                shared.write_size(answer, output);
            });
    }

    pub(super) fn run(
        &mut self,
        last: bool,
        bytes: &Bytes<'_>,
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) {
        self.partial.extend(bytes.get());
        let more = self.rectangles_after_this();
        match (self.body, &self.converter) {
            (Body::Drop, _) => {}
            (Body::Convert, Some(converter)) => {
                let (bytes, rectangle_converter) = (bytes.get(), &mut self.rectangle_converter);
                let most = WIDEST_PIXEL * bytes.len() + WIDEST_PIXEL;
                self.viewer_update.write(most, more, viewer, |output| {
                    rectangle_converter.run(converter, bytes, output);
                });
            }
            _ => self.viewer_update.pass(bytes, more, viewer),
        }
        if let Some((_, content)) = &mut self.state {
            let space = LONGEST.saturating_sub(content.len());
            content.extend(bytes.get().iter().take(space));
        }
        if let (true, Some((encoding, content))) = (last, self.state.take_if(|_| last)) {
            self.read_state(encoding, &content, shared, viewer);
        }
    }

    /// The viewer has the whole rectangle.
    pub(super) fn note_rectangle(&mut self, shared: &mut Shared) {
        let (encoding, area) = (self.partial.encoding(), self.partial.area());
        let first = self.partial.first();
        let last = self.partial.last(4);
        shared.viewer.encodings.note(encoding, first, last);
        if !encoding.is_image() {
            return;
        }
        // The upper left pixel of Raw is at the front.
        self.known_pixel = (encoding == Encoding::RAW).then(|| {
            let mut bytes = first.iter().copied();
            let pixel = std::array::from_fn(|_| bytes.next().unwrap_or_default());
            (area, pixel)
        });
    }

    /// Reads whether the guest's pointer is absolute, and its LED state (`docs/webmks.md` 1.4; rfbproto, "QEMU LED
    /// State Pseudo-encoding").
    fn read_state(
        &mut self,
        encoding: Encoding,
        content: &[u8],
        shared: &mut Shared,
        viewer: &mut impl ToViewer,
    ) {
        const ABSOLUTE: u8 = 1 << 1;
        const CAPS_LOCK: u8 = 1 << 2;
        let Some(&bits) = content.last() else {
            return;
        };
        if encoding != Encoding::VMWARE_CURSOR_STATE {
            shared.viewer.keyboard.set_caps_lock(bits & CAPS_LOCK != 0);
            return;
        }
        shared.host.absolute = Some(bits & ABSOLUTE != 0);
        // In place of the dropped rectangle.
        let has_place = self.body == Body::Drop
            && self.viewer_update.is_open()
            && !self.viewer_update.is_full();
        if has_place && shared.has_pointer().is_some() {
            self.viewer_update.begin_rectangle();
            let more = self.rectangles_after_this();
            self.viewer_update
                .write(HEAD_LENGTH, more, viewer, |output| {
                    shared.write_pointer_motion(output)
                });
        }
    }
}

/// Whether the gateway reads the content of such a rectangle.
const fn has_state(encoding: Encoding) -> bool {
    matches!(
        encoding,
        Encoding::VMWARE_CURSOR_STATE | Encoding::VMWARE_LED_STATE | Encoding::QEMU_LED_STATE
    )
}
