//! The framebuffer of a desktop, and its damage since a client's last update.

use embedded_graphics::prelude::{Point, Size};
use embedded_graphics::primitives::Rectangle;

use super::area::{Area, place};
use super::canvas::Canvas;
use super::mouse::Pointer;
use super::scene::{self, Scene};
use super::text_edit::TextEdit;
use super::tiles::{ShownTiles, Tiles};

/// A part of an update.
pub(crate) enum Part<'a> {
    /// `to` gets the pixels that the client has at `from`.
    Copy { from: Area, to: Area },
    /// New pixels, row by row.
    Pixels(Area, &'a [&'a [u32]]),
}

pub(super) struct Framebuffer {
    name: String,
    size: (u16, u16),
    background: Canvas,
    front: Canvas,
    scene: Scene,
    tiles: Tiles,
    revision: u64,
}

impl Framebuffer {
    /// Clamps the size as [`Screen::Desktop`](crate::Screen::Desktop) says.
    pub(super) fn new(name: &str, size: (u16, u16)) -> Self {
        let size = allowed(size);
        let background = scene::background(name, size.0, size.1);
        let mut framebuffer = Self {
            name: name.to_owned(),
            size,
            front: background.clone(),
            background,
            scene: Scene::default(),
            tiles: Tiles::new(size),
            revision: 1,
        };
        framebuffer.repaint(&rectangle(Area::whole(size)));
        framebuffer
    }

    /// Changes the size and redraws the scene.
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

    /// Changes the typed text. Scrolled lines are moved, to be sent as CopyRect; only lines that differ are redrawn.
    pub(super) fn edit(&mut self, edit: TextEdit) {
        let area = scene::text_area(&self.front);
        let before = self.scene.lines(&area);
        self.scene.edit(edit);
        let after = self.scene.lines(&area);
        let scrolled = scene::scrolled(&before, &after, &area);
        self.scroll(&area, scrolled);
        let shown = before.get(scrolled..).unwrap_or_default();
        for row in 0..after.len().max(before.len()) {
            // Lines that scrolling freed at the bottom are always redrawn.
            if row >= shown.len() || after.get(row) != shown.get(row) {
                self.repaint(&scene::line_area(&area, row));
            }
        }
    }

    pub(super) fn move_pointer(&mut self, now: Pointer) {
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

    /// Calls `show` with the parts of `region` that changed since `seen`, or all of it if not `incremental`, and
    /// updates `seen`.
    pub(super) fn show(
        &self,
        shown: &mut ShownTiles,
        region: Area,
        incremental: bool,
        copies: bool,
        mut show: impl FnMut(Part<'_>),
    ) {
        let damage = self.tiles.damage(shown, region, incremental, copies);
        if let Some((from, to)) = damage.copy {
            show(Part::Copy { from, to });
        }
        for area in damage.pixels {
            let (left, width) = (usize::from(area.x), usize::from(area.width));
            let rows = usize::from(area.y)..usize::from(area.y) + usize::from(area.height);
            let rows: Vec<&[u32]> = rows.map(|row| self.front.row(row, left, width)).collect();
            show(Part::Pixels(area, &rows));
        }
    }

    /// Moves the text up by `lines` lines. The pointer moves with it, so its old and new places are redrawn.
    fn scroll(&mut self, text: &Rectangle, lines: usize) {
        let (left, top, width, height) = self.front.clip(text);
        let up = scene::line_area(text, lines).top_left.y - text.top_left.y;
        let up = usize::try_from(up).unwrap_or_default();
        if up == 0 || up >= height || width == 0 {
            return;
        }
        self.front.move_up((left, top, width, height), up);
        let area = |top: usize| Area {
            x: place(left),
            y: place(top),
            width: place(width),
            height: place(height - up),
        };
        self.tiles
            .mark_moved(area(top + up), area(top), self.revision);
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
        let (left, top, width, height) = self.front.clip(area);
        let touched = Area {
            x: place(left),
            y: place(top),
            width: place(width),
            height: place(height),
        };
        self.tiles.mark(touched, self.revision);
    }
}

fn rectangle(area: Area) -> Rectangle {
    Rectangle::new(
        Point::new(area.x.into(), area.y.into()),
        Size::new(area.width.into(), area.height.into()),
    )
}

fn allowed((width, height): (u16, u16)) -> (u16, u16) {
    let (width, height) = (width.clamp(1, SIDE), height.clamp(1, SIDE));
    let highest = AREA / u32::from(width);
    (width, height.min(u16::try_from(highest).unwrap_or(SIDE)))
}

/// The longest side: 8K.
const SIDE: u16 = 8192;
/// The largest area: its raw update of 100 MiB is the largest message that the gateway is tested with.
const AREA: u32 = 5120 * 5120;

#[cfg(test)]
mod tests {
    use super::*;

    fn point(framebuffer: &mut Framebuffer, x: u16, y: u16) {
        framebuffer.next_revision();
        framebuffer.move_pointer(Pointer { x, y, buttons: 0 });
    }

    fn type_text(framebuffer: &mut Framebuffer, text: &str) {
        framebuffer.next_revision();
        framebuffer.edit(TextEdit::Append(text.into()));
    }

    #[test]
    fn a_pointer_that_has_moved_on_leaves_the_picture_as_it_was() {
        let mut moved = Framebuffer::new("vm", (100, 50));
        let mut still = Framebuffer::new("vm", (100, 50));
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
        let mut slowly = Framebuffer::new("vm", (300, 400));
        point(&mut slowly, 60, 300);
        for character in text.chars() {
            type_text(&mut slowly, &character.to_string());
        }
        let mut at_once = Framebuffer::new("vm", (300, 400));
        type_text(&mut at_once, &text);
        point(&mut at_once, 60, 300);
        assert!(slowly.pixels() == at_once.pixels());
    }

    /// Applies an update to a client's framebuffer; returns the number of copies.
    fn follow(
        framebuffer: &Framebuffer,
        shown: &mut ShownTiles,
        pixels: &mut [u32],
        across: usize,
    ) -> usize {
        let mut copies = 0;
        let at = |x: u16, y: u16| usize::from(y) * across + usize::from(x);
        framebuffer.show(
            shown,
            Area::whole(framebuffer.size()),
            true,
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
        let mut framebuffer = Framebuffer::new("vm", (300, 400));
        let (mut attentive, mut lazy) = (ShownTiles::default(), ShownTiles::default());
        let (mut near, mut far) = (vec![0; 300 * 400], vec![0; 300 * 400]);
        follow(&framebuffer, &mut attentive, &mut near, 300);
        follow(&framebuffer, &mut lazy, &mut far, 300);
        point(&mut framebuffer, 40, 320);
        let (mut copied, mut copied_late) = (0, 0);
        for line in 0..60 {
            type_text(&mut framebuffer, &format!("{line}"));
            copied += follow(&framebuffer, &mut attentive, &mut near, 300);
            type_text(&mut framebuffer, "\n");
            copied += follow(&framebuffer, &mut attentive, &mut near, 300);
            assert!(near == framebuffer.pixels(), "after line {line}");
            if line % 7 == 0 {
                copied_late += follow(&framebuffer, &mut lazy, &mut far, 300);
                assert!(far == framebuffer.pixels(), "after line {line}, seen late");
            }
        }
        assert!(copied > 40, "{copied}");
        assert!(copied_late < 4, "{copied_late}");
    }

    #[test]
    fn another_size_is_all_new_and_keeps_what_was_typed() {
        let mut framebuffer = Framebuffer::new("vm", (100, 50));
        let mut seen = ShownTiles::default();
        follow(&framebuffer, &mut seen, &mut vec![0; 100 * 50], 100);
        type_text(&mut framebuffer, "kept");
        point(&mut framebuffer, 99, 49);
        framebuffer.next_revision();
        framebuffer.resize((50, 40));
        assert_eq!(framebuffer.size(), (50, 40));
        assert_eq!(framebuffer.typed(), "kept");
        assert_eq!(
            framebuffer.pointer(),
            Some(Pointer {
                x: 49,
                y: 39,
                buttons: 0
            })
        );
        let mut shown = vec![u32::MAX; 50 * 40];
        follow(&framebuffer, &mut seen, &mut shown, 50);
        assert!(shown == framebuffer.pixels());
    }

    #[test]
    fn a_size_is_brought_within_bounds() {
        assert_eq!(allowed((0, 0)), (1, 1));
        assert_eq!(allowed((5120, 5120)), (5120, 5120));
        assert_eq!(allowed((u16::MAX, u16::MAX)), (8192, 3200));
    }
}
