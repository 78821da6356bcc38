//! Rectangles of pixels.

/// A rectangle of pixels of a desktop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) x: u16,
    pub(crate) y: u16,
    pub(crate) width: u16,
    pub(crate) height: u16,
}

impl Area {
    pub(crate) fn whole((width, height): (u16, u16)) -> Self {
        Self {
            x: 0,
            y: 0,
            width,
            height,
        }
    }

    /// The part inside a framebuffer of this size; `None` if there is none.
    pub(crate) fn clip(self, size: (u16, u16)) -> Option<Self> {
        let width = self.width.min(size.0.saturating_sub(self.x));
        let height = self.height.min(size.1.saturating_sub(self.y));
        (width > 0 && height > 0).then_some(Self {
            width,
            height,
            ..self
        })
    }

    /// Its top `rows` rows, and the rest, if any.
    pub(crate) fn split(self, rows: u16) -> (Self, Option<Self>) {
        let height = self.height.min(rows);
        let below = Self {
            y: self.y + height,
            height: self.height - height,
            ..self
        };
        (
            Self { height, ..self },
            Some(below).filter(|below| below.height > 0),
        )
    }

    /// The intersection with an overlapping rectangle.
    pub(super) fn common(self, other: Self) -> Self {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let right = (self.x + self.width).min(other.x + other.width);
        let bottom = (self.y + self.height).min(other.y + other.height);
        Self {
            x,
            y,
            width: right - x,
            height: bottom - y,
        }
    }

    pub(crate) fn contains(self, other: Self) -> bool {
        let end = |at: u16, length: u16| u32::from(at) + u32::from(length);
        other.x >= self.x
            && other.y >= self.y
            && end(other.x, other.width) <= end(self.x, self.width)
            && end(other.y, other.height) <= end(self.y, self.height)
    }
}

/// Coordinates fit into a u16: no side is longer.
pub(super) fn place(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEYOND: Area = Area {
        x: 90,
        y: 40,
        width: 100,
        height: 100,
    };

    #[test]
    fn a_region_is_brought_inside() {
        let inside = Area {
            width: 10,
            height: 10,
            ..BEYOND
        };
        assert_eq!(BEYOND.clip((100, 50)), Some(inside));
        assert!(Area::whole((100, 50)).contains(inside));
        assert!(!inside.contains(BEYOND));
        assert_eq!(Area { x: 100, ..BEYOND }.clip((100, 50)), None);
    }

    #[test]
    fn bands_cover_an_area_from_top_to_bottom() {
        let (first, rest) = BEYOND.split(64);
        assert_eq!((first.y, first.height), (40, 64));
        let (second, rest) = rest.unwrap().split(64);
        assert_eq!((second.y, second.height, rest), (104, 36, None));
    }
}
