//! Updates that are all there and hold nothing but a part of the picture: most of what a busy host sends, and in many
//! small pieces. To follow them head by head would cost more than to pass them on.

use super::payload::{Payload, Pixel, Reader};
use super::scanner::State;
use super::{Update, parse};

impl Update {
    /// Moves past the updates that lie whole at the front of `input` one after another and hold nothing but a part of
    /// the picture, and says how many bytes they take. Drop as many before the next call.
    ///
    /// It is as if [`scan`](Self::scan) had gone over them, where who follows has nothing to learn from them. It may
    /// stop before any of them, for scan to go on: 0 says no more than that. A rectangle is passed by without a look at
    /// what it holds, so the encodings that say their length nowhere are left to scan, as are VMware's own, and
    /// updates without a rectangle. `passed` is told the id of each update: the byte after its type.
    pub fn skip_pictures(&mut self, input: &[u8], mut passed: impl FnMut(u8)) -> usize {
        let mut at = 0;
        if self.state != State::Message {
            return at;
        }
        let Ok(pixel) = Pixel::of(&self.next_format) else {
            return at;
        };
        while let Some((id, length)) = input.get(at..).and_then(|rest| picture(rest, pixel)) {
            self.format = self.next_format;
            passed(id);
            at += length;
        }
        at
    }
}

/// The id of the update at the front of `input`, and how long that is.
fn picture(input: &[u8], pixel: Pixel) -> Option<(u8, usize)> {
    let &[0, id, a, b] = input.first_chunk()? else {
        return None;
    };
    let rectangles = u16::from_be_bytes([a, b]);
    let mut at = 4;
    for _ in 0..rectangles {
        at += rectangle(input.get(at..)?, pixel)?;
    }
    (rectangles > 0).then_some((id, at))
}

/// How long the rectangle is.
#[inline]
fn rectangle(input: &[u8], pixel: Pixel) -> Option<usize> {
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
            None => return Some(at + usize::try_from(payload.skip).ok()?),
            Some(Reader::Head(_) | Reader::Tight(_)) => payload.step(rest).ok()??,
            Some(Reader::Hextile(_) | Reader::Trle(_) | Reader::Jpeg(_)) => return None,
        };
    }
}
