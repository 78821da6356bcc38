//! Rectangles whose pixels are made into those of another format on the way, as they arrive (RFC 6143 section
//! 7.7; for CoRRE and the cursor's mask rfbproto).

use bytes::BufMut;

use crate::update::hextile::{self, Tiles};
use crate::{Area, Converter, Encoding};

/// One rectangle after the other, each made into the same rectangle in another pixel format.
///
/// It keeps no more than four bytes of what it was given.
#[derive(Debug, Clone, Default)]
pub struct Recolour {
    /// Pixels to come.
    pixels: u64,
    /// Bytes to come after those, in which there are no pixels.
    copy: u64,
    then: Then,
    /// The front of a number or of a pixel that was cut.
    kept: [u8; 4],
    kept_length: usize,
}

/// What comes where the number of bytes is not known yet.
#[derive(Debug, Clone, Copy, Default)]
enum Then {
    #[default]
    End,
    /// How many pieces, as u32, and one colour; each piece has `place` bytes beside its own.
    Pieces { place: u64 },
    /// So many pieces, each a colour and `place` bytes; then tiles, where there are any.
    Piece {
        left: u64,
        place: u64,
        tiles: Option<Tiles>,
    },
    /// A tile of Hextile.
    Tile(Tiles),
    /// How many subrectangles the tile has, as u8, and whether each has a colour.
    Subrectangles {
        coloured: bool,
        tiles: Option<Tiles>,
    },
}

impl Recolour {
    /// Whether rectangles of `encoding` can be: images in Raw, CopyRect, RRE, CoRRE and Hextile, and the cursor.
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

    /// A rectangle begins; the one before has ended. One that [cannot be](Self::can) is left out whole.
    pub fn begin(&mut self, encoding: Encoding, area: Area) {
        *self = Self::default();
        match encoding {
            Encoding::RAW => self.pixels = area.pixels(),
            Encoding::CURSOR => (self.pixels, self.copy) = (area.pixels(), area.mask()),
            Encoding::COPY_RECT => self.copy = 4,
            Encoding::RRE => self.then = Then::Pieces { place: 8 },
            Encoding::CORRE => self.then = Then::Pieces { place: 4 },
            Encoding::HEXTILE => self.then = Then::tiles(Tiles::of(area)),
            _ => {}
        }
    }

    /// A run of what the rectangle holds, in the converter's other format, appended to `output`: never more bytes
    /// than four for each pixel, and all else as it was. What is beyond the rectangle's end is left out.
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

    /// What says how much follows.
    fn read(&mut self, bytes: &[u8], output: &mut impl BufMut) -> usize {
        let first = bytes.first().copied().unwrap_or_default();
        match self.then {
            Then::End => 0,
            Then::Pieces { place } => {
                let (used, whole) = self.keep(bytes, 4);
                if whole {
                    output.put_slice(&self.kept);
                    let left = u32::from_be_bytes(self.kept).into();
                    self.pixels = 1;
                    self.then = Then::pieces(left, place, None);
                }
                used
            }
            Then::Piece { left, place, tiles } => {
                (self.pixels, self.copy) = (1, place);
                self.then = Then::pieces(left - 1, place, tiles);
                0
            }
            Then::Tile(tiles) => {
                output.put_u8(first);
                self.begin_tile(first, tiles);
                1
            }
            Then::Subrectangles { coloured, tiles } => {
                output.put_u8(first);
                match coloured {
                    true => self.then = Then::pieces(first.into(), 2, tiles),
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
            _ => Then::Subrectangles {
                coloured: mask & hextile::COLOURED != 0,
                tiles: next,
            },
        };
    }

    /// Adds to what is kept until it is `size` bytes: how many bytes that took, and whether it is.
    fn keep(&mut self, bytes: &[u8], size: usize) -> (usize, bool) {
        let room = self.kept.get_mut(self.kept_length..size);
        let mut count = 0;
        for (to, from) in room.unwrap_or_default().iter_mut().zip(bytes) {
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
    const fn pieces(left: u64, place: u64, tiles: Option<Tiles>) -> Self {
        match left {
            0 => Self::tiles(tiles),
            _ => Self::Piece { left, place, tiles },
        }
    }

    const fn tiles(tiles: Option<Tiles>) -> Self {
        match tiles {
            Some(tiles) => Self::Tile(tiles),
            None => Self::End,
        }
    }
}

fn at_most(left: u64, there: usize) -> usize {
    usize::try_from(left).map_or(there, |left| left.min(there))
}
