//! An image in memory that embedded-graphics draws on.

use std::convert::Infallible;

use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::{DrawTarget, OriginDimensions, Pixel, Point, RgbColor, Size};
use embedded_graphics::primitives::Rectangle;

/// Pixels, 0x00RRGGBB, row by row.
#[derive(Clone)]
pub(super) struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<u32>,
}

impl Canvas {
    pub(super) fn new(width: u16, height: u16) -> Self {
        let (width, height) = (usize::from(width), usize::from(height));
        Self {
            width,
            height,
            pixels: vec![0; width * height],
        }
    }

    /// `width` pixels of `row` from `left`; fewer at the edge.
    pub(super) fn row(&self, row: usize, left: usize, width: usize) -> &[u32] {
        let begin = row * self.width + left.min(self.width);
        let end = begin + width.min(self.width - left.min(self.width));
        self.pixels.get(begin..end).unwrap_or_default()
    }

    fn row_mut(&mut self, row: usize, left: usize, width: usize) -> &mut [u32] {
        let begin = row * self.width + left.min(self.width);
        let end = begin + width.min(self.width - left.min(self.width));
        self.pixels.get_mut(begin..end).unwrap_or_default()
    }

    /// Copies `area` from a canvas of the same size.
    pub(super) fn restore(&mut self, from: &Self, area: &Rectangle) {
        let (left, top, width, height) = self.clip(area);
        for row in top..top + height {
            let source = from.row(row, left, width);
            self.row_mut(row, left, width).copy_from_slice(source);
        }
    }

    /// Sets the pixels of `row` to `colour` of their x.
    pub(super) fn paint_row(&mut self, row: usize, colour: impl Fn(usize) -> Rgb888) {
        for (place, pixel) in self.row_mut(row, 0, self.width).iter_mut().enumerate() {
            *pixel = word(colour(place));
        }
    }

    /// Moves an area (left, top, width, height) up by `up` rows; its top rows are overwritten.
    pub(super) fn move_up(
        &mut self,
        (left, top, width, height): (usize, usize, usize, usize),
        up: usize,
    ) {
        for row in top..top + height.saturating_sub(up) {
            let source = self.row(row + up, left, width).to_vec();
            self.row_mut(row, left, width).copy_from_slice(&source);
        }
    }

    /// The part of `area` on the canvas: left, top, width and height.
    pub(super) fn clip(&self, area: &Rectangle) -> (usize, usize, usize, usize) {
        let whole = Rectangle::new(Point::zero(), OriginDimensions::size(self));
        let inside = area.intersection(&whole);
        let place = |at: i32| usize::try_from(at).unwrap_or_default();
        let (at, size) = (inside.top_left, inside.size);
        (
            place(at.x),
            place(at.y),
            size.width as usize,
            size.height as usize,
        )
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        // Lossless: both were u16.
        Size::new(self.width as u32, self.height as u32)
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Infallible> {
        for Pixel(at, colour) in pixels {
            let (Ok(x), Ok(y)) = (usize::try_from(at.x), usize::try_from(at.y)) else {
                continue;
            };
            if let Some(pixel) = self.row_mut(y, x, 1).first_mut() {
                *pixel = word(colour);
            }
        }
        Ok(())
    }

    fn fill_solid(&mut self, area: &Rectangle, colour: Rgb888) -> Result<(), Infallible> {
        let (left, top, width, height) = self.clip(area);
        for row in top..top + height {
            self.row_mut(row, left, width).fill(word(colour));
        }
        Ok(())
    }
}

fn word(colour: Rgb888) -> u32 {
    u32::from_be_bytes([0, colour.r(), colour.g(), colour.b()])
}
