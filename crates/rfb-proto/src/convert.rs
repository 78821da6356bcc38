//! Conversion of pixels from one format to another (RFC 6143 section 7.4).

use bytes::BufMut;

use crate::PixelFormat;

/// The colour map for viewers that request one: eight levels of red and green, four of blue.
const MAPPED: PixelFormat = PixelFormat {
    bits_per_pixel: 8,
    depth: 8,
    big_endian: false,
    true_colour: true,
    red_max: 7,
    green_max: 7,
    blue_max: 3,
    red_shift: 0,
    green_shift: 3,
    blue_shift: 6,
};

/// The highest maximum of a source colour: ten bits. It bounds the tables to 12 KiB.
const MAX_INTENSITY: u16 = 1023;

/// Converts pixels from one format to another.
#[derive(Debug, Clone)]
pub struct Converter {
    from: PixelFormat,
    to: PixelFormat,
    mapped: bool,
    /// For each value of red, green and blue: its value in the target format, shifted into place.
    tables: [Box<[u32]>; 3],
}

impl Converter {
    /// Converts from a true-colour format to any format. For a target with a colour map, [`Converter::colour_map`]
    /// writes the map. `None` if one of the two is not [sound](PixelFormat::is_sound), or if `from` has a colour map or
    /// more than ten bits per colour.
    pub fn new(from: PixelFormat, to: PixelFormat) -> Option<Self> {
        let coarse = from
            .intensities()
            .iter()
            .all(|&(max, _)| max <= MAX_INTENSITY);
        if !from.is_sound() || !to.is_sound() || !from.true_colour || !coarse {
            return None;
        }
        let mapped = !to.true_colour;
        let to = if mapped { MAPPED } else { to };
        let [red, green, blue] = from.intensities();
        let [to_red, to_green, to_blue] = to.intensities();
        let tables = [
            table(red.0, to_red),
            table(green.0, to_green),
            table(blue.0, to_blue),
        ];
        Some(Self {
            from,
            to,
            mapped,
            tables,
        })
    }

    /// Bytes per pixel of the source format: 1, 2 or 4.
    pub const fn source_bytes(&self) -> usize {
        match self.from.bits_per_pixel {
            8 => 1,
            16 => 2,
            _ => 4,
        }
    }

    /// Bytes per pixel of the target format: 1, 2 or 4.
    pub const fn target_bytes(&self) -> usize {
        match self.to.bits_per_pixel {
            8 => 1,
            16 => 2,
            _ => 4,
        }
    }

    /// Converts all whole pixels of `pixels`, appends them to `output`, and returns the number of bytes of `pixels`
    /// that were converted. A last pixel that is incomplete is not: three bytes at most.
    pub fn convert(&self, pixels: &[u8], output: &mut impl BufMut) -> usize {
        match self.from.bits_per_pixel {
            8 => self.convert_from(pixels, output, |&[a]| a.into()),
            16 if self.from.big_endian => {
                self.convert_from(pixels, output, |&two| u16::from_be_bytes(two).into())
            }
            16 => self.convert_from(pixels, output, |&two| u16::from_le_bytes(two).into()),
            _ if self.from.big_endian => {
                self.convert_from(pixels, output, |&four| u32::from_be_bytes(four))
            }
            _ => self.convert_from(pixels, output, |&four| u32::from_le_bytes(four)),
        }
    }

    /// Writes the SetColourMapEntries message (section 7.6.2) that a viewer needs before the first pixel, if the target
    /// format has a colour map; otherwise nothing.
    pub fn colour_map(&self, output: &mut impl BufMut) {
        if !self.mapped {
            return;
        }
        output.put_slice(&[1, 0]);
        output.put_u16(0);
        output.put_u16(256);
        for index in 0..256_u32 {
            for (max, shift) in MAPPED.intensities() {
                let value = (index >> shift) & u32::from(max);
                let intensity = scale(value, max, u16::MAX);
                output.put_u16(u16::try_from(intensity).unwrap_or(u16::MAX));
            }
        }
    }

    fn convert_from<const N: usize>(
        &self,
        pixels: &[u8],
        output: &mut impl BufMut,
        value: impl Fn(&[u8; N]) -> u32,
    ) -> usize {
        let pixels = pixels.as_chunks::<N>().0;
        let values = pixels.iter().map(|pixel| self.translate(value(pixel)));
        match (self.to.bits_per_pixel, self.to.big_endian) {
            (8, _) => values.for_each(|value| output.put_u8(low_byte(value))),
            (16, true) => values.for_each(|value| output.put_u16(low_half(value))),
            (16, false) => values.for_each(|value| output.put_u16_le(low_half(value))),
            (_, true) => values.for_each(|value| output.put_u32(value)),
            (_, false) => values.for_each(|value| output.put_u32_le(value)),
        }
        pixels.as_flattened().len()
    }

    #[inline]
    fn translate(&self, value: u32) -> u32 {
        let intensities = self.from.intensities().into_iter().zip(&self.tables);
        intensities.fold(0, |pixel, ((max, shift), table)| {
            let index = (value >> shift) & u32::from(max);
            let entry = usize::try_from(index)
                .ok()
                .and_then(|index| table.get(index));
            pixel | entry.copied().unwrap_or_default()
        })
    }
}

fn table(from_max: u16, (to_max, to_shift): (u16, u8)) -> Box<[u32]> {
    (0..=u32::from(from_max))
        .map(|value| scale(value, from_max, to_max) << to_shift)
        .collect()
}

/// Scales `value` from the range `0..=from` to `0..=to`, rounded to the nearest. Neither maximum is 0.
fn scale(value: u32, from: u16, to: u16) -> u32 {
    let (from, to) = (u32::from(from), u32::from(to));
    (value * to + from / 2) / from
}

const fn low_byte(value: u32) -> u8 {
    let [low, ..] = value.to_le_bytes();
    low
}

const fn low_half(value: u32) -> u16 {
    let [low, high, ..] = value.to_le_bytes();
    u16::from_le_bytes([low, high])
}
