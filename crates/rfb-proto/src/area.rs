//! A part of the framebuffer, as both directions write it.

use bytes::BufMut;

/// A part of the framebuffer, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(missing_docs, reason = "they are what they are called")]
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

    /// How many pixels it has.
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// How many bytes a mask of it takes, one bit for each pixel and each row filled up to a byte.
    pub(crate) fn mask(&self) -> u64 {
        u64::from(self.width).div_ceil(8) * u64::from(self.height)
    }
}
