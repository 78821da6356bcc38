//! Chooses a pixel encoding, and encodes rectangles in it.

use bytes::BytesMut;

use super::rectangle::Rectangle;
use super::tight::Tight;
use super::zrle::Zrle;
use super::{hextile, raw, rre, tight, zrle};
use crate::console::pixel_format::PixelFormat;

/// An encoding of pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::console) enum Encoding {
    #[default]
    Raw,
    Rre,
    Hextile,
    Tight,
    TightPng,
    Zrle,
}

impl Encoding {
    /// The first listed encoding that is implemented here; else Raw, which every client accepts.
    pub(in crate::console) fn first_of(listed: &[i32]) -> Self {
        listed
            .iter()
            .find_map(|number| Self::of(*number))
            .unwrap_or_default()
    }

    fn of(number: i32) -> Option<Self> {
        Some(match number {
            raw::NUMBER => Self::Raw,
            rre::NUMBER => Self::Rre,
            hextile::NUMBER => Self::Hextile,
            tight::NUMBER => Self::Tight,
            tight::PNG_NUMBER => Self::TightPng,
            zrle::NUMBER => Self::Zrle,
            _ => return None,
        })
    }
}

/// The encoder of one client; its zlib streams continue across rectangles.
#[derive(Default)]
pub(in crate::console) struct Encoder {
    zrle: Zrle,
    tight: Tight,
}

impl Encoder {
    /// Appends the rectangle, in several if the encoding requires it; returns how many.
    pub(in crate::console) fn put(
        &mut self,
        encoding: Encoding,
        format: PixelFormat,
        pixels: Rectangle<'_>,
        out: &mut BytesMut,
    ) -> u16 {
        match encoding {
            Encoding::Raw => raw::put(format, pixels, out),
            Encoding::Rre => {
                if !rre::put(format, pixels, out) {
                    raw::put(format, pixels, out);
                }
            }
            Encoding::Hextile => hextile::put(format, pixels, out),
            Encoding::Tight => return self.tight.put(format, pixels, out),
            Encoding::TightPng => return tight::put_png(format, pixels, out),
            Encoding::Zrle => self.zrle.put(format, pixels, out),
        }
        1
    }
}

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
