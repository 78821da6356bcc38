//! Rectangles: which go to the viewer, in what form, and what they tell the gateway.

use rfb_proto::{Area, Encoding, Recolour};

use super::{Body, Host};
use crate::encodings;
use crate::offers::SIZE_LENGTH;
use crate::shared::Shared;
use crate::to_viewer::{Bytes, ToViewer};
use crate::viewer_update::HEAD_LENGTH;

/// The longest content that the gateway reads: that of VMware's LED state.
const LONGEST: usize = 4;

/// How many rectangles of one update may become longer on the way. A screen does not change its size more often.
const MOST_LENGTHENED: u8 = 4;

/// The most bytes that a pixel takes.
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
        // The host sent it before it received the list of encodings for the viewer's new format.
        let too_late = format.is_some() && encodings::has_other_pixels(encoding);
        if !self.viewer_update.count_is_open() {
            self.show(area, encoding, bytes, shared, viewer);
        } else if encoding == Encoding::LAST_RECT {
            // The viewer's comes when its own update ends.
        } else if shared.viewer.encodings.is_hidden(encoding) {
            self.leave_out();
        } else if too_late {
            self.leave_out();
            shared.viewer.encodings.was_left_out(encoding);
            shared.host.request(false, area);
        } else {
            self.open(self.rectangles_from_this(), shared, viewer);
            self.show(area, encoding, bytes, shared, viewer);
        }
    }

    const fn leave_out(&mut self) {
        self.body = Body::LeaveOut;
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
        self.viewer_update.count();
        match encoding {
            Encoding::DESKTOP_SIZE => {
                shared.resize(self.update.size());
                shared.viewer.asked.clear();
                if self.extends_size(shared) {
                    self.pass_size(shared, viewer);
                    return;
                }
            }
            Encoding::EXTENDED_DESKTOP_SIZE => {
                shared.host.sets_size = true;
                if shared.host.size != self.update.size() {
                    shared.resize(self.update.size());
                    shared.viewer.asked.clear();
                }
            }
            _ if encoding.is_image() => {
                if let Some(current) = &mut self.current {
                    current.pictured = true;
                }
                shared.viewer.asked.take(area);
            }
            _ => {}
        }
        if self.converter.is_some() && Recolour::can(encoding) {
            self.body = Body::Recolour;
            self.recolour.begin(encoding, area);
        }
        self.viewer_update
            .pass(bytes, self.rectangles_after_this(), viewer);
    }

    /// Whether a DesktopSize is to become an ExtendedDesktopSize, which is longer.
    fn extends_size(&mut self, shared: &Shared) -> bool {
        let Some(current) = &mut self.current else {
            return false;
        };
        let extends = shared.viewer.encodings.has(Encoding::EXTENDED_DESKTOP_SIZE)
            && current.lengthened < MOST_LENGTHENED;
        current.lengthened += u8::from(extends);
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
            (Body::LeaveOut, _) => {}
            (Body::Recolour, Some(converter)) => {
                let (bytes, recolour) = (bytes.get(), &mut self.recolour);
                let most = WIDEST_PIXEL * bytes.len() + WIDEST_PIXEL;
                self.viewer_update.write(most, more, viewer, |output| {
                    recolour.run(converter, bytes, output);
                });
            }
            _ => self.viewer_update.pass(bytes, more, viewer),
        }
        if let Some((_, content)) = &mut self.state {
            let room = LONGEST.saturating_sub(content.len());
            content.extend(bytes.get().iter().take(room));
        }
        if let (true, Some((encoding, content))) = (last, self.state.take_if(|_| last)) {
            self.read_state(encoding, &content, shared, viewer);
        }
    }

    /// The kind of pointer that the guest has, and the lights of its keyboard (`docs/webmks.md` 1.4; rfbproto,
    /// "QEMU LED State Pseudo-encoding").
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
            shared.viewer.keyboard.caps_lock(bits & CAPS_LOCK != 0);
            return;
        }
        shared.host.absolute = Some(bits & ABSOLUTE != 0);
        // In the place of the one that is left out.
        let has_place = self.body == Body::LeaveOut
            && self.viewer_update.is_open()
            && !self.viewer_update.is_full();
        if has_place && shared.has_pointer().is_some() {
            self.viewer_update.count();
            let more = self.rectangles_after_this();
            self.viewer_update
                .write(HEAD_LENGTH, more, viewer, |output| {
                    shared.tell_pointer(output)
                });
        }
    }
}

/// Whether the gateway reads what such a rectangle holds.
const fn has_state(encoding: Encoding) -> bool {
    matches!(
        encoding,
        Encoding::VMWARE_CURSOR_STATE | Encoding::VMWARE_LED_STATE | Encoding::QEMU_LED_STATE
    )
}
