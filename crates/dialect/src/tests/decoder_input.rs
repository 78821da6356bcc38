//! The fields of a rectangle.

use rfb_proto::{Area, PixelFormat};

/// The content of a rectangle, or what was inflated.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) bytes: &'a [u8],
    /// Bytes per PIXEL.
    pub(super) plain: usize,
    /// Bytes per CPIXEL and TPIXEL.
    pub(super) compressed: usize,
}

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8], format: &PixelFormat) -> Self {
        let plain = format.bytes_per_pixel().unwrap();
        let compressed = if format.fits_three_bytes() { 3 } else { plain };
        Self {
            bytes,
            plain,
            compressed,
        }
    }

    pub(super) fn take(&mut self, length: usize) -> &'a [u8] {
        let (first, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        first
    }

    pub(super) fn all(&mut self) -> &'a [u8] {
        self.take(self.bytes.len())
    }

    pub(super) fn end(&self) {
        assert!(self.bytes.is_empty(), "{} bytes too many", self.bytes.len());
    }

    pub(super) fn u8(&mut self) -> u8 {
        self.take(1)[0]
    }

    pub(super) fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.take(2).try_into().unwrap())
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.take(4).try_into().unwrap())
    }

    pub(super) fn value(&mut self, length: usize) -> u32 {
        let bytes = self.take(length).iter().rev();
        bytes.fold(0, |value, &byte| value << 8 | u32::from(byte)) & 0xff_ffff
    }

    pub(super) fn pixel(&mut self) -> u32 {
        self.value(self.plain)
    }

    pub(super) fn compressed(&mut self) -> u32 {
        self.value(self.compressed)
    }

    pub(super) fn plain(&mut self, area: Area) -> Vec<u32> {
        (0..area.pixels()).map(|_| self.pixel()).collect()
    }

    pub(super) fn indices(&mut self, width: usize, bits: usize, palette: &[u32]) -> Vec<u32> {
        let row = self.take((width * bits).div_ceil(8));
        let index = |at: usize| {
            let (byte, bit) = (at * bits / 8, at * bits % 8);
            usize::from(row[byte] << bit >> (8 - bits))
        };
        (0..width).map(|at| palette[index(at)]).collect()
    }

    pub(super) fn run(&mut self) -> usize {
        let mut length = 1;
        loop {
            let byte = self.u8();
            length += usize::from(byte);
            if byte < 255 {
                return length;
            }
        }
    }

    /// A length in Tight.
    pub(super) fn compact(&mut self) -> usize {
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = usize::from(self.u8());
            let last = shift == 14 || byte < 0x80;
            length |= (if last { byte } else { byte & 0x7f }) << shift;
            if last {
                return length;
            }
            shift += 7;
        }
    }
}
