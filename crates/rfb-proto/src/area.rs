//! A rectangle of the framebuffer.

use bytes::BufMut;

/// A rectangle of the framebuffer, in pixels from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Area {
    pub x: u16,
    pub y: u16,
    pub width: u16,
    pub height: u16,
}

impl Area {
    pub(crate) const fn parse(bytes: &[u8; 8]) -> Self {
        let &[a, b, c, d, e, f, g, h] = bytes;
        Self {
            x: u16::from_be_bytes([a, b]),
            y: u16::from_be_bytes([c, d]),
            width: u16::from_be_bytes([e, f]),
            height: u16::from_be_bytes([g, h]),
        }
    }

    pub(crate) fn write(&self, output: &mut impl BufMut) {
        for side in [self.x, self.y, self.width, self.height] {
            output.put_u16(side);
        }
    }

    /// The number of pixels.
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// The length of a bitmask in bytes: one bit per pixel, each row padded to a whole byte.
    pub(crate) fn mask(&self) -> u64 {
        u64::from(self.width).div_ceil(8) * u64::from(self.height)
    }
}
