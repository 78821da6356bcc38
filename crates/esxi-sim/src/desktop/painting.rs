//! The picture of a desktop, in tiles that know when they changed.

use embedded_graphics::prelude::{Point, Size};
use embedded_graphics::primitives::Rectangle;

use super::Pointer;
use super::area::Area;
use super::canvas::Canvas;
use super::keyboard::Edit;
use super::scene::{self, Scene};

/// What one console has been shown: the revision of each tile, for a picture of this size.
#[derive(Default)]
pub(crate) struct Seen {
    size: (u16, u16),
    tiles: Vec<u64>,
}

/// A piece of an update.
pub(crate) enum Part<'a> {
    /// What the client shows at another place is to be shown at `to` too.
    Copy { from: Area, to: Area },
    /// New pixels, row by row.
    Pixels(Area, &'a [&'a [u32]]),
}

pub(super) struct Painting {
    name: String,
    size: (u16, u16),
    background: Canvas,
    front: Canvas,
    scene: Scene,
    /// The revision in which each tile changed last, row by row.
    tiles: Vec<u64>,
    tiles_across: usize,
    revision: u64,
    moved: Option<Moved>,
}

/// The latest part of the picture that moved to another place as it was.
struct Moved {
    from: Area,
    to: Area,
    revision: u64,
    /// The tiles' revisions before.
    before: Vec<u64>,
}

impl Painting {
    /// The size is the nearest to the one asked for that [`Screen::Desktop`](crate::Screen::Desktop) allows.
    pub(super) fn new(name: &str, size: (u16, u16)) -> Self {
        let size = allowed(size);
        let background = scene::background(name, size.0, size.1);
        let tiles_across = usize::from(size.0).div_ceil(TILE);
        let mut painting = Self {
            name: name.to_owned(),
            size,
            front: background.clone(),
            background,
            scene: Scene::default(),
            tiles: vec![1; tiles_across * usize::from(size.1).div_ceil(TILE)],
            tiles_across,
            revision: 1,
            moved: None,
        };
        painting.repaint(&rectangle(Area::whole(size)));
        painting
    }

    /// The same scene on a screen of another size.
    pub(super) fn resize(&mut self, size: (u16, u16)) {
        let mut scene = std::mem::take(&mut self.scene);
        if let Some(pointer) = &mut scene.pointer {
            let (width, height) = allowed(size);
            (pointer.x, pointer.y) = (pointer.x.min(width - 1), pointer.y.min(height - 1));
        }
        let revision = self.revision;
        *self = Self::new(&self.name, size);
        self.scene = scene;
        self.revision = revision;
        self.repaint(&rectangle(Area::whole(self.size)));
    }

    pub(super) fn size(&self) -> (u16, u16) {
        self.size
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn next_revision(&mut self) {
        self.revision += 1;
    }

    pub(super) fn typed(&self) -> &str {
        &self.scene.typed
    }

    pub(super) fn pointer(&self) -> Option<Pointer> {
        self.scene.pointer
    }

    /// All pixels, row by row.
    pub(super) fn pixels(&self) -> Vec<u32> {
        let (width, height) = (usize::from(self.size.0), usize::from(self.size.1));
        let rows = (0..height).map(|row| self.front.row(row, 0, width));
        rows.flatten().copied().collect()
    }

    /// Types. Lines that scroll are moved, so that they can be sent as such; only lines that differ are painted.
    pub(super) fn edit(&mut self, edit: Edit) {
        let area = scene::text_area(&self.front);
        let before = self.scene.lines(&area);
        self.scene.edit(edit);
        let after = self.scene.lines(&area);
        let scrolled = scene::scrolled(&before, &after, &area);
        self.scroll(&area, scrolled);
        let shown = before.get(scrolled..).unwrap_or_default();
        for row in 0..after.len().max(before.len()) {
            // What scrolling has left behind at the bottom is painted whatever it becomes.
            if row >= shown.len() || after.get(row) != shown.get(row) {
                self.repaint(&scene::line_area(&area, row));
            }
        }
    }

    pub(super) fn point(&mut self, now: Pointer) {
        let before = self.scene.pointer.replace(now);
        if before.is_none_or(|before| (before.x, before.y) != (now.x, now.y)) {
            for at in before.into_iter().chain([now]) {
                self.repaint(&scene::pointer_area(at));
            }
        }
    }

    pub(super) fn show_clock(&mut self, time: &str) {
        if self.scene.clock.as_deref() != Some(time) {
            self.scene.clock = Some(time.to_owned());
            self.repaint(&scene::clock_area(&self.front));
        }
    }

    /// The parts of `region` that changed since `seen`, which then has seen them. Not `incremental`: all of it.
    pub(super) fn show(
        &self,
        seen: &mut Seen,
        region: Area,
        incremental: bool,
        copies: bool,
        mut show: impl FnMut(Part<'_>),
    ) {
        seen.become_for(self);
        if let Some(moved) = self.moved.as_ref().filter(|_| incremental && copies)
            && self.can_move(moved, seen, region)
        {
            self.tiles_of(moved.to)
                .for_each(|tile| seen.see(tile, moved.revision));
            let (from, to) = (moved.from, moved.to);
            show(Part::Copy { from, to });
        }
        for area in self.changed(seen, region, incremental) {
            let (left, width) = (usize::from(area.x), usize::from(area.width));
            let rows: Vec<&[u32]> = (usize::from(area.y)
                ..usize::from(area.y) + usize::from(area.height))
                .map(|row| self.front.row(row, left, width))
                .collect();
            show(Part::Pixels(area, &rows));
        }
    }

    /// Whether a client shows all that a move touches as it was just before.
    fn can_move(&self, moved: &Moved, seen: &Seen, region: Area) -> bool {
        let mut tiles = self.tiles_of(moved.from).chain(self.tiles_of(moved.to));
        let is_as_before = |tile| seen.tiles.get(tile) == moved.before.get(tile);
        region.contains(moved.from) && region.contains(moved.to) && tiles.all(is_as_before)
    }

    /// Moves all but the uppermost lines of the text up by so many lines, and the pointer with them: it is put right at
    /// its place and where it was moved to.
    fn scroll(&mut self, text: &Rectangle, lines: usize) {
        let (left, top, width, height) = self.front.clip(text);
        let up = scene::line_area(text, lines).top_left.y - text.top_left.y;
        let up = usize::try_from(up).unwrap_or_default();
        if up == 0 || up >= height || width == 0 {
            return;
        }
        let before = self.tiles.clone();
        self.front.move_up((left, top, width, height), up);
        let area = |top: usize| Area {
            x: place(left),
            y: place(top),
            width: place(width),
            height: place(height - up),
        };
        let (from, to) = (area(top + up), area(top));
        self.mark(&rectangle(to));
        self.moved = Some(Moved {
            from,
            to,
            revision: self.revision,
            before,
        });
        self.next_revision();
        if let Some(pointer) = self.scene.pointer {
            let cross = scene::pointer_area(pointer);
            self.repaint(&cross);
            self.repaint(&Rectangle::new(
                cross.top_left - Point::new(0, i32::from(place(up))),
                cross.size,
            ));
        }
    }

    fn repaint(&mut self, area: &Rectangle) {
        self.front.restore(&self.background, area);
        self.scene.draw(&mut self.front, area);
        self.mark(area);
    }

    /// The tiles that `area` touches have changed in this revision.
    fn mark(&mut self, area: &Rectangle) {
        let (left, top, width, height) = self.front.clip(area);
        let area = Area {
            x: place(left),
            y: place(top),
            width: place(width),
            height: place(height),
        };
        for tile in self.tiles_of(area).collect::<Vec<_>>() {
            if let Some(tile) = self.tiles.get_mut(tile) {
                *tile = self.revision;
            }
        }
    }

    /// The numbers of the tiles that `area` touches.
    fn tiles_of(&self, area: Area) -> impl Iterator<Item = usize> + use<> {
        let across = self.tiles_across;
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

    /// The changed parts of `region`, which lies on the desktop, or all of it: runs of tiles. A tile that is only partly
    /// in the region stays unseen.
    fn changed(&self, seen: &mut Seen, region: Area, incremental: bool) -> Vec<Area> {
        let mut areas: Vec<Area> = Vec::new();
        for index in self.tiles_of(region) {
            let (Some(changed), Some(shown)) = (self.tiles.get(index), seen.tiles.get_mut(index))
            else {
                continue;
            };
            if incremental && *shown >= *changed {
                continue;
            }
            let tile = self.tile(index);
            if region.contains(tile) {
                *shown = *changed;
            }
            join(&mut areas, common(tile, region));
        }
        areas
    }

    /// The pixels of a tile that are on the desktop.
    fn tile(&self, index: usize) -> Area {
        let (x, y) = (
            index % self.tiles_across * TILE,
            index / self.tiles_across * TILE,
        );
        let end = |from: usize, side: u16| (from + TILE).min(side.into()) - from;
        Area {
            x: place(x),
            y: place(y),
            width: place(end(x, self.size.0)),
            height: place(end(y, self.size.1)),
        }
    }
}

impl Seen {
    /// A picture of another size has not been seen at all.
    fn become_for(&mut self, painting: &Painting) {
        if self.size != painting.size {
            self.size = painting.size;
            self.tiles = vec![0; painting.tiles.len()];
        }
    }

    fn see(&mut self, tile: usize, revision: u64) {
        if let Some(seen) = self.tiles.get_mut(tile) {
            *seen = revision;
        }
    }
}

/// What two areas that touch have in common.
fn common(one: Area, other: Area) -> Area {
    let (x, y) = (one.x.max(other.x), one.y.max(other.y));
    let right = (one.x + one.width).min(other.x + other.width);
    let bottom = (one.y + one.height).min(other.y + other.height);
    Area {
        x,
        y,
        width: right - x,
        height: bottom - y,
    }
}

/// Adds a part, to the one before it if they lie side by side.
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

fn rectangle(area: Area) -> Rectangle {
    Rectangle::new(
        Point::new(area.x.into(), area.y.into()),
        Size::new(area.width.into(), area.height.into()),
    )
}

/// No side of a desktop is longer than a u16 tells.
fn place(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(u16::MAX)
}

fn allowed((width, height): (u16, u16)) -> (u16, u16) {
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

    fn areas(painting: &Painting, seen: &mut Seen, region: Area, incremental: bool) -> Vec<Area> {
        let mut areas = Vec::new();
        painting.show(seen, region, incremental, false, |part| match part {
            Part::Pixels(area, rows) => {
                assert_eq!(rows.len(), usize::from(area.height));
                assert!(rows.iter().all(|row| row.len() == usize::from(area.width)));
                areas.push(area);
            }
            Part::Copy { .. } => panic!("nobody asked for copies"),
        });
        areas
    }

    fn point(painting: &mut Painting, x: u16, y: u16) {
        painting.next_revision();
        painting.point(Pointer { x, y, buttons: 0 });
    }

    fn type_text(painting: &mut Painting, text: &str) {
        painting.next_revision();
        painting.edit(Edit::Append(text.into()));
    }

    #[test]
    fn a_whole_picture_is_covered_once_and_then_nothing_is_new() {
        let painting = Painting::new("vm", (100, 50));
        let mut seen = Seen::default();
        let shown = areas(&painting, &mut seen, WHOLE, false);
        let pixels: u32 = shown
            .iter()
            .map(|area| u32::from(area.width) * u32::from(area.height))
            .sum();
        assert_eq!(pixels, 100 * 50);
        assert_eq!(areas(&painting, &mut seen, WHOLE, true), []);
        let corner = Area {
            width: 5,
            height: 5,
            ..WHOLE
        };
        assert_eq!(areas(&painting, &mut seen, corner, false), [corner]);
        assert_eq!(areas(&painting, &mut seen, WHOLE, true), []);
    }

    #[test]
    fn what_was_shown_in_part_is_still_new() {
        let mut painting = Painting::new("vm", (100, 50));
        let mut seen = Seen::default();
        areas(&painting, &mut seen, WHOLE, false);
        point(&mut painting, 40, 40);
        let part = Area {
            x: 40,
            y: 40,
            width: 3,
            height: 2,
        };
        assert_eq!(areas(&painting, &mut seen, part, true), [part]);
        assert_eq!(areas(&painting, &mut seen, part, true), [part]);
        let around = areas(&painting, &mut seen, WHOLE, true);
        assert!(!around.is_empty());
        assert_eq!(areas(&painting, &mut seen, part, true), []);
    }

    #[test]
    fn a_pointer_that_has_moved_on_leaves_the_picture_as_it_was() {
        let mut moved = Painting::new("vm", (100, 50));
        let mut still = Painting::new("vm", (100, 50));
        let untouched = moved.pixels();
        point(&mut moved, 10, 10);
        assert_ne!(moved.pixels(), untouched);
        point(&mut moved, 80, 30);
        point(&mut still, 80, 30);
        assert_eq!(moved.pixels(), still.pixels());
    }

    #[test]
    fn typed_line_by_line_the_picture_is_that_of_all_typed_at_once() {
        let text: String = (0..40).map(|line| format!("line {line}\n")).collect();
        let mut slowly = Painting::new("vm", (300, 400));
        point(&mut slowly, 60, 300);
        for character in text.chars() {
            type_text(&mut slowly, &character.to_string());
        }
        let mut at_once = Painting::new("vm", (300, 400));
        type_text(&mut at_once, &text);
        point(&mut at_once, 60, 300);
        assert!(slowly.moved.is_some());
        assert!(slowly.pixels() == at_once.pixels());
    }

    /// Keeps a client's picture by what it is shown.
    fn follow(painting: &Painting, seen: &mut Seen, pixels: &mut [u32], across: usize) -> usize {
        let mut copies = 0;
        let incremental = seen.size != (0, 0);
        let at = |x: u16, y: u16| usize::from(y) * across + usize::from(x);
        painting.show(
            seen,
            Area::whole(painting.size()),
            incremental,
            true,
            |part| match part {
                Part::Copy { from, to } => {
                    copies += 1;
                    let before = pixels.to_vec();
                    for row in 0..from.height {
                        let source = at(from.x, from.y + row);
                        let width = usize::from(from.width);
                        pixels[at(to.x, to.y + row)..][..width]
                            .copy_from_slice(&before[source..][..width]);
                    }
                }
                Part::Pixels(area, rows) => {
                    for (row, source) in (area.y..).zip(rows) {
                        pixels[at(area.x, row)..][..source.len()].copy_from_slice(source);
                    }
                }
            },
        );
        copies
    }

    #[test]
    fn lines_that_scroll_are_copied_by_those_who_saw_them_and_the_picture_stays_right() {
        let mut painting = Painting::new("vm", (300, 400));
        let (mut attentive, mut lazy) = (Seen::default(), Seen::default());
        let (mut near, mut far) = (vec![0; 300 * 400], vec![0; 300 * 400]);
        follow(&painting, &mut attentive, &mut near, 300);
        follow(&painting, &mut lazy, &mut far, 300);
        point(&mut painting, 40, 320);
        let (mut copied, mut copied_late) = (0, 0);
        for line in 0..60 {
            type_text(&mut painting, &format!("{line}"));
            copied += follow(&painting, &mut attentive, &mut near, 300);
            type_text(&mut painting, "\n");
            copied += follow(&painting, &mut attentive, &mut near, 300);
            assert!(near == painting.pixels(), "after line {line}");
            if line % 7 == 0 {
                copied_late += follow(&painting, &mut lazy, &mut far, 300);
                assert!(far == painting.pixels(), "after line {line}, seen late");
            }
        }
        assert!(copied > 40, "{copied}");
        assert!(copied_late < 4, "{copied_late}");
    }

    #[test]
    fn another_size_is_all_new_and_keeps_what_was_typed() {
        let mut painting = Painting::new("vm", (100, 50));
        let mut seen = Seen::default();
        areas(&painting, &mut seen, WHOLE, false);
        type_text(&mut painting, "kept");
        point(&mut painting, 99, 49);
        painting.next_revision();
        painting.resize((50, 40));
        assert_eq!(painting.size(), (50, 40));
        assert_eq!(painting.typed(), "kept");
        assert_eq!(
            painting.pointer(),
            Some(Pointer {
                x: 49,
                y: 39,
                buttons: 0
            })
        );
        let shown = areas(&painting, &mut seen, Area::whole((50, 40)), true);
        assert_eq!(
            shown
                .iter()
                .map(|area| u32::from(area.width) * u32::from(area.height))
                .sum::<u32>(),
            2000
        );
    }

    #[test]
    fn a_size_is_brought_within_bounds() {
        assert_eq!(allowed((0, 0)), (1, 1));
        assert_eq!(allowed((5120, 5120)), (5120, 5120));
        assert_eq!(allowed((u16::MAX, u16::MAX)), (8192, 3200));
    }
}
