//! RFB pixel formats: validation, and conversion of pixels.

use bytes::{BufMut, BytesMut};

/// A true-colour PIXEL_FORMAT (RFC 6143 section 7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PixelFormat {
    bits_per_pixel: u8,
    depth: u8,
    big_endian: bool,
    red: Channel,
    green: Channel,
    blue: Channel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Channel {
    max: u16,
    shift: u8,
}

impl PixelFormat {
    /// The format that VMware's older servers announced: 32 bits, depth 24, little-endian, shifts 16, 8, 0
    /// (`docs/webmks.md` 2.2).
    pub(super) const NATIVE: Self = Self {
        bits_per_pixel: 32,
        depth: 24,
        big_endian: false,
        red: Channel {
            max: 255,
            shift: 16,
        },
        green: Channel { max: 255, shift: 8 },
        blue: Channel { max: 255, shift: 0 },
    };

    /// Reads a PIXEL_FORMAT as strictly as `docs/webmks.md` 2.3 Q1 says: the true-colour flag must be 1. What else is
    /// invalid on ESXi is a guess.
    ///
    /// # Errors
    /// Describes what is invalid.
    pub(super) fn read(bytes: [u8; 16]) -> Result<Self, &'static str> {
        let [
            bits_per_pixel,
            depth,
            big_endian,
            true_colour,
            r1,
            r0,
            g1,
            g0,
            b1,
            b0,
            red,
            green,
            blue,
            ..,
        ] = bytes;
        if true_colour != 1 {
            return Err("true-colour flag other than 1");
        }
        if !matches!(bits_per_pixel, 8 | 16 | 32) {
            return Err("bits per pixel other than 8, 16 and 32");
        }
        if depth == 0 || depth > bits_per_pixel {
            return Err("depth 0 or above the bits per pixel");
        }
        let channel = |high, low, shift| Channel {
            max: u16::from_be_bytes([high, low]),
            shift,
        };
        let format = Self {
            bits_per_pixel,
            depth,
            big_endian: big_endian != 0,
            red: channel(r1, r0, red),
            green: channel(g1, g0, green),
            blue: channel(b1, b0, blue),
        };
        let fits = |channel: Channel| channel.fits(bits_per_pixel);
        if [format.red, format.green, format.blue]
            .into_iter()
            .all(fits)
        {
            Ok(format)
        } else {
            Err("a colour channel that is no run of bits inside the pixel")
        }
    }

    /// Appends the PIXEL_FORMAT.
    pub(super) fn write(self, out: &mut BytesMut) {
        out.put_slice(&[
            self.bits_per_pixel,
            self.depth,
            u8::from(self.big_endian),
            1,
        ]);
        let channels = [self.red, self.green, self.blue];
        channels.iter().for_each(|channel| out.put_u16(channel.max));
        channels
            .iter()
            .for_each(|channel| out.put_u8(channel.shift));
        out.put_bytes(0, 3);
    }

    pub(super) fn bytes_per_pixel(self) -> usize {
        usize::from(self.bits_per_pixel / 8)
    }

    /// Appends pixels, 0x00RRGGBB, in this format.
    pub(super) fn write_pixels(self, pixels: &[u32], out: &mut BytesMut) {
        if self == Self::NATIVE {
            pixels.iter().for_each(|pixel| out.put_u32_le(*pixel));
            return;
        }
        for &pixel in pixels {
            let value = self.value(pixel);
            match (self.bits_per_pixel, self.big_endian) {
                (8, _) => out.put_u8(value as u8),
                (16, true) => out.put_u16(value as u16),
                (16, false) => out.put_u16_le(value as u16),
                (_, true) => out.put_u32(value),
                (_, false) => out.put_u32_le(value),
            }
        }
    }

    /// Appends ZRLE's CPIXELs (RFC 6143 section 7.7.5): 3 of 4 bytes, where the channels fit into them.
    pub(super) fn write_compact(self, pixels: &[u32], out: &mut BytesMut) {
        let colours = self.red.bits() | self.green.bits() | self.blue.bits();
        let is_short = self.bits_per_pixel == 32 && self.depth <= 24;
        let (in_low, in_high) = (colours >> 24 == 0, colours & 0xff == 0);
        if !is_short || !(in_low || in_high) {
            return self.write_pixels(pixels, out);
        }
        for &pixel in pixels {
            let value = self.value(pixel);
            let [first, second, third, fourth] = if self.big_endian {
                value.to_be_bytes()
            } else {
                value.to_le_bytes()
            };
            if in_low == self.big_endian {
                out.put_slice(&[second, third, fourth]);
            } else {
                out.put_slice(&[first, second, third]);
            }
        }
    }

    /// Appends Tight's TPIXELs: one byte per channel, where the format has 8 bits each.
    pub(super) fn write_tight(self, pixels: &[u32], out: &mut BytesMut) {
        let are_bytes = [self.red, self.green, self.blue]
            .iter()
            .all(|channel| channel.max == 255);
        if self.bits_per_pixel != 32 || self.depth != 24 || !are_bytes {
            return self.write_pixels(pixels, out);
        }
        for pixel in pixels {
            let [_, red, green, blue] = pixel.to_be_bytes();
            out.put_slice(&[red, green, blue]);
        }
    }

    fn value(self, pixel: u32) -> u32 {
        let [_, red, green, blue] = pixel.to_be_bytes();
        self.red.place(red) | self.green.place(green) | self.blue.place(blue)
    }
}

impl Channel {
    /// "max value (= 2^n - 1 where n is the number of bits used)", RFC 6143 section 7.4.
    fn fits(self, bits_per_pixel: u8) -> bool {
        let bits = self.max.trailing_ones();
        let whole = bits > 0 && u32::from(self.max) == (1 << bits) - 1;
        whole && u32::from(self.shift) + bits <= u32::from(bits_per_pixel)
    }

    /// The mask of this channel in a pixel.
    fn bits(self) -> u32 {
        u32::from(self.max) << self.shift
    }

    fn place(self, value: u8) -> u32 {
        // Rounded, so that white and black stay white and black at every depth.
        ((u32::from(value) * u32::from(self.max) + 127) / 255) << self.shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RGB565: [u8; 16] = [16, 16, 0, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0, 0, 0, 0];
    const RGB332: [u8; 16] = [8, 8, 0, 1, 0, 7, 0, 7, 0, 3, 0, 3, 6, 0, 0, 0];
    const BGRX_BIG: [u8; 16] = [32, 24, 1, 1, 0, 255, 0, 255, 0, 255, 8, 16, 24, 0, 0, 0];

    fn written(format: [u8; 16], pixel: u32) -> Vec<u8> {
        let mut out = BytesMut::new();
        PixelFormat::read(format)
            .unwrap()
            .write_pixels(&[pixel], &mut out);
        out.to_vec()
    }

    #[test]
    fn the_native_format_reads_back_as_itself() {
        let mut bytes = BytesMut::new();
        PixelFormat::NATIVE.write(&mut bytes);
        let bytes: [u8; 16] = bytes[..].try_into().unwrap();
        assert_eq!(
            bytes,
            [32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]
        );
        assert_eq!(PixelFormat::read(bytes), Ok(PixelFormat::NATIVE));
        assert_eq!(written(bytes, 0x0012_3456), [0x56, 0x34, 0x12, 0]);
    }

    #[test]
    fn pixels_are_converted_to_16_8_and_big_endian_32_bits() {
        assert_eq!(written(RGB565, 0x00ff_0000), 0xf800_u16.to_le_bytes());
        assert_eq!(written(RGB565, 0x0000_ff00), 0x07e0_u16.to_le_bytes());
        assert_eq!(written(RGB332, 0x00ff_ffff), [0xff]);
        assert_eq!(written(RGB332, 0x0000_00ff), [0xc0]);
        assert_eq!(written(BGRX_BIG, 0x0012_3456), [0x56, 0x34, 0x12, 0]);
    }

    #[test]
    fn compact_pixels_leave_out_the_byte_without_colour() {
        let compact = |format: [u8; 16], write: fn(PixelFormat, &[u32], &mut BytesMut)| {
            let mut out = BytesMut::new();
            write(PixelFormat::read(format).unwrap(), &[0x0012_3456], &mut out);
            out.to_vec()
        };
        let mut native = BytesMut::new();
        PixelFormat::NATIVE.write(&mut native);
        let native: [u8; 16] = native[..].try_into().unwrap();
        assert_eq!(
            compact(native, PixelFormat::write_compact),
            [0x56, 0x34, 0x12]
        );
        assert_eq!(
            compact(BGRX_BIG, PixelFormat::write_compact),
            [0x56, 0x34, 0x12]
        );
        assert_eq!(
            compact(RGB332, PixelFormat::write_compact),
            written(RGB332, 0x0012_3456)
        );
        assert_eq!(
            compact(native, PixelFormat::write_tight),
            [0x12, 0x34, 0x56]
        );
        assert_eq!(
            compact(RGB565, PixelFormat::write_tight),
            written(RGB565, 0x0012_3456)
        );
    }

    #[test]
    fn formats_that_esxi_refuses_are_refused() {
        let with = |at: usize, value: u8| {
            let mut bytes = RGB565;
            bytes[at] = value;
            PixelFormat::read(bytes)
        };
        assert!(with(3, 1).is_ok());
        let wrong = [
            (3, 0),
            (3, 255),
            (0, 24),
            (0, 0),
            (1, 0),
            (1, 17),
            (5, 30),
            (5, 0),
            (10, 12),
            (10, 200),
        ];
        for (at, value) in wrong {
            assert!(with(at, value).is_err(), "byte {at} = {value}");
        }
    }
}
