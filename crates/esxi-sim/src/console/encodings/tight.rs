//! Tight: fill, palette and basic compression (the community's RFB protocol document, Tight encoding); and TightPNG:
//! fill, or a PNG file (`docs/webmks.md` 1.4).

use bytes::{BufMut, BytesMut};

use super::head::head;
use super::palette::Palette;
use super::rectangle::Rectangle;
use super::zlib::Zlib;
use crate::console::pixel_format::PixelFormat;
use crate::png_file;

/// The zlib streams of one client: full colour, two colours, palettes of up to 256.
#[derive(Default)]
pub(super) struct Tight {
    full: Zlib,
    mono: Zlib,
    indexed: Zlib,
}

impl Tight {
    /// Appends the rectangle in tiles; returns how many.
    pub(super) fn put(
        &mut self,
        format: PixelFormat,
        pixels: Rectangle<'_>,
        out: &mut BytesMut,
    ) -> u16 {
        let mut parts = 0;
        for part in pixels.tiles(SIDE, SIDE) {
            head(part.area(), NUMBER, out);
            self.put_part(format, part, out);
            parts += 1;
        }
        parts
    }

    fn put_part(&mut self, format: PixelFormat, part: Rectangle<'_>, out: &mut BytesMut) {
        if let Some(colour) = part.colour() {
            out.put_u8(FILL);
            return format.write_tight(&[colour], out);
        }
        match Palette::of(part.pixels(), MOST_COLOURS) {
            Some(palette) if palette.colours().len() == 2 => {
                put_palette(1, format, &palette, out);
                put_data(&mut self.mono, &palette.pack(part.rows(), 1), out);
            }
            Some(palette) => {
                put_palette(2, format, &palette, out);
                put_data(&mut self.indexed, &palette.pack(part.rows(), 8), out);
            }
            None => {
                // Basic compression, stream 0, copy filter.
                out.put_u8(0);
                let mut plain = BytesMut::new();
                part.rows()
                    .for_each(|row| format.write_tight(row, &mut plain));
                put_data(&mut self.full, &plain, out);
            }
        }
    }
}

fn put_palette(stream: u8, format: PixelFormat, palette: &Palette, out: &mut BytesMut) {
    out.put_u8(FILTER_NAMED | stream << 4);
    out.put_u8(PALETTE_FILTER);
    out.put_u8((palette.colours().len() - 1) as u8);
    format.write_tight(palette.colours(), out);
}

/// Data shorter than 12 bytes is not compressed.
fn put_data(stream: &mut Zlib, plain: &[u8], out: &mut BytesMut) {
    if plain.len() < 12 {
        return out.put_slice(plain);
    }
    let compressed = stream.compress(plain);
    put_length(compressed.len(), out);
    out.put_slice(&compressed);
}

/// The "compact representation": 7, 7 and 8 bits, lowest first; the top bit says that another byte follows.
fn put_length(length: usize, out: &mut BytesMut) {
    let bits = |shift: u32| (length >> shift & 0x7f) as u8;
    match length {
        ..0x80 => out.put_u8(bits(0)),
        0x80..0x4000 => out.put_slice(&[bits(0) | 0x80, bits(7)]),
        _ => out.put_slice(&[bits(0) | 0x80, bits(7) | 0x80, (length >> 14) as u8]),
    }
}

/// Appends the rectangle in TightPNG, in tiles as Tight does; returns how many.
pub(super) fn put_png(format: PixelFormat, pixels: Rectangle<'_>, out: &mut BytesMut) -> u16 {
    let mut parts = 0;
    for part in pixels.tiles(SIDE, SIDE) {
        let area = part.area();
        head(area, PNG_NUMBER, out);
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

pub(super) const NUMBER: i32 = 7;
pub(super) const PNG_NUMBER: i32 = -260;
const FILL: u8 = 0x80;
const PNG: u8 = 0xa0;
const FILTER_NAMED: u8 = 0x40;
const PALETTE_FILTER: u8 = 1;
const MOST_COLOURS: usize = 256;
/// Well below Tight's maximum width of 2048, so that areas of one colour are found; and no tile's length exceeds the
/// compact representation.
const SIDE: u16 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_one_two_or_three_bytes() {
        let written = |length| {
            let mut out = BytesMut::new();
            put_length(length, &mut out);
            out.to_vec()
        };
        assert_eq!(written(127), [0x7f]);
        assert_eq!(written(10_000), [0x90, 0x4e]);
        assert_eq!(written(0x3f_ffff), [0xff, 0xff, 0xff]);
    }
}
