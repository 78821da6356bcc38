//! Tight and TightPNG (rfbproto, "Tight Encoding" and "Tight PNG Encoding"; VMware's, `docs/webmks.md` 1.4).

use super::ScanError;
use super::step::{Read, Step};
use crate::{Area, Encoding};

/// Data of fewer bytes is sent uncompressed and without a length.
const LEAST_COMPRESSED: u64 = 12;

/// The next field of a rectangle in Tight.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tight {
    /// The compression-control byte.
    Control {
        encoding: Encoding,
        area: Area,
        pixel: u64,
    },
    /// A length of one to three bytes; the data follows.
    Length,
}

impl Tight {
    pub(super) const fn begin(encoding: Encoding, area: Area, pixel: u64) -> Self {
        Self::Control {
            encoding,
            area,
            pixel,
        }
    }

    #[inline]
    pub(super) fn read(self, input: &[u8]) -> Read<Self> {
        match self {
            Self::Control {
                encoding,
                area,
                pixel,
            } => control(encoding, area, pixel, input),
            Self::Length => Ok(length(input)),
        }
    }
}

/// The upper four bits select the compression; the lower four reset zlib streams, which does not affect the length.
fn control(encoding: Encoding, area: Area, pixel: u64, input: &[u8]) -> Read<Tight> {
    let Some(&control) = input.first() else {
        return Ok(None);
    };
    let png = encoding == Encoding::TIGHT_PNG;
    let filtered = match control >> 4 {
        // Fill: one colour.
        8 => return Ok(Some((1, Step::skip(pixel)))),
        // JPEG; in TightPNG also PNG, and VMware's difference from the JPEG before.
        9 => return Ok(Some((1, Step::next(Tight::Length)))),
        10 | 11 if png => return Ok(Some((1, Step::next(Tight::Length)))),
        kind @ 0..8 => kind & 4 != 0,
        // Basic compression without zlib, with the same lengths (rfbproto, "Tight Without Zlib").
        kind @ (10 | 11 | 14 | 15) if !png => kind & 4 != 0,
        _ => return Err(ScanError::Rectangle(encoding)),
    };
    if !filtered {
        return Ok(Some((1, data(0, area.pixels() * pixel))));
    }
    match input.get(1) {
        None => Ok(None),
        // The copy and gradient filters.
        Some(0 | 2) => Ok(Some((2, data(0, area.pixels() * pixel)))),
        Some(1) => Ok(input.get(2).map(|&last| (3, palette(last, area, pixel)))),
        Some(_) => Err(ScanError::Rectangle(encoding)),
    }
}

/// With up to two colours the indices have one bit, otherwise eight.
fn palette(last: u8, area: Area, pixel: u64) -> Step<Tight> {
    let colours = u64::from(last) + 1;
    let indices = match colours {
        1 | 2 => area.mask(),
        _ => area.pixels(),
    };
    data(colours * pixel, indices)
}

/// `before` bytes, and then data of `length` bytes before compression.
const fn data(before: u64, length: u64) -> Step<Tight> {
    if length < LEAST_COMPRESSED {
        return Step::skip(before + length);
    }
    Step {
        skip: before,
        next: Some(Tight::Length),
    }
}

/// Seven bits in each of the first two bytes, eight in the third; the top bit announces a further byte.
fn length(input: &[u8]) -> Option<(usize, Step<Tight>)> {
    let (taken, length) = match *input {
        [a @ ..0x80, ..] => (1, u64::from(a)),
        [a, b @ ..0x80, ..] => (2, u64::from(a & 0x7f) | u64::from(b) << 7),
        [a, b, c, ..] => (
            3,
            u64::from(a & 0x7f) | u64::from(b & 0x7f) << 7 | u64::from(c) << 14,
        ),
        _ => return None,
    };
    Some((taken, Step::skip(length)))
}
