//! ZRLE: tiles of 64 × 64 in a zlib stream (RFC 6143 section 7.7.6).

use bytes::{BufMut, BytesMut};

use super::head::head;
use super::palette::Palette;
use super::rectangle::Rectangle;
use super::zlib::Zlib;
use crate::console::pixel_format::PixelFormat;

/// The zlib stream of one client.
#[derive(Default)]
pub(super) struct Zrle(Zlib);

impl Zrle {
    /// Appends the rectangle.
    pub(super) fn put(&mut self, format: PixelFormat, pixels: Rectangle<'_>, out: &mut BytesMut) {
        let mut plain = BytesMut::new();
        for tile in pixels.tiles(TILE, TILE) {
            put_tile(format, tile, &mut plain);
        }
        let compressed = self.0.compress(&plain);
        head(pixels.area(), NUMBER, out);
        out.put_u32(u32::try_from(compressed.len()).unwrap_or(u32::MAX));
        out.put_slice(&compressed);
    }
}

fn put_tile(format: PixelFormat, tile: Rectangle<'_>, out: &mut BytesMut) {
    if let Some(colour) = tile.colour() {
        out.put_u8(SOLID);
        return format.write_compact(&[colour], out);
    }
    let runs = runs(tile);
    let is_in_runs = runs.len() * 3 < tile.len();
    match Palette::of(tile.pixels(), MOST_IN_RUNS) {
        Some(palette) if palette.colours().len() <= MOST_PACKED => {
            put_packed(format, tile, &palette, out)
        }
        Some(palette) if is_in_runs => put_palette_runs(format, &runs, &palette, out),
        _ if is_in_runs => put_runs(format, &runs, out),
        _ => {
            out.put_u8(RAW);
            tile.rows().for_each(|row| format.write_compact(row, out));
        }
    }
}

/// Packed palette: "the number of bits per pixel is 1, 2 or 4".
fn put_packed(format: PixelFormat, tile: Rectangle<'_>, palette: &Palette, out: &mut BytesMut) {
    let colours = palette.colours();
    let bits = match colours.len() {
        ..=2 => 1,
        3..=4 => 2,
        _ => 4,
    };
    out.put_u8(colours.len() as u8);
    format.write_compact(colours, out);
    out.put_slice(&palette.pack(tile.rows(), bits));
}

/// Palette RLE: a run of one is its index; a longer run sets the top bit and appends its length.
fn put_palette_runs(
    format: PixelFormat,
    runs: &[(u32, usize)],
    palette: &Palette,
    out: &mut BytesMut,
) {
    out.put_u8(RUNS + palette.colours().len() as u8);
    format.write_compact(palette.colours(), out);
    for &(colour, length) in runs {
        let number = palette.number(colour);
        if length == 1 {
            out.put_u8(number);
        } else {
            out.put_u8(number | 0x80);
            put_length(length, out);
        }
    }
}

/// Plain RLE.
fn put_runs(format: PixelFormat, runs: &[(u32, usize)], out: &mut BytesMut) {
    out.put_u8(RUNS);
    for &(colour, length) in runs {
        format.write_compact(&[colour], out);
        put_length(length, out);
    }
}

/// A run length: "one more than the sum of all the bytes", of which the last is not 255.
fn put_length(length: usize, out: &mut BytesMut) {
    let rest = length - 1;
    out.put_bytes(255, rest / 255);
    out.put_u8((rest % 255) as u8);
}

/// Runs of equal pixels, across row ends.
fn runs(tile: Rectangle<'_>) -> Vec<(u32, usize)> {
    let mut runs: Vec<(u32, usize)> = Vec::new();
    for pixel in tile.pixels() {
        match runs.last_mut() {
            Some((colour, length)) if *colour == pixel => *length += 1,
            _ => runs.push((pixel, 1)),
        }
    }
    runs
}

pub(super) const NUMBER: i32 = 16;
const TILE: u16 = 64;
const RAW: u8 = 0;
const SOLID: u8 = 1;
const MOST_PACKED: usize = 16;
const RUNS: u8 = 128;
const MOST_IN_RUNS: usize = 127;
