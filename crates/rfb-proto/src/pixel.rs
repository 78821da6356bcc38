//! Pixel formats (RFC 6143 section 7.4).

use bytes::BufMut;

/// A PIXEL_FORMAT, as a peer sent it: [`PixelFormat::is_sound`] checks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PixelFormat {
    /// Bits per pixel: 8, 16 or 32, if it is sound.
    pub bits_per_pixel: u8,
    /// The number of those bits that are used.
    pub depth: u8,
    /// Whether the most significant byte of a pixel comes first.
    pub big_endian: bool,
    /// Whether the value consists of red, green and blue; otherwise it is an index into a colour map. Any byte other
    /// than zero is read as true, and true is written as one: VMware closes the connection at other values
    /// (`docs/webmks.md` 2.3, Q1).
    pub true_colour: bool,
    /// The maximum of red.
    pub red_max: u16,
    /// The maximum of green.
    pub green_max: u16,
    /// The maximum of blue.
    pub blue_max: u16,
    /// The position of the lowest bit of red.
    pub red_shift: u8,
    /// The position of the lowest bit of green.
    pub green_shift: u8,
    /// The position of the lowest bit of blue.
    pub blue_shift: u8,
}

impl PixelFormat {
    /// The length of a PIXEL_FORMAT on the wire, in bytes.
    pub const LENGTH: usize = 16;

    /// The native format of VMware's server: bytes in the order B, G, R, unused (`docs/webmks.md` 2.2).
    pub const VMWARE: Self = Self {
        bits_per_pixel: 32,
        depth: 24,
        big_endian: false,
        true_colour: true,
        red_max: 255,
        green_max: 255,
        blue_max: 255,
        red_shift: 16,
        green_shift: 8,
        blue_shift: 0,
    };

    /// Decodes a PIXEL_FORMAT. Nothing is checked.
    pub const fn parse(bytes: &[u8; Self::LENGTH]) -> Self {
        let &[
            bits,
            depth,
            big,
            colour,
            r1,
            r2,
            g1,
            g2,
            b1,
            b2,
            r,
            g,
            b,
            ..,
        ] = bytes;
        Self {
            bits_per_pixel: bits,
            depth,
            big_endian: big != 0,
            true_colour: colour != 0,
            red_max: u16::from_be_bytes([r1, r2]),
            green_max: u16::from_be_bytes([g1, g2]),
            blue_max: u16::from_be_bytes([b1, b2]),
            red_shift: r,
            green_shift: g,
            blue_shift: b,
        }
    }

    /// Encodes a PIXEL_FORMAT, with zero padding.
    pub fn write(&self, output: &mut impl BufMut) {
        output.put_u8(self.bits_per_pixel);
        output.put_u8(self.depth);
        output.put_u8(self.big_endian.into());
        output.put_u8(self.true_colour.into());
        output.put_u16(self.red_max);
        output.put_u16(self.green_max);
        output.put_u16(self.blue_max);
        output.put_slice(&[self.red_shift, self.green_shift, self.blue_shift]);
        output.put_slice(&[0; 3]);
    }

    /// Bytes per pixel: 1, 2 or 4; `None` for any other number of bits, which RFB does not allow.
    pub const fn bytes_per_pixel(&self) -> Option<usize> {
        match self.bits_per_pixel {
            8 => Some(1),
            16 => Some(2),
            32 => Some(4),
            _ => None,
        }
    }

    /// Whether a CPIXEL of ZRLE and TRLE has three bytes, not four (RFC 6143 section 7.7.5).
    pub fn fits_three_bytes(&self) -> bool {
        let bits =
            |max: u16, shift: u8| u64::from(max).checked_shl(shift.into()).unwrap_or(u64::MAX);
        let used = bits(self.red_max, self.red_shift)
            | bits(self.green_max, self.green_shift)
            | bits(self.blue_max, self.blue_shift);
        let fits = used <= 0x00ff_ffff || used <= 0xffff_ffff && used & 0xff == 0;
        self.true_colour && self.bits_per_pixel == 32 && self.depth <= 24 && fits
    }

    /// Whether a TPIXEL of Tight has three bytes: red, green and blue (rfbproto, "Tight Encoding").
    pub const fn is_eight_bits_each(&self) -> bool {
        self.true_colour
            && self.bits_per_pixel == 32
            && self.depth == 24
            && self.red_max == 255
            && self.green_max == 255
            && self.blue_max == 255
    }

    /// Whether the format can be decoded: 8, 16 or 32 bits per pixel, of which at most `depth` are used, and either a
    /// colour map of at most 256 colours, or red, green and blue of at least one bit each that do not overlap.
    pub fn is_sound(&self) -> bool {
        let bits = u32::from(self.bits_per_pixel);
        if self.bytes_per_pixel().is_none() || u32::from(self.depth) > bits {
            return false;
        }
        if !self.true_colour {
            return bits == 8;
        }
        let mut used = 0_u64;
        let mut counted = 0;
        for (max, shift) in self.intensities() {
            let width = max.trailing_ones();
            let whole = max != 0 && u32::from(max) + 1 == 1 << width;
            if !whole || u32::from(shift) + width > bits {
                return false;
            }
            used |= u64::from(max) << shift;
            counted += width;
        }
        used.count_ones() == counted && counted <= u32::from(self.depth)
    }

    /// Maximum and shift of red, green and blue.
    pub(crate) const fn intensities(&self) -> [(u16, u8); 3] {
        [
            (self.red_max, self.red_shift),
            (self.green_max, self.green_shift),
            (self.blue_max, self.blue_shift),
        ]
    }
}
