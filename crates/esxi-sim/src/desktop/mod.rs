//! A VM's own small desktop: what was typed, where the pointer is, and the picture of it that all its consoles share.

mod canvas;
mod keys;
mod scene;

use std::sync::{Mutex, MutexGuard, PoisonError};

use embedded_graphics::prelude::{Point, Size};
use embedded_graphics::primitives::Rectangle;
use tokio::sync::watch;

use self::canvas::Canvas;
use self::scene::Scene;

/// One desktop.
pub(crate) struct Desktop {
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) has_clock: bool,
    painting: Mutex<Painting>,
    revision: watch::Sender<u64>,
}

/// The latest pointer event of a desktop, in pixels; `buttons` is the mask of RFC 6143 section 7.5.5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pointer {
    /// Pixels from the left.
    pub x: u16,
    /// Pixels from the top.
    pub y: u16,
    /// Bit 0 is the left button.
    pub buttons: u8,
}

/// A rectangle of pixels inside a desktop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    pub(crate) x: u16,
    pub(crate) y: u16,
    pub(crate) width: u16,
    pub(crate) height: u16,
}

/// What one console has been shown: the revision of each tile.
#[derive(Default)]
pub(crate) struct Seen(Vec<u64>);

struct Painting {
    background: Canvas,
    front: Canvas,
    scene: Scene,
    /// The revision in which each tile changed last, row by row.
    tiles: Vec<u64>,
    tiles_across: usize,
    width: usize,
    height: usize,
    revision: u64,
}

impl Desktop {
    /// A desktop of the size nearest to the one asked for that [`Screen::Desktop`](crate::Screen::Desktop) allows.
    pub(crate) fn new(name: &str, width: u16, height: u16, has_clock: bool) -> Self {
        let (width, height) = allowed(width, height);
        let desktop = Self {
            width,
            height,
            has_clock,
            painting: Mutex::new(Painting::new(name, width, height)),
            revision: watch::Sender::new(1),
        };
        desktop.change(|painting| {
            painting.repaint(&Rectangle::new(
                Point::zero(),
                Size::new(width.into(), height.into()),
            ))
        });
        desktop
    }

    /// A key event with an X11 keysym (RFC 6143 section 7.5.4).
    pub(crate) fn key(&self, down: bool, keysym: u32) {
        if !down {
            return;
        }
        self.change(|painting| {
            if keys::press(keysym, &mut painting.scene.typed) {
                let area = scene::text_area(&painting.front);
                painting.repaint(&area);
            }
        });
    }

    /// A pointer event; a place outside is brought to the edge.
    pub(crate) fn point(&self, x: u16, y: u16, buttons: u8) {
        let (x, y) = (x.min(self.width - 1), y.min(self.height - 1));
        self.change(|painting| {
            let now = Pointer { x, y, buttons };
            let before = painting.scene.pointer.replace(now);
            if before.is_none_or(|before| (before.x, before.y) != (x, y)) {
                for at in before.into_iter().chain([now]) {
                    painting.repaint(&scene::pointer_area(at));
                }
            }
        });
    }

    /// Shows a time of day.
    pub(crate) fn show_clock(&self, time: &str) {
        self.change(|painting| {
            if painting.scene.clock.as_deref() != Some(time) {
                painting.scene.clock = Some(time.to_owned());
                let area = scene::clock_area(&painting.front);
                painting.repaint(&area);
            }
        });
    }

    /// The text typed so far: its last [`keys::TYPED`] characters.
    pub(crate) fn typed(&self) -> String {
        self.lock().scene.typed.clone()
    }

    /// The latest pointer event.
    pub(crate) fn pointer(&self) -> Option<Pointer> {
        self.lock().scene.pointer
    }

    /// Counts changes of any kind.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// The parts of `region` that changed since `seen`, which then has seen them. Not `incremental`: all of it.
    /// `show` is called for each part with its pixels, row by row.
    pub(crate) fn show(
        &self,
        seen: &mut Seen,
        region: Area,
        incremental: bool,
        mut show: impl FnMut(Area, &[&[u32]]),
    ) {
        let painting = self.lock();
        seen.0.resize(painting.tiles.len(), 0);
        for area in painting.changed(seen, region, incremental) {
            let (left, width) = (usize::from(area.x), usize::from(area.width));
            let rows: Vec<&[u32]> = (usize::from(area.y)
                ..usize::from(area.y) + usize::from(area.height))
                .map(|row| painting.front.row(row, left, width))
                .collect();
            show(area, &rows);
        }
    }

    /// The part of `area` that lies on the desktop; `None` if nothing does.
    pub(crate) fn clip(&self, area: Area) -> Option<Area> {
        let width = area.width.min(self.width.saturating_sub(area.x));
        let height = area.height.min(self.height.saturating_sub(area.y));
        (width > 0 && height > 0).then_some(Area {
            width,
            height,
            ..area
        })
    }

    fn change(&self, change: impl FnOnce(&mut Painting)) {
        let revision = {
            let mut painting = self.lock();
            painting.revision += 1;
            change(&mut painting);
            painting.revision
        };
        self.revision.send_replace(revision);
    }

    fn lock(&self) -> MutexGuard<'_, Painting> {
        self.painting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Painting {
    fn new(name: &str, width: u16, height: u16) -> Self {
        let background = scene::background(name, width, height);
        let tiles_across = usize::from(width).div_ceil(TILE);
        Self {
            front: background.clone(),
            background,
            scene: Scene::default(),
            tiles: vec![1; tiles_across * usize::from(height).div_ceil(TILE)],
            tiles_across,
            width: width.into(),
            height: height.into(),
            revision: 1,
        }
    }

    fn repaint(&mut self, area: &Rectangle) {
        self.front.restore(&self.background, area);
        self.scene.draw(&mut self.front, area);
        let (left, top, width, height) = self.front.clip(area);
        if width == 0 || height == 0 {
            return;
        }
        for row in top / TILE..=(top + height - 1) / TILE {
            for column in left / TILE..=(left + width - 1) / TILE {
                if let Some(tile) = self.tiles.get_mut(row * self.tiles_across + column) {
                    *tile = self.revision;
                }
            }
        }
    }

    /// The changed parts of `region`, which lies on the desktop, or all of it: runs of tiles. A tile that is only partly in the
    /// region stays unseen.
    fn changed(&self, seen: &mut Seen, region: Area, incremental: bool) -> Vec<Area> {
        let (left, top) = (usize::from(region.x), usize::from(region.y));
        let (right, bottom) = (
            left + usize::from(region.width),
            top + usize::from(region.height),
        );
        let mut areas: Vec<Area> = Vec::new();
        for row in top / TILE..bottom.div_ceil(TILE) {
            for column in left / TILE..right.div_ceil(TILE) {
                let index = row * self.tiles_across + column;
                let (Some(changed), Some(shown)) = (self.tiles.get(index), seen.0.get_mut(index))
                else {
                    continue;
                };
                if incremental && *shown >= *changed {
                    continue;
                }
                let (x, y) = (column * TILE, row * TILE);
                let (x_end, y_end) = ((x + TILE).min(self.width), (y + TILE).min(self.height));
                if x >= left && y >= top && x_end <= right && y_end <= bottom {
                    *shown = *changed;
                }
                join(
                    &mut areas,
                    (x.max(left), y.max(top), x_end.min(right), y_end.min(bottom)),
                );
            }
        }
        areas
    }
}

/// Adds a part, to the one before it if they lie side by side.
fn join(areas: &mut Vec<Area>, (left, top, right, bottom): (usize, usize, usize, usize)) {
    let place = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
    let part = Area {
        x: place(left),
        y: place(top),
        width: place(right - left),
        height: place(bottom - top),
    };
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

fn allowed(width: u16, height: u16) -> (u16, u16) {
    let (width, height) = (width.clamp(1, SIDE), height.clamp(1, SIDE));
    let highest = AREA / u32::from(width);
    (width, height.min(u16::try_from(highest).unwrap_or(SIDE)))
}

/// Side of a tile: small enough that a moved pointer is a small update, large enough that a frame has few rectangles.
const TILE: usize = 32;
/// The longest side of a desktop: 8K.
const SIDE: u16 = 8192;
/// The largest area of a desktop: its raw update, 100 MiB, is the largest message that has to be survived.
const AREA: u32 = 5120 * 5120;

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Area = Area {
        x: 0,
        y: 0,
        width: 100,
        height: 50,
    };

    fn areas(desktop: &Desktop, seen: &mut Seen, region: Area, incremental: bool) -> Vec<Area> {
        let mut areas = Vec::new();
        desktop.show(seen, region, incremental, |area, rows| {
            assert_eq!(rows.len(), usize::from(area.height));
            assert!(rows.iter().all(|row| row.len() == usize::from(area.width)));
            areas.push(area);
        });
        areas
    }

    #[test]
    fn a_whole_picture_is_covered_once_and_then_nothing_is_new() {
        let desktop = Desktop::new("vm", 100, 50, false);
        let mut seen = Seen::default();
        let shown = areas(&desktop, &mut seen, WHOLE, false);
        let pixels: u32 = shown
            .iter()
            .map(|area| u32::from(area.width) * u32::from(area.height))
            .sum();
        assert_eq!(pixels, 100 * 50);
        assert_eq!(areas(&desktop, &mut seen, WHOLE, true), []);
        let corner = Area {
            width: 5,
            height: 5,
            ..WHOLE
        };
        assert_eq!(areas(&desktop, &mut seen, corner, false), [corner]);
        assert_eq!(areas(&desktop, &mut seen, WHOLE, true), []);
    }

    #[test]
    fn what_was_shown_in_part_is_still_new() {
        let desktop = Desktop::new("vm", 100, 50, false);
        let mut seen = Seen::default();
        areas(&desktop, &mut seen, WHOLE, false);
        desktop.point(40, 40, 0);
        let part = Area {
            x: 40,
            y: 40,
            width: 3,
            height: 2,
        };
        assert_eq!(areas(&desktop, &mut seen, part, true), [part]);
        assert_eq!(areas(&desktop, &mut seen, part, true), [part]);
        let around = areas(&desktop, &mut seen, WHOLE, true);
        assert!(!around.is_empty());
        assert_eq!(areas(&desktop, &mut seen, part, true), []);
    }

    #[test]
    fn a_pointer_that_has_moved_on_leaves_the_picture_as_it_was() {
        let picture = |desktop: &Desktop| {
            let mut pixels = Vec::new();
            let mut take = |_: Area, rows: &[&[u32]]| {
                rows.iter().for_each(|row| pixels.extend_from_slice(row))
            };
            desktop.show(&mut Seen::default(), WHOLE, false, &mut take);
            pixels
        };
        let (moved, still) = (
            Desktop::new("vm", 100, 50, false),
            Desktop::new("vm", 100, 50, false),
        );
        let untouched = picture(&moved);
        moved.point(10, 10, 0);
        assert_ne!(picture(&moved), untouched);
        moved.point(80, 30, 0);
        still.point(80, 30, 0);
        assert_eq!(picture(&moved), picture(&still));
    }

    #[test]
    fn a_region_is_brought_inside_and_a_size_within_bounds() {
        let desktop = Desktop::new("vm", 100, 50, false);
        let beyond = Area {
            x: 90,
            y: 40,
            width: 100,
            height: 100,
        };
        let inside = Area {
            x: 90,
            y: 40,
            width: 10,
            height: 10,
        };
        assert_eq!(desktop.clip(beyond), Some(inside));
        assert_eq!(desktop.clip(Area { x: 100, ..beyond }), None);
        assert_eq!(allowed(0, 0), (1, 1));
        assert_eq!(allowed(5120, 5120), (5120, 5120));
        assert_eq!(allowed(u16::MAX, u16::MAX), (8192, 3200));
    }
}
