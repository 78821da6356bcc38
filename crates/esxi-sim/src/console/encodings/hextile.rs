//! Hextile: tiles of 16 × 16 (RFC 6143 section 7.7.4).

use bytes::{BufMut, BytesMut};

use super::head::head;
use super::palette::Palette;
use super::rectangle::Rectangle;
use crate::console::pixel_format::PixelFormat;
use crate::desktop::area::Area;

/// Appends the rectangle.
pub(super) fn put(format: PixelFormat, pixels: Rectangle<'_>, out: &mut BytesMut) {
    head(pixels.area(), NUMBER, out);
    let mut carried = Carried::default();
    for tile in pixels.tiles(TILE, TILE) {
        put_tile(format, tile, &mut carried, out);
    }
}

/// The colours that a tile inherits from the one before it; a raw tile leaves none.
#[derive(Default)]
struct Carried {
    background: Option<u32>,
    foreground: Option<u32>,
}

fn put_tile(format: PixelFormat, tile: Rectangle<'_>, carried: &mut Carried, out: &mut BytesMut) {
    let background = tile.pixels().next().unwrap_or_default();
    let subrectangles = tile.subrectangles(background);
    let one_colour = Palette::of(subrectangles.iter().map(|(colour, _)| *colour), 1);
    let is_coloured = one_colour.is_none();
    let of_each = 2 + if is_coloured {
        format.bytes_per_pixel()
    } else {
        0
    };
    let is_short = subrectangles.len() * of_each < tile.len() * format.bytes_per_pixel();
    if subrectangles.len() > 255 || !is_short {
        out.put_u8(RAW);
        tile.rows().for_each(|row| format.write_pixels(row, out));
        *carried = Carried::default();
        return;
    }
    let foreground = one_colour.and_then(|palette| palette.colours().first().copied());
    put_colours(
        format,
        background,
        foreground,
        carried,
        !subrectangles.is_empty(),
        out,
    );
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

/// Appends the subencoding byte of a tile that is not raw, and the colours that it does not inherit.
fn put_colours(
    format: PixelFormat,
    background: u32,
    foreground: Option<u32>,
    carried: &mut Carried,
    has_subrectangles: bool,
    out: &mut BytesMut,
) {
    let names_background = carried.background != Some(background);
    let new_foreground = foreground.filter(|foreground| carried.foreground != Some(*foreground));
    let is_coloured = has_subrectangles && foreground.is_none();
    out.put_u8(
        flag(names_background, BACKGROUND)
            | flag(new_foreground.is_some(), FOREGROUND)
            | flag(has_subrectangles, ANY)
            | flag(is_coloured, COLOURED),
    );
    if names_background {
        format.write_pixels(&[background], out);
    }
    if let Some(foreground) = new_foreground {
        format.write_pixels(&[foreground], out);
    }
    carried.background = Some(background);
    carried.foreground = match is_coloured {
        // Subrectangles with colours of their own leave no foreground.
        true => None,
        false => foreground.or(carried.foreground),
    };
}

/// Position and size minus one, four bits each.
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
