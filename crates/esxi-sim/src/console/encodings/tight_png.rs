//! TightPNG: fill, or a PNG file (`docs/webmks.md` 1.4).

use bytes::{BufMut, BytesMut};

use super::head::head;
use super::rectangle::Rectangle;
use super::tight::{FILL, SIDE, put_length};
use crate::console::pixel_format::PixelFormat;
use crate::png_file;

/// Appends the rectangle in tiles, as Tight does; returns how many.
pub(super) fn put(format: PixelFormat, pixels: Rectangle<'_>, out: &mut BytesMut) -> u16 {
    let mut parts = 0;
    for part in pixels.tiles(SIDE, SIDE) {
        let area = part.area();
        head(area, NUMBER, out);
        if let Some(colour) = part.colour() {
            out.put_u8(FILL);
            format.write_tight(&[colour], out);
        } else {
            out.put_u8(PNG);
            let file = png_file::encode((area.width, area.height), part.pixels());
            put_length(file.len(), out);
            out.put_slice(&file);
        }
        parts += 1;
    }
    parts
}

pub(super) const NUMBER: i32 = -260;
const PNG: u8 = 0xa0;
