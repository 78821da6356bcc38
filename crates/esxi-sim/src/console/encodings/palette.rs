//! Palettes of rectangles with few colours.

/// Colours in the order of their first pixel.
pub(super) struct Palette(Vec<u32>);

impl Palette {
    /// The colours of `pixels`; `None` if there are more than `most`.
    pub(super) fn of(pixels: impl Iterator<Item = u32>, most: usize) -> Option<Self> {
        let mut colours = Vec::new();
        let mut last = None;
        for pixel in pixels {
            if last != Some(pixel) && !colours.contains(&pixel) {
                if colours.len() == most {
                    return None;
                }
                colours.push(pixel);
            }
            last = Some(pixel);
        }
        Some(Self(colours))
    }

    pub(super) fn colours(&self) -> &[u32] {
        &self.0
    }

    /// The index of a colour; 0 if it is not in the palette.
    pub(super) fn number(&self, colour: u32) -> u8 {
        let place = self.0.iter().position(|one| *one == colour);
        place
            .and_then(|place| u8::try_from(place).ok())
            .unwrap_or_default()
    }

    /// The pixels' indices, `bits` each, from the high bits on; every row starts a new byte.
    pub(super) fn pack<'a>(&self, rows: impl Iterator<Item = &'a [u32]>, bits: u32) -> Vec<u8> {
        let mut packed = Vec::new();
        let in_a_byte = (8 / bits.clamp(1, 8)) as usize;
        for row in rows {
            for pixels in row.chunks(in_a_byte) {
                let join = |byte: u32, pixel: &u32| byte << bits | u32::from(self.number(*pixel));
                let missing = (in_a_byte - pixels.len()) as u32;
                packed.push((pixels.iter().fold(0, join) << (missing * bits)) as u8);
            }
        }
        packed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_numbered_as_they_come_and_packed_from_the_left() {
        let row: &[u32] = &[7, 9, 7, 7, 9];
        assert!(Palette::of(row.iter().copied(), 1).is_none());
        let palette = Palette::of(row.iter().copied(), 2).unwrap();
        assert_eq!(palette.colours(), [7, 9]);
        assert_eq!(
            palette.pack([row, row].into_iter(), 1),
            [0b0100_1000, 0b0100_1000]
        );
        assert_eq!(
            palette.pack([row].into_iter(), 2),
            [0b0001_0000, 0b0100_0000]
        );
        assert_eq!(palette.pack([row].into_iter(), 8), [0, 1, 0, 0, 1]);
    }
}
