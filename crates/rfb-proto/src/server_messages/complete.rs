//! Bytes that complete a rectangle of which a lost server has sent a part.

use super::payload::{Head, Payload, Reader};
use super::scanner::State;
use super::{Kind, ServerScanner, hextile};
use crate::{Area, Encoding, PixelFormat};

/// The longest field that can be completed, in bytes: a screen of ExtendedDesktopSize.
const LONGEST_FIELD: usize = 16;

/// The most first bytes that are kept: a length of four bytes, and the header of a zlib stream.
const FIRST: usize = 6;

/// What has been received of a rectangle.
#[derive(Debug, Clone)]
pub struct PartialRectangle {
    area: Area,
    encoding: Encoding,
    /// The length of the received content.
    length: u64,
    /// The first bytes of that content.
    first: [u8; FIRST],
    /// The last bytes of that content.
    tail: Vec<u8>,
}

impl ServerScanner {
    /// The bytes that complete the current rectangle or clipboard message: at most `most`, or `None` if that is not
    /// possible. The missing pixels are zero, and missing subrectangles as small as possible.
    ///
    /// Possible in Raw, CopyRect, RRE, CoRRE, Hextile, and in cursors, names, sizes and LED states that are not
    /// compressed. `partial` has to hold what was received of the rectangle.
    pub fn complete(&self, partial: &PartialRectangle, most: usize) -> Option<Vec<u8>> {
        if let State::Body { of, left } = self.state {
            return spaces(left, most).filter(|_| of == Kind::CutText);
        }
        if self.state == State::ServerInit {
            return None;
        }
        let (mut update, mut partial) = (self.clone(), partial.clone());
        let (mut bytes, mut first_tile) = (Vec::new(), true);
        while let State::Payload(_) = update.state {
            let space = most.saturating_sub(bytes.len());
            let next = match update.payload.next {
                Some(Reader::Hextile(tile)) if update.payload.skip == 0 => {
                    partial.tile(tile.pixel, std::mem::take(&mut first_tile))?
                }
                _ => partial.next(update.payload, &update.format, space)?,
            };
            if next.len() > space {
                return None;
            }
            partial.extend(&next);
            bytes.extend_from_slice(&next);
            let mut rest = &next[..];
            while !rest.is_empty() {
                let scanned = update.scan(rest).ok()??.bytes.len();
                rest = rest.get(scanned..)?;
            }
        }
        Some(bytes)
    }
}

impl PartialRectangle {
    /// The header of a rectangle was received.
    pub const fn new(area: Area, encoding: Encoding) -> Self {
        Self {
            area,
            encoding,
            length: 0,
            first: [0; FIRST],
            tail: Vec::new(),
        }
    }

    /// The header of the next rectangle was received.
    pub fn begin(&mut self, area: Area, encoding: Encoding) {
        self.tail.clear();
        let tail = std::mem::take(&mut self.tail);
        *self = Self {
            tail,
            ..Self::new(area, encoding)
        };
    }

    /// More of the content was received.
    pub fn extend(&mut self, bytes: &[u8]) {
        let have = usize::try_from(self.length).unwrap_or(FIRST);
        let space = self.first.get_mut(have..).unwrap_or_default();
        for (to, from) in space.iter_mut().zip(bytes) {
            *to = *from;
        }
        self.length = self.length.saturating_add(bytes.len() as u64);
        let last = bytes.len().saturating_sub(LONGEST_FIELD);
        self.tail
            .extend_from_slice(bytes.get(last..).unwrap_or(bytes));
        let excess = self.tail.len().saturating_sub(LONGEST_FIELD);
        self.tail.drain(..excess);
    }

    /// The encoding of the rectangle.
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The area of the rectangle.
    pub const fn area(&self) -> Area {
        self.area
    }

    /// The first bytes of its content: at most six.
    pub fn first(&self) -> &[u8] {
        let have = usize::try_from(self.length).unwrap_or(FIRST);
        self.first.get(..have).unwrap_or(&self.first)
    }

    /// The last `length` bytes of its content, or what was received of them: at most 16.
    pub fn last(&self, length: usize) -> &[u8] {
        let at = self.tail.len().saturating_sub(length);
        self.tail.get(at..).unwrap_or_default()
    }

    fn tile(&self, pixel: u64, first: bool) -> Option<Vec<u8>> {
        if self.encoding != Encoding::HEXTILE {
            return None;
        }
        // After a raw tile the background is undefined, so the first tile needs one.
        Some(match first {
            true => [vec![hextile::BACKGROUND], zeros(pixel, LONGEST_FIELD)?].concat(),
            false => vec![0],
        })
    }

    /// The missing bytes up to the next head.
    fn next(&self, payload: Payload, format: &PixelFormat, space: usize) -> Option<Vec<u8>> {
        let Payload { skip, next } = payload;
        let pixel = format.bytes_per_pixel()? as u64;
        match (self.encoding, skip, next) {
            (
                Encoding::RRE | Encoding::CORRE | Encoding::DESKTOP_NAME,
                0,
                Some(Reader::Head(_)),
            ) => Some(vec![0; 4]),
            (Encoding::EXTENDED_DESKTOP_SIZE, 0, Some(Reader::Head(Head::Screens))) => {
                Some([&[1, 0, 0, 0][..], &self.screen(&[])].concat())
            }
            (Encoding::CURSOR_WITH_ALPHA, 0, Some(Reader::Head(Head::AlphaCursor(_)))) => {
                // In encoding Raw.
                zeros(4 + 4 * self.area.pixels(), space)
            }
            (_, 0, _) => None,
            (
                Encoding::RAW
                | Encoding::HEXTILE
                | Encoding::CURSOR
                | Encoding::X_CURSOR
                | Encoding::QEMU_LED_STATE,
                ..,
            ) => zeros(skip, space),
            (Encoding::COPY_RECT, ..) => Some(self.source(usize::try_from(skip).ok()?)),
            (Encoding::RRE, ..) => self.subrectangles(skip, pixel, 2, space),
            (Encoding::CORRE, ..) => self.subrectangles(skip, pixel, 1, space),
            (Encoding::DESKTOP_NAME, ..) => spaces(skip, space),
            (Encoding::EXTENDED_DESKTOP_SIZE, ..) if self.length + skip == 4 + 16 => {
                let have = 16_usize.saturating_sub(usize::try_from(skip).ok()?);
                self.screen(self.last(have)).get(have..).map(<[u8]>::to_vec)
            }
            _ => None,
        }
    }

    /// The last `skip` bytes of a CopyRect's source position: the rectangle's own, if the received bytes allow that.
    fn source(&self, skip: usize) -> Vec<u8> {
        let mut source = self.last(4_usize.saturating_sub(skip)).to_vec();
        let have = source.len();
        complete_side(&mut source, 0, self.area.x, 0);
        complete_side(&mut source, 2, self.area.y, 0);
        source.split_off(have)
    }

    /// The last `skip` bytes of the background and subrectangles of RRE or CoRRE, with `side` bytes per coordinate.
    fn subrectangles(&self, skip: u64, pixel: u64, side: usize, space: usize) -> Option<Vec<u8>> {
        // Checks the length first.
        let mut bytes = zeros(skip, space)?;
        let piece = usize::try_from(pixel).ok()? + 4 * side;
        let background = (4 + pixel).saturating_sub(self.length);
        let rest = usize::try_from(skip.saturating_sub(background)).ok()?;
        let at = bytes.len().saturating_sub(rest);
        let rest = bytes.get_mut(at..)?;
        let (cut, whole) = rest.split_at_mut_checked(rest.len() % piece)?;
        if !cut.is_empty() {
            let mut first = self.last(piece - cut.len()).to_vec();
            let have = first.len();
            first.resize(have.max(piece - 2 * side), 0);
            for end in [piece - side, piece] {
                // At least 1, and not more than the server can have meant.
                let high = first.get(end - side).copied().filter(|_| side == 2);
                first.resize(first.len().max(end - 1), 0);
                first.resize(first.len().max(end), u8::from(high.unwrap_or(0) == 0));
            }
            cut.copy_from_slice(first.get(have..)?);
        }
        for piece in whole.chunks_exact_mut(piece) {
            let at = piece.len();
            *piece.get_mut(at - 1)? = 1;
            *piece.get_mut(at - 1 - side)? = 1;
        }
        Some(bytes)
    }

    /// One screen as large as the framebuffer, if the bytes in `begun` allow that.
    fn screen(&self, begun: &[u8]) -> Vec<u8> {
        let mut screen = begun.to_vec();
        screen.resize(screen.len().max(8), 0);
        let side = |at: usize| {
            let bytes = screen.get(at..).and_then(<[u8]>::first_chunk);
            bytes.map_or(0, |&bytes| u16::from_be_bytes(bytes))
        };
        let (x, y) = (side(4), side(6));
        complete_side(&mut screen, 8, self.area.width.saturating_sub(x), 1);
        complete_side(&mut screen, 10, self.area.height.saturating_sub(y), 1);
        screen.resize(16, 0);
        screen
    }
}

/// Appends the missing bytes of the u16 at `at`, to make it `wanted` if its first byte allows that; otherwise the
/// smallest possible number that is not below `least`.
fn complete_side(bytes: &mut Vec<u8>, at: usize, wanted: u16, least: u8) {
    let [high, low] = wanted.to_be_bytes();
    if bytes.len() == at {
        bytes.push(high);
    }
    if bytes.len() == at + 1 {
        let begun = bytes.last().copied().unwrap_or_default();
        bytes.push(match begun {
            _ if begun == high => low,
            0 => least,
            _ => 0,
        });
    }
}

fn zeros(length: u64, most: usize) -> Option<Vec<u8>> {
    let length = usize::try_from(length).ok()?;
    (length <= most).then(|| vec![0; length])
}

fn spaces(length: u64, most: usize) -> Option<Vec<u8>> {
    let mut bytes = zeros(length, most)?;
    bytes.fill(b' ');
    Some(bytes)
}
