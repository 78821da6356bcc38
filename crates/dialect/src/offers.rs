//! Announcements of extensions to the viewer, each a pseudo-rectangle without other content (rfbproto).

use bytes::BufMut;
use rfb_proto::vmware::ServerCaps;
use rfb_proto::{Area, Encoding};

use super::shared::Shared;
use super::viewer_update::{HEAD_LENGTH, write_head};

/// The length of an ExtendedDesktopSize rectangle with one screen, in bytes.
pub(super) const SIZE_LENGTH: usize = HEAD_LENGTH + 20;

/// The most rectangles that are added to an update.
pub(super) const MOST: u16 = 5;

impl Shared {
    /// Whether there is an extension that the viewer supports, that the gateway can translate for the host, and that
    /// has not been announced.
    pub(super) fn has_offers(&self) -> bool {
        self.has_new_size()
            || self.has_keys()
            || self.has_buttons()
            || self.has_sizes()
            || self.has_pointer().is_some()
            || self.caps_for_viewer().is_some()
    }

    /// Appends a rectangle for each such extension and returns their number: at most [`MOST`].
    pub(super) fn write_offers(&mut self, viewer: &mut Vec<u8>) -> u16 {
        let due = [
            self.write_new_size(viewer),
            self.offer_keys(viewer),
            self.offer_buttons(viewer),
            self.offer_sizes(viewer),
            self.write_pointer_motion(viewer),
        ];
        due.into_iter().map(u16::from).sum()
    }

    /// Whether a new host has another size than the viewer has been sent.
    fn has_new_size(&self) -> bool {
        self.host.size != self.viewer.size && self.viewer.takes_sizes()
    }

    fn write_new_size(&mut self, viewer: &mut Vec<u8>) -> bool {
        let due = self.has_new_size();
        if due {
            self.viewer.size = self.host.size;
            match self.viewer.encodings.has(Encoding::EXTENDED_DESKTOP_SIZE) {
                true => self.write_size(false, viewer),
                false => write_head(self.host.everything(), Encoding::DESKTOP_SIZE, viewer),
            }
        }
        due
    }

    fn has_keys(&self) -> bool {
        !self.viewer.offers.keys
            && self.takes_vmware()
            && self.viewer.input_settings.scancodes
            && self.viewer.encodings.has(Encoding::QEMU_EXTENDED_KEY)
    }

    fn offer_keys(&mut self, viewer: &mut Vec<u8>) -> bool {
        let due = self.has_keys();
        if due {
            self.viewer.offers.keys = true;
            write_head(Area::default(), Encoding::QEMU_EXTENDED_KEY, viewer);
        }
        due
    }

    fn has_buttons(&self) -> bool {
        !self.viewer.offers.buttons
            && self.takes_vmware()
            && self.viewer.encodings.has(Encoding::EXTENDED_MOUSE_BUTTONS)
    }

    fn offer_buttons(&mut self, viewer: &mut Vec<u8>) -> bool {
        let due = self.has_buttons();
        if due {
            self.viewer.offers.buttons = true;
            write_head(Area::default(), Encoding::EXTENDED_MOUSE_BUTTONS, viewer);
        }
        due
    }

    fn has_sizes(&self) -> bool {
        !self.viewer.offers.sizes
            && !self.host.sets_size
            && !self.viewer.view_only
            && self.host.caps.has(ServerCaps::RESOLUTION)
            && self.viewer.encodings.has(Encoding::EXTENDED_DESKTOP_SIZE)
    }

    fn offer_sizes(&mut self, viewer: &mut Vec<u8>) -> bool {
        let due = self.has_sizes();
        if due {
            self.viewer.offers.sizes = true;
            self.write_size(false, viewer);
        }
        due
    }

    /// Whether the guest's pointer is absolute, if the viewer has to be sent that and the gateway can translate it.
    pub(super) fn has_pointer(&self) -> Option<bool> {
        let absolute = self.host.absolute.filter(|_| self.takes_vmware())?;
        // Absolute until announced otherwise.
        let known = self.viewer.offers.absolute.unwrap_or(true);
        let due = known != absolute && self.viewer.encodings.has(Encoding::QEMU_POINTER_MOTION);
        due.then_some(absolute)
    }

    /// Appends that, if the viewer has to be sent it; returns whether it was appended.
    pub(super) fn write_pointer_motion(&mut self, viewer: &mut Vec<u8>) -> bool {
        let Some(absolute) = self.has_pointer() else {
            return false;
        };
        self.viewer.offers.absolute = Some(absolute);
        self.viewer.mouse.set_relative(!absolute);
        let x = u16::from(absolute);
        let area = Area {
            x,
            ..self.host.everything()
        };
        write_head(area, Encoding::QEMU_POINTER_MOTION, viewer);
        true
    }

    /// Appends the size, with one screen; `answer` if it answers a SetDesktopSize of the viewer (rfbproto,
    /// "ExtendedDesktopSize Pseudo-encoding").
    pub(super) fn write_size(&self, answer: bool, viewer: &mut Vec<u8>) {
        let everything = self.host.everything();
        let area = Area {
            x: u16::from(answer),
            ..everything
        };
        write_head(area, Encoding::EXTENDED_DESKTOP_SIZE, viewer);
        viewer.put_slice(&[1, 0, 0, 0]);
        // One screen, number 0, without flags.
        viewer.put_u32(0);
        for side in [0, 0, everything.width, everything.height] {
            viewer.put_u16(side);
        }
        viewer.put_u32(0);
    }
}
