//! Raw (RFC 6143 section 7.7.1).

use bytes::BytesMut;

use super::head::head;
use super::rectangle::Rectangle;
use crate::console::pixel_format::PixelFormat;

/// Appends the rectangle.
pub(super) fn put(format: PixelFormat, pixels: Rectangle<'_>, out: &mut BytesMut) {
    out.reserve(12 + pixels.len() * format.bytes_per_pixel());
    head(pixels.area(), NUMBER, out);
    pixels.rows().for_each(|row| format.write_pixels(row, out));
}

pub(super) const NUMBER: i32 = 0;
