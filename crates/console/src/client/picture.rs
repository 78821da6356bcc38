//! A picture under way: what has been painted of it, what is missing, and the whole as PNG.

use std::io::{self, Write};

use bytes::{Buf, BytesMut};
use rfb_proto::{Area, Converter, PixelFormat};

use crate::error::Error;

/// The largest picture that is taken, in pixels: four screens of 4K twice over, in 256 MiB.
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

/// Pixels by rows, three bytes each.
pub struct Picture {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
    painted: Vec<bool>,
}

impl Picture {
    /// Nothing is painted yet.
    pub fn blank((width, height): (u16, u16)) -> Result<Self, Error> {
        let (width, height) = (usize::from(width), usize::from(height));
        let pixels = width * height;
        if pixels == 0 || pixels > MAX_PIXELS {
            let sentence = format!("a screen of {width} x {height} pixels cannot be taken");
            return Err(Error::Setup(sentence));
        }
        Ok(Self {
            width,
            height,
            rgb: vec![0; pixels * 3],
            painted: vec![false; pixels],
        })
    }

    /// Three bytes for each pixel, by rows.
    pub const fn from_rgb(width: usize, height: usize, rgb: Vec<u8>) -> Self {
        Self {
            width,
            height,
            rgb,
            painted: Vec::new(),
        }
    }

    /// The smallest area that has all that is missing; `None` where nothing is.
    pub fn missing(&self) -> Option<Area> {
        let mut around: Option<(usize, usize, usize, usize)> = None;
        for (y, row) in self.painted.chunks(self.width).enumerate() {
            let Some(left) = row.iter().position(|painted| !painted) else {
                continue;
            };
            let right = row.iter().rposition(|painted| !painted).unwrap_or(left);
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

    /// One pixel for each `1 / scale` across and down: the mean of those that it stands for.
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

    /// Writes it as a PNG of eight bits each for red, green and blue.
    pub fn write_png(&self, output: impl Write) -> io::Result<()> {
        let side = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
        let mut encoder = png::Encoder::new(output, side(self.width), side(self.height));
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.rgb)?;
        Ok(writer.finish()?)
    }

    /// Paints pixels, three bytes each, from the `done`th of `area` on. What lies outside is left out.
    fn paint(&mut self, area: Area, done: usize, rgb: &[[u8; 3]]) {
        for (nth, pixel) in (done..).zip(rgb) {
            let (across, down) = (nth % usize::from(area.width), nth / usize::from(area.width));
            let (x, y) = (usize::from(area.x) + across, usize::from(area.y) + down);
            if x >= self.width || y >= self.height {
                continue;
            }
            let at = y * self.width + x;
            if let (Some(place), Some(painted)) = (
                self.rgb.get_mut(at * 3..at * 3 + 3),
                self.painted.get_mut(at),
            ) {
                place.copy_from_slice(pixel);
                *painted = true;
            }
        }
    }
}

/// Paints one rectangle of raw pixels (RFC 6143 section 7.7.1) as they come.
pub(super) struct Brush {
    area: Area,
    converter: Converter,
    /// Bytes of a pixel that is not there as a whole yet.
    rest: BytesMut,
    /// Pixels painted so far.
    done: usize,
}

impl Brush {
    /// For a rectangle whose pixels look like `format`; `None` where nothing can be made of such.
    pub(super) fn new(area: Area, format: PixelFormat) -> Option<Self> {
        Some(Self {
            area,
            converter: Converter::new(format, RGBX)?,
            rest: BytesMut::new(),
            done: 0,
        })
    }

    /// What comes next of it.
    pub(super) fn paint(&mut self, picture: &mut Picture, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let mut rgbx = Vec::with_capacity(self.rest.len());
        let converted = self.converter.convert(&self.rest, &mut rgbx);
        self.rest.advance(converted);
        let pixels = rgbx.as_chunks::<4>().0;
        let rgb: Vec<[u8; 3]> = pixels.iter().map(|&[r, g, b, _]| [r, g, b]).collect();
        picture.paint(self.area, self.done, &rgb);
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
    fn what_is_missing_is_the_smallest_area_around_it() {
        let mut picture = Picture::blank((4, 3)).unwrap();
        assert_eq!(picture.missing(), Some(area(0, 0, 4, 3)));
        picture.paint(area(0, 0, 4, 1), 0, &[[1; 3]; 4]);
        assert_eq!(picture.missing(), Some(area(0, 1, 4, 2)));
        picture.paint(area(0, 1, 1, 2), 0, &[[1; 3]; 2]);
        picture.paint(area(1, 1, 3, 1), 0, &[[1; 3]; 3]);
        picture.paint(area(3, 2, 1, 1), 0, &[[1; 3]]);
        assert_eq!(picture.missing(), Some(area(1, 2, 2, 1)));
        picture.paint(area(1, 2, 9, 9), 0, &[[1; 3]; 81]);
        assert_eq!(picture.missing(), None);
    }

    #[test]
    fn a_brush_paints_the_same_however_its_bytes_are_cut() {
        let bytes: Vec<u8> = (0..24).collect();
        let whole = |cut: usize| {
            let mut picture = Picture::blank((3, 2)).unwrap();
            let mut brush = Brush::new(area(0, 0, 3, 2), PixelFormat::VMWARE).unwrap();
            let (one, two) = bytes.split_at(cut);
            brush.paint(&mut picture, one);
            brush.paint(&mut picture, two);
            assert_eq!(picture.missing(), None);
            picture.rgb
        };
        assert_eq!(whole(0).get(..6), Some([2, 1, 0, 6, 5, 4].as_slice()));
        for cut in 1..24 {
            assert_eq!(whole(cut), whole(0), "{cut}");
        }
    }

    #[test]
    fn half_the_size_is_the_mean_of_four() {
        let rgb = [[0, 10, 255], [4, 20, 255], [8, 30, 255], [12, 40, 255]].concat();
        let picture = Picture::from_rgb(2, 2, rgb);
        assert_eq!(picture.scaled(0.5).rgb, [6, 25, 255]);
        assert_eq!(picture.scaled(1.0).rgb, picture.rgb);
        let tiny = picture.scaled(0.01);
        assert_eq!((tiny.width, tiny.height), (1, 1));
    }
}
