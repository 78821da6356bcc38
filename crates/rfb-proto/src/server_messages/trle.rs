//! TRLE, tile by tile and run by run (RFC 6143 section 7.7.5).

use super::ScanError;
use super::hextile::Tiles;
use super::step::{Read, Step};
use crate::{Area, Encoding};

/// The tiles of a rectangle that are to come, at least one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trle {
    tiles: Tiles,
    pixel: u64,
    /// The number of colours of the last palette, which a tile may reuse.
    palette: u8,
    phase: Phase,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// The subencoding of a tile.
    Tile,
    /// A run; `left` pixels of the tile are to come.
    Run { left: u64, indexed: bool },
    /// The length of a run, in bytes that are added up; `sum` so far.
    Length { left: u64, sum: u64, indexed: bool },
}

const LOST: ScanError = ScanError::Rectangle(Encoding::TRLE);

impl Trle {
    pub(super) fn begin(area: Area, pixel: u64) -> Step<Self> {
        Tiles::of(area).map_or(Step::END, |tiles| {
            Step::next(Self {
                tiles,
                pixel,
                palette: 0,
                phase: Phase::Tile,
            })
        })
    }

    #[inline]
    pub(super) fn read(self, input: &[u8]) -> Read<Self> {
        let Some(&byte) = input.first() else {
            return Ok(None);
        };
        let next = match self.phase {
            Phase::Tile => self.tile(byte)?,
            Phase::Run {
                left,
                indexed: true,
            } if byte < 0x80 => self.end_run(left, 1, true)?,
            Phase::Run { left, indexed } => {
                // The colour: an index of one byte, or a pixel, the first byte of which is read here.
                let skip = if indexed { 0 } else { self.pixel - 1 };
                let sum = 0;
                self.phase(skip, Phase::Length { left, sum, indexed })
            }
            Phase::Length { left, sum, indexed } => {
                let sum = sum + u64::from(byte);
                match byte {
                    // More follows, unless the run is too long already: that bounds the sum.
                    255 if sum < left => self.phase(0, Phase::Length { left, sum, indexed }),
                    _ => self.end_run(left, sum + 1, indexed)?,
                }
            }
        };
        Ok(Some((1, next)))
    }

    fn tile(mut self, subencoding: u8) -> Result<Step<Self>, ScanError> {
        let (width, height) = self.tiles.size();
        let pixels = width * height;
        let runs = |indexed| Phase::Run {
            left: pixels,
            indexed,
        };
        match subencoding {
            0 => return Ok(self.after(pixels * self.pixel)),
            1 => return Ok(self.after(self.pixel)),
            2..=16 => self.palette = subencoding,
            130.. => self.palette = subencoding - 128,
            // Reuses the palette of an earlier tile.
            127 | 129 if self.palette > 0 => {}
            128 => return Ok(self.phase(0, runs(false))),
            _ => return Err(LOST),
        }
        let fresh = !matches!(subencoding, 127 | 129);
        let colours = if fresh {
            u64::from(self.palette) * self.pixel
        } else {
            0
        };
        if subencoding > 127 {
            return Ok(self.phase(colours, runs(true)));
        }
        let bits = match self.palette {
            2 => 1,
            3..=4 => 2,
            5..=16 => 4,
            _ => return Err(LOST),
        };
        Ok(self.after(colours + (width * bits).div_ceil(8) * height))
    }

    /// A run of `length` pixels ends; the tile too, if no pixels are left.
    fn end_run(self, left: u64, length: u64, indexed: bool) -> Result<Step<Self>, ScanError> {
        match left.checked_sub(length) {
            None => Err(LOST),
            Some(0) => Ok(self.after(0)),
            Some(left) => Ok(self.phase(0, Phase::Run { left, indexed })),
        }
    }

    const fn phase(self, skip: u64, phase: Phase) -> Step<Self> {
        let next = Some(Self { phase, ..self });
        Step { skip, next }
    }

    /// Skips the rest of this tile; the next follows.
    fn after(self, skip: u64) -> Step<Self> {
        let next = self.tiles.next().map(|tiles| Self {
            tiles,
            phase: Phase::Tile,
            ..self
        });
        Step { skip, next }
    }
}
