//! The parts of the picture that a viewer has requested and not received.

use rfb_proto::Area;

/// The most parts. With more, the request counts as answered.
const MOST_PARTS: usize = 64;

/// Parts of the framebuffer, which do not overlap.
#[derive(Debug, Default)]
pub(super) struct Missing(Vec<Area>);

impl Missing {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of pixels.
    pub(super) fn pixels(&self) -> u64 {
        self.0.iter().map(Area::pixels).sum()
    }

    /// The bytes of memory that it takes.
    pub(super) const fn memory(&self) -> usize {
        self.0.capacity() * size_of::<Area>()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn add(&mut self, area: Area) {
        self.remove(area);
        if area.pixels() > 0 {
            self.0.push(area);
        }
        self.bound();
    }

    /// Removes `area`, which has arrived.
    pub(super) fn remove(&mut self, area: Area) {
        if self.0.iter().any(|part| overlap(part, &area)) {
            let parts = std::mem::take(&mut self.0);
            let rest = parts.into_iter().flat_map(|part| without(part, area));
            self.0 = rest.filter(|part| part.pixels() > 0).collect();
            self.bound();
        }
    }

    /// The smallest area that contains all parts.
    pub(super) fn bounding_box(&self) -> Option<Area> {
        let left = self.0.iter().map(|part| part.x).min()?;
        let top = self.0.iter().map(|part| part.y).min()?;
        let right = self.0.iter().map(right).max()?;
        let bottom = self.0.iter().map(bottom).max()?;
        Some(between(left.into(), top.into(), right, bottom))
    }

    fn bound(&mut self) {
        if self.0.len() > MOST_PARTS {
            self.0.clear();
        }
    }
}

fn right(area: &Area) -> u32 {
    u32::from(area.x) + u32::from(area.width)
}

fn bottom(area: &Area) -> u32 {
    u32::from(area.y) + u32::from(area.height)
}

fn overlap(one: &Area, other: &Area) -> bool {
    u32::from(one.x) < right(other)
        && u32::from(other.x) < right(one)
        && u32::from(one.y) < bottom(other)
        && u32::from(other.y) < bottom(one)
}

/// The area between these edges; empty if they are not in order.
fn between(left: u32, top: u32, right: u32, bottom: u32) -> Area {
    let side = |side: u32| u16::try_from(side).unwrap_or(u16::MAX);
    Area {
        x: side(left),
        y: side(top),
        width: side(right.saturating_sub(left)),
        height: side(bottom.saturating_sub(top)),
    }
}

/// The rest of `part` without `hole`: above, below, to the left and to the right.
fn without(part: Area, hole: Area) -> [Area; 4] {
    let (left, top) = (u32::from(part.x), u32::from(part.y));
    let (right_end, bottom_end) = (right(&part), bottom(&part));
    let hole_top = u32::from(hole.y).clamp(top, bottom_end);
    let hole_bottom = bottom(&hole).clamp(hole_top, bottom_end);
    let hole_left = u32::from(hole.x).clamp(left, right_end);
    let hole_right = right(&hole).clamp(hole_left, right_end);
    if !overlap(&part, &hole) {
        return [part, Area::default(), Area::default(), Area::default()];
    }
    [
        between(left, top, right_end, hole_top),
        between(left, hole_bottom, right_end, bottom_end),
        between(left, hole_top, hole_left, hole_bottom),
        between(hole_right, hole_top, right_end, hole_bottom),
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn area() -> impl Strategy<Value = Area> {
        (0_u16..12, 0_u16..12, 0_u16..9, 0_u16..9).prop_map(|(x, y, width, height)| Area {
            x,
            y,
            width,
            height,
        })
    }

    fn holds(area: &Area, x: u16, y: u16) -> bool {
        overlap(
            area,
            &Area {
                x,
                y,
                width: 1,
                height: 1,
            },
        )
    }

    proptest! {
        #[test]
        fn an_area_is_missing_from_add_to_remove(steps in prop::collection::vec((any::<bool>(), area()), 0..9)) {
            let mut missing = Missing::default();
            let mut expected = [[false; 24]; 24];
            for (add, area) in steps {
                match add {
                    true => missing.add(area),
                    false => missing.remove(area),
                }
                for (y, row) in (0..).zip(&mut expected) {
                    for (x, cell) in (0..).zip(row) {
                        *cell = if holds(&area, x, y) { add } else { *cell };
                    }
                }
            }
            for (y, row) in (0..).zip(expected) {
                for (x, cell) in (0..).zip(row) {
                    let parts = missing.0.iter().filter(|part| holds(part, x, y)).count();
                    prop_assert_eq!(parts, usize::from(cell), "at {} {}", x, y);
                    let in_box = missing.bounding_box().is_some_and(|area| holds(&area, x, y));
                    prop_assert!(in_box || !cell);
                }
            }
        }
    }

    #[test]
    fn areas_reach_the_far_corner_of_the_largest_screen() {
        let whole = Area {
            x: 0,
            y: 0,
            width: u16::MAX,
            height: u16::MAX,
        };
        let mut missing = Missing::default();
        missing.add(whole);
        assert_eq!(missing.bounding_box(), Some(whole));
        missing.remove(Area {
            x: 1,
            y: 1,
            ..whole
        });
        assert_eq!(missing.pixels(), 2 * u64::from(u16::MAX) - 1);
        missing.remove(whole);
        assert!(missing.is_empty());
    }
}
