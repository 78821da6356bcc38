//! RRE (RFC 6143 section 7.7.3).

use bytes::{BufMut, BytesMut};

use super::head::head;
use super::rectangle::Rectangle;
use crate::console::pixel_format::PixelFormat;

/// Appends the rectangle; nothing, and returns false, where it would be longer than in Raw.
pub(super) fn put(format: PixelFormat, pixels: Rectangle<'_>, out: &mut BytesMut) -> bool {
    let background = pixels.pixels().next().unwrap_or_default();
    let subrectangles = pixels.subrectangles(background);
    let size = format.bytes_per_pixel();
    if 4 + size + subrectangles.len() * (size + 8) > pixels.len() * size {
        return false;
    }
    head(pixels.area(), NUMBER, out);
    out.put_u32(u32::try_from(subrectangles.len()).unwrap_or(u32::MAX));
    format.write_pixels(&[background], out);
    for (colour, area) in subrectangles {
        format.write_pixels(&[colour], out);
        for number in [area.x, area.y, area.width, area.height] {
            out.put_u16(number);
        }
    }
    true
}

pub(super) const NUMBER: i32 = 2;
