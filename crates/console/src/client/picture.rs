//! A picture that is received piece by piece, its missing area, and its PNG.

use std::io::{self, Write};

use bytes::{Buf, BytesMut};
use rfb_proto::{Area, Converter, PixelFormat};

use crate::error::Error;

/// The largest picture, in pixels: eight 4K screens, which take 256 MiB of memory.
const MAX_PIXELS: usize = 1 << 26;

/// Bytes in the order red, green, blue, unused.
const RGBX: PixelFormat = PixelFormat {
    bits_per_pixel: 32,
    depth: 24,
    big_endian: true,
    true_colour: true,
    red_max: 255,
    green_max: 255,
    blue_max: 255,
    red_shift: 24,
    green_shift: 16,
    blue_shift: 8,
};

/// RGB pixels by rows, and which of them were received.
pub struct Picture {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
    received: Vec<bool>,
}

impl Picture {
    /// A picture of which nothing was received.
    ///
    /// # Errors
    /// The size is zero or beyond the limit.
    pub fn blank((width, height): (u16, u16)) -> Result<Self, Error> {
        let (width, height) = (usize::from(width), usize::from(height));
        let pixels = width * height;
        if pixels == 0 || pixels > MAX_PIXELS {
            let sentence = format!("cannot capture a screen of {width} x {height} pixels");
            return Err(Error::Setup(sentence));
        }
        Ok(Self {
            width,
            height,
            rgb: vec![0; pixels * 3],
            received: vec![false; pixels],
        })
    }

    /// A complete picture from RGB bytes by rows.
    pub const fn from_rgb(width: usize, height: usize, rgb: Vec<u8>) -> Self {
        Self {
            width,
            height,
            rgb,
            received: Vec::new(),
        }
    }

    /// The smallest area that contains all missing pixels; `None` where none is missing.
    pub fn missing(&self) -> Option<Area> {
        let mut around: Option<(usize, usize, usize, usize)> = None;
        for (y, row) in self.received.chunks(self.width).enumerate() {
            let Some(left) = row.iter().position(|received| !received) else {
                continue;
            };
            let right = row.iter().rposition(|received| !received).unwrap_or(left);
            let (l, t, r, _) = around.unwrap_or((left, y, right, y));
            around = Some((l.min(left), t, r.max(right), y));
        }
        let (left, top, right, bottom) = around?;
        let side = |side: usize| u16::try_from(side).unwrap_or(u16::MAX);
        Some(Area {
            x: side(left),
            y: side(top),
            width: side(right - left + 1),
            height: side(bottom - top + 1),
        })
    }

    /// The picture reduced by `scale` (0 to 1): each pixel is the mean of those that it replaces.
    pub fn scaled(&self, scale: f64) -> Self {
        let side = |side: usize| ((side as f64 * scale).round() as usize).clamp(1, side);
        let (width, height) = (side(self.width), side(self.height));
        let span = |at: usize, small: usize, large: usize| {
            let from = at * large / small;
            from..((at + 1) * large / small).max(from + 1)
        };
        let mut rgb = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            for x in 0..width {
                let across = span(x, width, self.width);
                rgb.extend(self.mean(span(y, height, self.height), &across));
            }
        }
        Self::from_rgb(width, height, rgb)
    }

    fn mean(&self, down: std::ops::Range<usize>, across: &std::ops::Range<usize>) -> [u8; 3] {
        let mut sums = [0_u64; 3];
        let mut count = 0_u64;
        for y in down {
            let row = (y * self.width + across.start) * 3..(y * self.width + across.end) * 3;
            for pixel in self.rgb.get(row).unwrap_or_default().as_chunks::<3>().0 {
                for (sum, value) in sums.iter_mut().zip(pixel) {
                    *sum += u64::from(*value);
                }
                count += 1;
            }
        }
        sums.map(|sum| u8::try_from((sum + count / 2) / count.max(1)).unwrap_or(u8::MAX))
    }

    /// Writes the picture as a PNG with eight bits per channel.
    ///
    /// # Errors
    /// `output` fails.
    pub fn write_png(&self, output: impl Write) -> io::Result<()> {
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        let mut encoder = png::Encoder::new(output, side(self.width), side(self.height));
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.rgb)?;
        Ok(writer.finish()?)
    }

    /// Stores pixels, beginning with the `done`th of `area`. Those outside the picture are dropped.
    fn store(&mut self, area: Area, done: usize, rgb: &[[u8; 3]]) {
        for (nth, pixel) in (done..).zip(rgb) {
            let (across, down) = (nth % usize::from(area.width), nth / usize::from(area.width));
            let (x, y) = (usize::from(area.x) + across, usize::from(area.y) + down);
            if x >= self.width || y >= self.height {
                continue;
            }
            let at = y * self.width + x;
            if let (Some(place), Some(received)) = (
                self.rgb.get_mut(at * 3..at * 3 + 3),
                self.received.get_mut(at),
            ) {
                place.copy_from_slice(pixel);
                *received = true;
            }
        }
    }
}

/// Decodes one Raw rectangle (RFC 6143 section 7.7.1) as its bytes arrive.
pub(super) struct RawRectangle {
    area: Area,
    converter: Converter,
    /// Bytes of an incomplete pixel.
    rest: BytesMut,
    /// How many pixels were decoded so far.
    done: usize,
}

impl RawRectangle {
    /// A rectangle with pixels in `format`; `None` where that cannot be converted.
    pub(super) fn new(area: Area, format: PixelFormat) -> Option<Self> {
        Some(Self {
            area,
            converter: Converter::new(format, RGBX)?,
            rest: BytesMut::new(),
            done: 0,
        })
    }

    /// Decodes the next bytes into `picture`.
    pub(super) fn decode(&mut self, picture: &mut Picture, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let mut rgbx = Vec::with_capacity(self.rest.len());
        let converted = self.converter.convert(&self.rest, &mut rgbx);
        self.rest.advance(converted);
        let pixels = rgbx.as_chunks::<4>().0;
        let rgb: Vec<[u8; 3]> = pixels.iter().map(|&[r, g, b, _]| [r, g, b]).collect();
        picture.store(self.area, self.done, &rgb);
        self.done += rgb.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(x: u16, y: u16, width: u16, height: u16) -> Area {
        Area {
            x,
            y,
            width,
            height,
        }
    }

    #[test]
    fn missing_is_the_smallest_area_around_missing_pixels() {
        let mut picture = Picture::blank((4, 3)).unwrap();
        assert_eq!(picture.missing(), Some(area(0, 0, 4, 3)));
        picture.store(area(0, 0, 4, 1), 0, &[[1; 3]; 4]);
        assert_eq!(picture.missing(), Some(area(0, 1, 4, 2)));
        picture.store(area(0, 1, 1, 2), 0, &[[1; 3]; 2]);
        picture.store(area(1, 1, 3, 1), 0, &[[1; 3]; 3]);
        picture.store(area(3, 2, 1, 1), 0, &[[1; 3]]);
        assert_eq!(picture.missing(), Some(area(1, 2, 2, 1)));
        picture.store(area(1, 2, 9, 9), 0, &[[1; 3]; 81]);
        assert_eq!(picture.missing(), None);
    }

    #[test]
    fn decoding_does_not_depend_on_where_the_bytes_are_cut() {
        let bytes: Vec<u8> = (0..24).collect();
        let whole = |cut: usize| {
            let mut picture = Picture::blank((3, 2)).unwrap();
            let mut rectangle = RawRectangle::new(area(0, 0, 3, 2), PixelFormat::VMWARE).unwrap();
            let (one, two) = bytes.split_at(cut);
            rectangle.decode(&mut picture, one);
            rectangle.decode(&mut picture, two);
            assert_eq!(picture.missing(), None);
            picture.rgb
        };
        assert_eq!(whole(0).get(..6), Some([2, 1, 0, 6, 5, 4].as_slice()));
        for cut in 1..24 {
            assert_eq!(whole(cut), whole(0), "{cut}");
        }
    }

    #[test]
    fn scaling_to_half_the_size_averages_four_pixels() {
        let rgb = [[0, 10, 255], [4, 20, 255], [8, 30, 255], [12, 40, 255]].concat();
        let picture = Picture::from_rgb(2, 2, rgb);
        assert_eq!(picture.scaled(0.5).rgb, [6, 25, 255]);
        assert_eq!(picture.scaled(1.0).rgb, picture.rgb);
        let tiny = picture.scaled(0.01);
        assert_eq!((tiny.width, tiny.height), (1, 1));
    }
}
