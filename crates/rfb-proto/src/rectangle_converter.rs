//! Conversion of rectangles to another pixel format while they arrive (RFC 6143 section 7.7; rfbproto for CoRRE and the
//! mask of a cursor).

use bytes::BufMut;

use crate::server_messages::hextile::{self, Tiles};
use crate::{Area, Converter, Encoding};

/// Converts the content of one rectangle after the other to another pixel format. It keeps at most four bytes of its
/// input.
#[derive(Debug, Clone, Default)]
pub struct RectangleConverter {
    /// The number of pixels that come next.
    pixels: u64,
    /// The number of bytes after those that are not pixels.
    copy: u64,
    then: Then,
    /// The first bytes of a number or pixel that is incomplete.
    kept: [u8; 4],
    kept_length: usize,
}

/// What comes after the bytes whose number is known.
#[derive(Debug, Clone, Copy, Default)]
enum Then {
    #[default]
    End,
    /// The number of subrectangles, as u32, and the background; each subrectangle has a colour and `position` bytes.
    SubrectCount { position: u64 },
    /// `left` subrectangles, each a colour and `position` bytes; then the tiles, if any.
    Subrect {
        left: u64,
        position: u64,
        tiles: Option<Tiles>,
    },
    /// A tile of Hextile: its subencoding mask.
    Tile(Tiles),
    /// The number of subrectangles of a tile, as u8, and whether each has a colour.
    TileSubrectCount {
        coloured: bool,
        tiles: Option<Tiles>,
    },
}

impl RectangleConverter {
    /// Whether rectangles of `encoding` can be converted: Raw, CopyRect, RRE, CoRRE, Hextile and Cursor.
    pub const fn can(encoding: Encoding) -> bool {
        matches!(
            encoding,
            Encoding::RAW
                | Encoding::COPY_RECT
                | Encoding::RRE
                | Encoding::CORRE
                | Encoding::HEXTILE
                | Encoding::CURSOR
        )
    }

    /// A rectangle begins. Nothing is written of one that [cannot be converted](Self::can).
    pub fn begin(&mut self, encoding: Encoding, area: Area) {
        *self = Self::default();
        match encoding {
            Encoding::RAW => self.pixels = area.pixels(),
            Encoding::CURSOR => (self.pixels, self.copy) = (area.pixels(), area.mask()),
            Encoding::COPY_RECT => self.copy = 4,
            Encoding::RRE => self.then = Then::SubrectCount { position: 8 },
            Encoding::CORRE => self.then = Then::SubrectCount { position: 4 },
            Encoding::HEXTILE => self.then = Then::tiles(Tiles::of(area)),
            _ => {}
        }
    }

    /// Converts the next bytes of the rectangle's content and appends them to `output`: at most four bytes for each
    /// byte of a pixel, and all other bytes unchanged. Bytes after the end of the rectangle are dropped.
    pub fn run(&mut self, converter: &Converter, mut bytes: &[u8], output: &mut impl BufMut) {
        while !bytes.is_empty() && !self.is_over() {
            let used = if self.pixels > 0 {
                self.convert(converter, bytes, output)
            } else if self.copy > 0 {
                self.pass(bytes, output)
            } else {
                self.read(bytes, output)
            };
            bytes = bytes.get(used..).unwrap_or_default();
        }
    }

    const fn is_over(&self) -> bool {
        self.pixels == 0 && self.copy == 0 && matches!(self.then, Then::End)
    }

    fn convert(&mut self, converter: &Converter, bytes: &[u8], output: &mut impl BufMut) -> usize {
        let size = converter.source_bytes();
        if self.kept_length == 0 && bytes.len() >= size {
            let whole = at_most(self.pixels, bytes.len() / size);
            self.pixels -= whole as u64;
            return converter.convert(bytes.get(..whole * size).unwrap_or_default(), output);
        }
        let (used, whole) = self.keep(bytes, size);
        if whole {
            let pixel = self.kept;
            converter.convert(pixel.get(..size).unwrap_or_default(), output);
            self.pixels -= 1;
        }
        used
    }

    fn pass(&mut self, bytes: &[u8], output: &mut impl BufMut) -> usize {
        let length = at_most(self.copy, bytes.len());
        output.put_slice(bytes.get(..length).unwrap_or_default());
        self.copy -= length as u64;
        length
    }

    /// Reads a number from which the length of what follows is known.
    fn read(&mut self, bytes: &[u8], output: &mut impl BufMut) -> usize {
        let first = bytes.first().copied().unwrap_or_default();
        match self.then {
            Then::End => 0,
            Then::SubrectCount { position } => {
                let (used, whole) = self.keep(bytes, 4);
                if whole {
                    output.put_slice(&self.kept);
                    let left = u32::from_be_bytes(self.kept).into();
                    self.pixels = 1;
                    self.then = Then::subrects(left, position, None);
                }
                used
            }
            Then::Subrect {
                left,
                position,
                tiles,
            } => {
                (self.pixels, self.copy) = (1, position);
                self.then = Then::subrects(left - 1, position, tiles);
                0
            }
            Then::Tile(tiles) => {
                output.put_u8(first);
                self.begin_tile(first, tiles);
                1
            }
            Then::TileSubrectCount { coloured, tiles } => {
                output.put_u8(first);
                match coloured {
                    true => self.then = Then::subrects(first.into(), 2, tiles),
                    false => (self.copy, self.then) = (2 * u64::from(first), Then::tiles(tiles)),
                }
                1
            }
        }
    }

    fn begin_tile(&mut self, mask: u8, tiles: Tiles) {
        let (width, height) = tiles.size();
        let next = tiles.next();
        if mask & hextile::RAW != 0 {
            (self.pixels, self.then) = (width * height, Then::tiles(next));
            return;
        }
        let colours = mask & (hextile::BACKGROUND | hextile::FOREGROUND);
        self.pixels = colours.count_ones().into();
        self.then = match mask & hextile::SUBRECTS {
            0 => Then::tiles(next),
            _ => Then::TileSubrectCount {
                coloured: mask & hextile::COLOURED != 0,
                tiles: next,
            },
        };
    }

    /// Adds bytes to the incomplete number or pixel; returns how many, and whether it is complete with `size` bytes.
    fn keep(&mut self, bytes: &[u8], size: usize) -> (usize, bool) {
        let space = self.kept.get_mut(self.kept_length..size);
        let mut count = 0;
        for (to, from) in space.unwrap_or_default().iter_mut().zip(bytes) {
            *to = *from;
            count += 1;
        }
        self.kept_length += count;
        let whole = self.kept_length >= size;
        if whole {
            self.kept_length = 0;
        }
        (count, whole)
    }
}

impl Then {
    const fn subrects(left: u64, position: u64, tiles: Option<Tiles>) -> Self {
        match left {
            0 => Self::tiles(tiles),
            _ => Self::Subrect {
                left,
                position,
                tiles,
            },
        }
    }

    const fn tiles(tiles: Option<Tiles>) -> Self {
        match tiles {
            Some(tiles) => Self::Tile(tiles),
            None => Self::End,
        }
    }
}

fn at_most(left: u64, available: usize) -> usize {
    usize::try_from(left).map_or(available, |left| left.min(available))
}
