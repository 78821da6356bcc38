//! Damage tracking by tiles: when each tile changed, and which revision of it a client has.

use super::area::{Area, place};

/// The revision in which each tile last changed. Revisions only increase.
pub(super) struct Tiles {
    size: (u16, u16),
    across: usize,
    /// Row by row.
    changed: Vec<u64>,
    moved: Option<Moved>,
}

/// The revision of each tile that a client has, for a framebuffer of this size.
#[derive(Default)]
pub(crate) struct ShownTiles {
    size: (u16, u16),
    tiles: Vec<u64>,
}

/// What a client lacks: first a copy within its framebuffer, then new pixels.
pub(super) struct Damage {
    pub(super) copy: Option<(Area, Area)>,
    pub(super) pixels: Vec<Area>,
}

/// The latest move of an area.
struct Moved {
    from: Area,
    to: Area,
    revision: u64,
    /// The tiles' revisions before the move.
    before: Vec<u64>,
}

impl Tiles {
    pub(super) fn new(size: (u16, u16)) -> Self {
        let count = |side: u16| usize::from(side).div_ceil(TILE);
        Self {
            size,
            across: count(size.0),
            changed: vec![1; count(size.0) * count(size.1)],
            moved: None,
        }
    }

    /// Marks `area` as changed in `revision`.
    pub(super) fn mark(&mut self, area: Area, revision: u64) {
        for tile in self.touched_by(area) {
            if let Some(changed) = self.changed.get_mut(tile) {
                *changed = revision;
            }
        }
    }

    /// Marks `from` as moved to `to` in `revision`, in which nothing else changes.
    pub(super) fn mark_moved(&mut self, from: Area, to: Area, revision: u64) {
        let before = self.changed.clone();
        self.mark(to, revision);
        self.moved = Some(Moved {
            from,
            to,
            revision,
            before,
        });
    }

    /// The damage of `region`, which is inside the framebuffer, since `shown`; all of it if not `incremental`. Updates
    /// `shown`. `copies`: whether the client supports CopyRect.
    pub(super) fn damage(
        &self,
        shown: &mut ShownTiles,
        region: Area,
        incremental: bool,
        copies: bool,
    ) -> Damage {
        // After a change of size the client has nothing.
        if shown.size != self.size {
            shown.size = self.size;
            shown.tiles = vec![0; self.changed.len()];
        }
        let moved = self.moved.as_ref().filter(|_| incremental && copies);
        let moved = moved.filter(|moved| self.can_copy(moved, shown, region));
        if let Some(moved) = moved {
            self.touched_by(moved.to)
                .for_each(|tile| shown.set(tile, moved.revision));
        }
        Damage {
            copy: moved.map(|moved| (moved.from, moved.to)),
            pixels: self.pixels(shown, region, incremental),
        }
    }

    /// Whether the client has exactly the state before the move.
    fn can_copy(&self, moved: &Moved, shown: &ShownTiles, region: Area) -> bool {
        let mut tiles = self.touched_by(moved.from).chain(self.touched_by(moved.to));
        let is_as_before = |tile| shown.tiles.get(tile) == moved.before.get(tile);
        region.contains(moved.from) && region.contains(moved.to) && tiles.all(is_as_before)
    }

    /// The changed parts of `region`, or all of it, as runs of tiles. Tiles that are only partly in the region stay
    /// changed.
    fn pixels(&self, shown: &mut ShownTiles, region: Area, incremental: bool) -> Vec<Area> {
        let mut areas: Vec<Area> = Vec::new();
        for index in self.touched_by(region) {
            let (Some(changed), Some(shown)) =
                (self.changed.get(index), shown.tiles.get_mut(index))
            else {
                continue;
            };
            if incremental && *shown >= *changed {
                continue;
            }
            let tile = self.area(index);
            if region.contains(tile) {
                *shown = *changed;
            }
            join(&mut areas, tile.common(region));
        }
        areas
    }

    /// The indices of the tiles that `area` touches.
    fn touched_by(&self, area: Area) -> impl Iterator<Item = usize> + use<> {
        let across = self.across;
        let tiles = |from: u16, length: u16| {
            let (from, end) = (usize::from(from), usize::from(from) + usize::from(length));
            if length == 0 {
                0..0
            } else {
                from / TILE..end.div_ceil(TILE)
            }
        };
        let columns = tiles(area.x, area.width);
        tiles(area.y, area.height)
            .flat_map(move |row| columns.clone().map(move |column| row * across + column))
    }

    /// The part of a tile inside the framebuffer.
    fn area(&self, index: usize) -> Area {
        let (x, y) = (index % self.across * TILE, index / self.across * TILE);
        let length = |from: usize, side: u16| place((from + TILE).min(side.into()) - from);
        Area {
            x: place(x),
            y: place(y),
            width: length(x, self.size.0),
            height: length(y, self.size.1),
        }
    }
}

impl ShownTiles {
    fn set(&mut self, tile: usize, revision: u64) {
        if let Some(shown) = self.tiles.get_mut(tile) {
            *shown = revision;
        }
    }
}

/// Adds a part, merged with the last one if they are adjacent.
fn join(areas: &mut Vec<Area>, part: Area) {
    if let Some(last) = areas.last_mut()
        && last.y == part.y
        && last.height == part.height
        && last.x + last.width == part.x
    {
        last.width += part.width;
    } else {
        areas.push(part);
    }
}

/// Small enough that moving the pointer is a small update, large enough that a full update has few rectangles.
const TILE: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Area = Area {
        x: 0,
        y: 0,
        width: 100,
        height: 50,
    };
    const PART: Area = Area {
        x: 40,
        y: 40,
        width: 3,
        height: 2,
    };

    fn pixels(tiles: &Tiles, shown: &mut ShownTiles, region: Area, incremental: bool) -> Vec<Area> {
        let damage = tiles.damage(shown, region, incremental, false);
        assert_eq!(damage.copy, None, "nobody asked for copies");
        damage.pixels
    }

    #[test]
    fn a_whole_picture_is_covered_once_and_then_nothing_is_new() {
        let tiles = Tiles::new((100, 50));
        let mut seen = ShownTiles::default();
        let shown = pixels(&tiles, &mut seen, WHOLE, false);
        let area = |area: &Area| u32::from(area.width) * u32::from(area.height);
        assert_eq!(shown.iter().map(area).sum::<u32>(), 100 * 50);
        assert_eq!(pixels(&tiles, &mut seen, WHOLE, true), []);
        assert_eq!(pixels(&tiles, &mut seen, PART, false), [PART]);
        assert_eq!(pixels(&tiles, &mut seen, WHOLE, true), []);
    }

    #[test]
    fn what_was_shown_in_part_is_still_new() {
        let mut tiles = Tiles::new((100, 50));
        let mut seen = ShownTiles::default();
        pixels(&tiles, &mut seen, WHOLE, false);
        tiles.mark(PART, 2);
        assert_eq!(pixels(&tiles, &mut seen, PART, true), [PART]);
        assert_eq!(pixels(&tiles, &mut seen, PART, true), [PART]);
        assert!(!pixels(&tiles, &mut seen, WHOLE, true).is_empty());
        assert_eq!(pixels(&tiles, &mut seen, PART, true), []);
    }

    #[test]
    fn a_move_is_copied_once_by_whoever_saw_all_that_was_before() {
        let mut tiles = Tiles::new((100, 50));
        let to = Area { y: 10, ..PART };
        let (mut attentive, mut late) = (ShownTiles::default(), ShownTiles::default());
        tiles.damage(&mut attentive, WHOLE, false, true);
        tiles.damage(&mut late, WHOLE, false, true);
        tiles.mark(PART, 2);
        tiles.damage(&mut attentive, WHOLE, true, true);
        tiles.mark_moved(PART, to, 3);
        let damage = tiles.damage(&mut attentive, WHOLE, true, true);
        assert_eq!((damage.copy, damage.pixels.len()), (Some((PART, to)), 0));
        let again = tiles.damage(&mut attentive, WHOLE, true, true);
        assert_eq!((again.copy, again.pixels.len()), (None, 0));
        let damage = tiles.damage(&mut late, WHOLE, true, true);
        assert_eq!((damage.copy, damage.pixels.len()), (None, 2));
    }
}
