//! Skips whole updates that contain only pixels. A busy host sends mostly those, and small ones: to return each head
//! would cost more than to relay them.

use super::payload::{Payload, Pixel, Reader};
use super::scanner::State;
use super::{ServerScanner, parse};
use crate::Encoding;

/// What [`ServerScanner::skip_pictures`] skips.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skipped<'a> {
    /// A rectangle with this content. It is reported before it is known whether the whole update is skipped.
    Rectangle {
        /// Its encoding.
        encoding: Encoding,
        /// Its content, without the header.
        content: &'a [u8],
    },
    /// An update with this id: the byte that RFB calls padding.
    Update {
        /// The id.
        id: u8,
    },
}

impl ServerScanner {
    /// Skips the whole updates at the front of `input` that contain only pixels, and returns their length in bytes; the
    /// caller has to drop as many before the next call. Calls `skipped` with each rectangle, and with each update at its
    /// end; an update with a rectangle for which it returns `false` is not skipped.
    ///
    /// The effect is that of [`scan`](Self::scan) for these updates. It may stop before any update, so 0 only means to
    /// go on with scan. Updates without rectangles, with VMware's encodings, or with encodings that do not send their
    /// length are not skipped.
    pub fn skip_pictures(
        &mut self,
        input: &[u8],
        mut skipped: impl FnMut(Skipped<'_>) -> bool,
    ) -> usize {
        let mut at = 0;
        if self.state != State::Message {
            return at;
        }
        let Ok(pixel) = Pixel::of(&self.next_format) else {
            return at;
        };
        while let Some((id, length)) = input
            .get(at..)
            .and_then(|rest| picture(rest, pixel, &mut skipped))
        {
            self.format = self.next_format;
            skipped(Skipped::Update { id });
            at += length;
        }
        at
    }
}

/// The id and length in bytes of the update at the front of `input`, if it can be skipped.
#[inline]
fn picture(
    input: &[u8],
    pixel: Pixel,
    skipped: &mut impl FnMut(Skipped<'_>) -> bool,
) -> Option<(u8, usize)> {
    let &[0, id, a, b] = input.first_chunk()? else {
        return None;
    };
    let rectangles = u16::from_be_bytes([a, b]);
    let mut at = 4;
    for _ in 0..rectangles {
        at += rectangle(input.get(at..)?, pixel, skipped)?;
    }
    (rectangles > 0).then_some((id, at))
}

/// The length of a rectangle in bytes, with its header.
#[inline]
fn rectangle(
    input: &[u8],
    pixel: Pixel,
    skipped: &mut impl FnMut(Skipped<'_>) -> bool,
) -> Option<usize> {
    let (area, encoding) = parse::rectangle(input)?;
    if encoding.is_vmware() {
        return None;
    }
    let mut payload = Payload::image(encoding, area, pixel)?;
    let mut at = 12;
    loop {
        let rest = input.get(at..)?;
        at += match payload.next {
            None if payload.skip > rest.len() as u64 => return None,
            None => {
                let end = at + usize::try_from(payload.skip).ok()?;
                let content = input.get(12..end)?;
                return skipped(Skipped::Rectangle { encoding, content }).then_some(end);
            }
            Some(Reader::Head(_) | Reader::Tight(_)) => payload.step(rest).ok()??,
            Some(Reader::Hextile(_) | Reader::Trle(_) | Reader::Jpeg(_)) => return None,
        };
    }
}
