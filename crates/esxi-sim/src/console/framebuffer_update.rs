//! Builds a FramebufferUpdate (RFC 6143 section 7.6.1).

use bytes::{BufMut, BytesMut};

use super::encodings::copy_rect;
use super::encodings::encoder::{Encoder, Encoding};
use super::encodings::rectangle::Rectangle;
use super::pixel_format::PixelFormat;
use crate::desktop::framebuffer::Part;

/// The rectangles of an update.
#[derive(Default)]
pub(super) struct FramebufferUpdate {
    rectangles: u16,
    body: BytesMut,
}

impl FramebufferUpdate {
    pub(super) fn is_empty(&self) -> bool {
        self.rectangles == 0
    }

    /// Adds a rectangle, which `write` appends.
    pub(super) fn push(&mut self, write: impl FnOnce(&mut BytesMut)) {
        write(&mut self.body);
        self.rectangles += 1;
    }

    /// Adds a part of the framebuffer in `encoding`.
    pub(super) fn push_part(
        &mut self,
        encoder: &mut Encoder,
        encoding: Encoding,
        format: PixelFormat,
        part: Part<'_>,
    ) {
        match part {
            Part::Copy { from, to } => self.push(|body| copy_rect::put(from, to, body)),
            Part::Pixels(area, rows) => {
                let pixels = Rectangle::new(area, rows);
                self.rectangles += encoder.put(encoding, format, pixels, &mut self.body);
            }
        }
    }

    /// The message. VMware sends the update's `id` in the padding byte (`docs/webmks.md` 1.4).
    pub(super) fn into_message(self, id: u8) -> BytesMut {
        let mut message = BytesMut::with_capacity(4 + self.body.len());
        message.put_slice(&[0, id]);
        message.put_u16(self.rectangles);
        message.unsplit(self.body);
        message
    }
}
