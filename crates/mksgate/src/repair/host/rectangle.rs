//! Rectangles: which go to the viewer, in what form, and what they tell the gateway.

use rfb_proto::{Area, Encoding, Recolour};

use super::piece::Bytes;
use super::{Body, Host, ToViewer};
use crate::repair::encodings;
use crate::repair::shared::Shared;

/// The longest of what the gateway listens to: VMware's lights of a keyboard.
const LONGEST: usize = 4;

impl Host {
    pub(super) fn rectangle(
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

    pub(super) fn leave_out(&mut self) {
        self.body = Body::LeaveOut;
        if let Some(unsaid) = &mut self.unsaid {
            unsaid.left_out += 1;
        }
    }

    pub(super) fn show(
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

    pub(super) fn run(
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
    pub(super) fn listen(
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
}

/// Whether a rectangle says something that the gateway has to know.
const fn listens(encoding: Encoding) -> bool {
    matches!(
        encoding,
        Encoding::VMWARE_CURSOR_STATE | Encoding::VMWARE_LED_STATE | Encoding::QEMU_LED_STATE
    )
}
