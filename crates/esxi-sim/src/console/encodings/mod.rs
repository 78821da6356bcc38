//! The encodings in which a desktop's pixels are sent (RFC 6143 section 7.7).

mod copy_rect;
mod hextile;
mod palette;
mod rectangle;
mod rre;
mod tight;
mod tight_png;
mod zlib;
mod zrle;

use bytes::{BufMut, BytesMut};

pub(super) use self::rectangle::Rectangle;
use self::tight::Tight;
use self::zrle::Zrle;
use super::pixel::PixelFormat;
use crate::desktop::Area;

/// An encoding that carries pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    #[default]
    Raw,
    Rre,
    Hextile,
    Tight,
    TightPng,
    Zrle,
}

impl Encoding {
    /// The one that a client gets: the first in its order that is spoken here, else Raw, which needs no asking for.
    pub(super) fn first_of(listed: &[i32]) -> Self {
        listed
            .iter()
            .find_map(|number| Self::of(*number))
            .unwrap_or_default()
    }

    fn of(number: i32) -> Option<Self> {
        Some(match number {
            RAW => Self::Raw,
            rre::NUMBER => Self::Rre,
            hextile::NUMBER => Self::Hextile,
            tight::NUMBER => Self::Tight,
            tight_png::NUMBER => Self::TightPng,
            zrle::NUMBER => Self::Zrle,
            _ => return None,
        })
    }
}

/// One console's encoder: its compressed streams go on from rectangle to rectangle.
#[derive(Default)]
pub(super) struct Encoder {
    zrle: Zrle,
    tight: Tight,
}

impl Encoder {
    /// Appends a rectangle, or several if the encoding cannot hold it in one; answers how many.
    pub(super) fn put(
        &mut self,
        encoding: Encoding,
        format: PixelFormat,
        pixels: Rectangle<'_>,
        out: &mut BytesMut,
    ) -> u16 {
        match encoding {
            Encoding::Raw => raw(format, pixels, out),
            Encoding::Rre => rre::put(format, pixels, out),
            Encoding::Hextile => hextile::put(format, pixels, out),
            Encoding::Tight => return self.tight.put(format, pixels, out),
            Encoding::TightPng => return tight_png::put(format, pixels, out),
            Encoding::Zrle => self.zrle.put(format, pixels, out),
        }
        1
    }
}

pub(super) use self::copy_rect::NUMBER as COPY_RECT;
pub(super) use self::copy_rect::put as copy_rect;

/// The head of a rectangle (RFC 6143 section 7.6.1).
pub(super) fn head(area: Area, encoding: i32, out: &mut BytesMut) {
    for number in [area.x, area.y, area.width, area.height] {
        out.put_u16(number);
    }
    out.put_i32(encoding);
}

/// Raw (RFC 6143 section 7.7.1).
pub(super) fn raw(format: PixelFormat, pixels: Rectangle<'_>, out: &mut BytesMut) {
    out.reserve(12 + pixels.len() * format.bytes_per_pixel());
    head(pixels.area(), RAW, out);
    pixels.rows().for_each(|row| format.write_pixels(row, out));
}

const RAW: i32 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_encoding_that_is_spoken_is_chosen() {
        assert_eq!(Encoding::first_of(&[]), Encoding::Raw);
        assert_eq!(Encoding::first_of(&[1, -223, 6, 16, 5, 0]), Encoding::Zrle);
        assert_eq!(Encoding::first_of(&[1, -260, 7]), Encoding::TightPng);
        assert_eq!(Encoding::first_of(&[0, 7]), Encoding::Raw);
    }
}
