//! Hextile and ZlibHex, tile by tile (RFC 6143 section 7.7.4; rfbproto, "zlibhex Encoding").

use super::ScanError;
use super::step::{Read, Step};
use crate::{Area, Encoding};

pub(crate) const RAW: u8 = 1;
pub(crate) const BACKGROUND: u8 = 2;
pub(crate) const FOREGROUND: u8 = 4;
pub(crate) const SUBRECTS: u8 = 8;
pub(crate) const COLOURED: u8 = 16;
const ZLIB_RAW: u8 = 32;
const ZLIB: u8 = 64;

/// The tiles of a rectangle that are to come, at least one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hextile {
    tiles: Tiles,
    pub(super) pixel: u64,
    zlib: bool,
}

/// The position in a rectangle of tiles of 16 × 16 pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tiles {
    width: u16,
    height: u16,
    x: u16,
    y: u16,
}

impl Hextile {
    pub(super) fn begin(area: Area, pixel: u64, zlib: bool) -> Step<Self> {
        Tiles::of(area).map_or(Step::END, |tiles| Step::next(Self { tiles, pixel, zlib }))
    }

    /// Reads the head of a tile: the subencoding mask and, if it announces them, colours and the number of
    /// subrectangles.
    #[inline]
    pub(super) fn read(self, input: &[u8]) -> Read<Self> {
        let Some(&mask) = input.first() else {
            return Ok(None);
        };
        if self.zlib && mask & (ZLIB_RAW | ZLIB) != 0 {
            let length = input.first_chunk().map(|&[_, a, b]| [a, b]);
            return Ok(length.map(|n| (3, self.after(u16::from_be_bytes(n).into()))));
        }
        if mask >= ZLIB_RAW {
            let encoding = if self.zlib {
                Encoding::ZLIB_HEX
            } else {
                Encoding::HEXTILE
            };
            return Err(ScanError::Rectangle(encoding));
        }
        if mask & RAW != 0 {
            let (width, height) = self.tiles.size();
            return Ok(Some((1, self.after(width * height * self.pixel))));
        }
        let colours = u64::from((mask & (BACKGROUND | FOREGROUND)).count_ones()) * self.pixel;
        if mask & SUBRECTS == 0 {
            return Ok(Some((1, self.after(colours))));
        }
        let at = 1 + usize::try_from(colours).unwrap_or(usize::MAX);
        let Some(&count) = input.get(at) else {
            return Ok(None);
        };
        let colour = if mask & COLOURED != 0 { self.pixel } else { 0 };
        Ok(Some((at + 1, self.after(u64::from(count) * (2 + colour)))))
    }

    /// Skips the rest of this tile; the next follows.
    fn after(self, skip: u64) -> Step<Self> {
        let next = self.tiles.next().map(|tiles| Self { tiles, ..self });
        Step { skip, next }
    }
}

impl Tiles {
    /// The first tile; `None` in an empty rectangle.
    pub(crate) fn of(area: Area) -> Option<Self> {
        (area.pixels() > 0).then_some(Self {
            width: area.width,
            height: area.height,
            x: 0,
            y: 0,
        })
    }

    /// The width and height of the tile: less than 16 at the right and lower edge.
    pub(crate) fn size(&self) -> (u64, u64) {
        let side = |whole: u16, at: u16| u64::from((whole - at).min(16));
        (side(self.width, self.x), side(self.height, self.y))
    }

    /// The next tile to the right, or the first of the row below.
    pub(crate) fn next(self) -> Option<Self> {
        let step = |at: u16, whole: u16| at.checked_add(16).filter(|&next| next < whole);
        if let Some(x) = step(self.x, self.width) {
            return Some(Self { x, ..self });
        }
        step(self.y, self.height).map(|y| Self { x: 0, y, ..self })
    }
}
