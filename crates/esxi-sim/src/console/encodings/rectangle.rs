//! A rectangle of pixels to encode, its tiles and subrectangles.

use crate::desktop::area::Area;

/// Pixels, 0x00RRGGBB, and their area of the desktop.
#[derive(Clone, Copy)]
pub(crate) struct Rectangle<'a> {
    area: Area,
    rows: &'a [&'a [u32]],
    /// The index of its first column in `rows`.
    left: usize,
}

impl<'a> Rectangle<'a> {
    /// `rows` are the pixels of `area`.
    pub(crate) fn new(area: Area, rows: &'a [&'a [u32]]) -> Self {
        Self {
            area,
            rows,
            left: 0,
        }
    }

    pub(super) fn area(self) -> Area {
        self.area
    }

    pub(super) fn len(self) -> usize {
        usize::from(self.area.width) * usize::from(self.area.height)
    }

    pub(super) fn rows(self) -> impl Iterator<Item = &'a [u32]> + Clone {
        let columns = self.left..self.left + usize::from(self.area.width);
        self.rows
            .iter()
            .map(move |row| row.get(columns.clone()).unwrap_or_default())
    }

    /// All pixels, row by row.
    pub(super) fn pixels(self) -> impl Iterator<Item = u32> + Clone {
        self.rows().flatten().copied()
    }

    /// Its colour, if all pixels have the same.
    pub(super) fn colour(self) -> Option<u32> {
        let first = self.pixels().next()?;
        self.pixels().all(|pixel| pixel == first).then_some(first)
    }

    /// Its tiles of at most `width` × `height` pixels, row by row.
    pub(super) fn tiles(self, width: u16, height: u16) -> impl Iterator<Item = Self> {
        let steps = |length: u16, step: u16| (0..length).step_by(step.max(1).into());
        steps(self.area.height, height).flat_map(move |down| {
            steps(self.area.width, width).map(move |right| self.part(right, down, width, height))
        })
    }

    fn part(self, right: u16, down: u16, width: u16, height: u16) -> Self {
        let area = Area {
            x: self.area.x + right,
            y: self.area.y + down,
            width: width.min(self.area.width - right),
            height: height.min(self.area.height - down),
        };
        let rows = usize::from(down)..usize::from(down) + usize::from(area.height);
        Self {
            area,
            rows: self.rows.get(rows).unwrap_or_default(),
            left: self.left + usize::from(right),
        }
    }

    /// The pixels other than `background` as rectangles of one colour, with positions relative to this rectangle.
    pub(super) fn subrectangles(self, background: u32) -> Vec<(u32, Area)> {
        let width = usize::from(self.area.width);
        let pixels: Vec<u32> = self.pixels().collect();
        let mut done = vec![false; pixels.len()];
        let mut found = Vec::new();
        for at in 0..pixels.len() {
            let Some(&colour) = pixels.get(at).filter(|colour| **colour != background) else {
                continue;
            };
            let is_free = |at: usize, done: &[bool]| {
                pixels.get(at) == Some(&colour) && done.get(at) == Some(&false)
            };
            if !is_free(at, &done) {
                continue;
            }
            let (x, y) = (at % width, at / width);
            let across = (at..(y + 1) * width)
                .take_while(|at| is_free(*at, &done))
                .count();
            let row = |down: usize| at + down * width..at + down * width + across;
            let is_row_free = |down: &usize| row(*down).all(|at| is_free(at, &done));
            let down = (1..usize::from(self.area.height) - y)
                .take_while(is_row_free)
                .count()
                + 1;
            for at in (0..down).flat_map(row) {
                if let Some(done) = done.get_mut(at) {
                    *done = true;
                }
            }
            let number = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
            let area = Area {
                x: number(x),
                y: number(y),
                width: number(across),
                height: number(down),
            };
            found.push((colour, area));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Area = Area {
        x: 10,
        y: 20,
        width: 5,
        height: 3,
    };

    #[test]
    fn tiles_cover_it_and_know_their_places() {
        let rows: [&[u32]; 3] = [&[0, 1, 2, 3, 4], &[5, 6, 7, 8, 9], &[10, 11, 12, 13, 14]];
        let whole = Rectangle::new(AREA, &rows);
        let tiles: Vec<_> = whole
            .tiles(4, 2)
            .map(|tile| (tile.area(), tile.pixels().collect::<Vec<_>>()))
            .collect();
        assert_eq!(tiles.len(), 4);
        assert_eq!(
            tiles[1],
            (
                Area {
                    x: 14,
                    y: 20,
                    width: 1,
                    height: 2
                },
                vec![4, 9]
            )
        );
        assert_eq!(
            tiles[2],
            (
                Area {
                    x: 10,
                    y: 22,
                    width: 4,
                    height: 1
                },
                vec![10, 11, 12, 13]
            )
        );
    }

    #[test]
    fn subrectangles_cover_what_is_not_background_once() {
        let rows: [&[u32]; 3] = [&[0, 1, 1, 0, 2], &[0, 1, 1, 0, 2], &[0, 0, 1, 0, 0]];
        let found = Rectangle::new(AREA, &rows).subrectangles(0);
        let place = |x, y, width, height| Area {
            x,
            y,
            width,
            height,
        };
        assert_eq!(
            found,
            [
                (1, place(1, 0, 2, 2)),
                (2, place(4, 0, 1, 2)),
                (1, place(2, 2, 1, 1))
            ]
        );
    }
}
