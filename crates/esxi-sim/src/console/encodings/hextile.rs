//! Hextile: tiles of 16 × 16 with a background and rectangles on it (RFC 6143 section 7.7.4).

use bytes::{BufMut, BytesMut};

use super::palette::Palette;
use super::{Rectangle, head};
use crate::console::pixel::PixelFormat;
use crate::desktop::Area;

/// Appends the rectangle.
pub(super) fn put(format: PixelFormat, pixels: Rectangle<'_>, out: &mut BytesMut) {
    head(pixels.area(), NUMBER, out);
    let mut carried = Carried::default();
    for tile in pixels.tiles(TILE, TILE) {
        put_tile(format, tile, &mut carried, out);
    }
}

/// The colours that a tile takes from the one before it unless it names its own.
#[derive(Default)]
struct Carried {
    background: Option<u32>,
    foreground: Option<u32>,
}

fn put_tile(format: PixelFormat, tile: Rectangle<'_>, carried: &mut Carried, out: &mut BytesMut) {
    let background = tile.pixels().next().unwrap_or_default();
    let subrectangles = tile.subrectangles(background);
    let one_colour = Palette::of(subrectangles.iter().map(|(colour, _)| *colour), 1);
    let of_colour = if one_colour.is_some() {
        0
    } else {
        format.bytes_per_pixel()
    };
    let is_short = subrectangles.len() * (2 + of_colour) < tile.len() * format.bytes_per_pixel();
    if subrectangles.len() > 255 || !is_short {
        out.put_u8(RAW);
        tile.rows().for_each(|row| format.write_pixels(row, out));
        // "If the raw bit is set … subsequent tiles" have to name their background and foreground.
        *carried = Carried::default();
        return;
    }
    let foreground = one_colour.and_then(|palette| palette.colours().first().copied());
    let is_new = |colour: Option<u32>, carried: Option<u32>| colour.is_some() && colour != carried;
    let names_background = is_new(Some(background), carried.background);
    let names_foreground = is_new(foreground, carried.foreground);
    let is_coloured = foreground.is_none() && !subrectangles.is_empty();
    out.put_u8(
        flag(names_background, BACKGROUND)
            | flag(names_foreground, FOREGROUND)
            | flag(!subrectangles.is_empty(), ANY)
            | flag(is_coloured, COLOURED),
    );
    if names_background {
        format.write_pixels(&[background], out);
    }
    carried.background = Some(background);
    if let Some(foreground) = foreground.filter(|_| names_foreground) {
        format.write_pixels(&[foreground], out);
        carried.foreground = Some(foreground);
    }
    if is_coloured {
        // A foreground is not carried past a tile with subrectangles of several colours.
        carried.foreground = None;
    }
    if let Ok(count @ 1..) = u8::try_from(subrectangles.len()) {
        out.put_u8(count);
    }
    for (colour, area) in subrectangles {
        if is_coloured {
            format.write_pixels(&[colour], out);
        }
        put_place(area, out);
    }
}

/// "x and y in one byte, width and height less one in another, four bits each".
fn put_place(area: Area, out: &mut BytesMut) {
    let pair = |high: u16, low: u16| (high << 4 | low) as u8;
    out.put_u8(pair(area.x, area.y));
    out.put_u8(pair(area.width - 1, area.height - 1));
}

fn flag(is_set: bool, bit: u8) -> u8 {
    if is_set { bit } else { 0 }
}

pub(super) const NUMBER: i32 = 5;
const TILE: u16 = 16;
const RAW: u8 = 1;
const BACKGROUND: u8 = 2;
const FOREGROUND: u8 = 4;
const ANY: u8 = 8;
const COLOURED: u8 = 16;
