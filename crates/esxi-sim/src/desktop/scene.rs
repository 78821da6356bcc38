//! Draws a desktop: colour bars, name, clock, typed text and pointer.

use embedded_graphics::Drawable;
use embedded_graphics::mono_font::iso_8859_1::FONT_9X18_BOLD;
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::{DrawTarget, DrawTargetExt, Point, RgbColor, Size};
use embedded_graphics::primitives::Rectangle;
use embedded_graphics::text::{Baseline, Text};

use super::canvas::Canvas;
use super::mouse::Pointer;
use super::text_edit::TextEdit;

/// The parts of a desktop that change.
#[derive(Default)]
pub(super) struct Scene {
    pub(super) typed: String,
    pub(super) clock: Option<String>,
    pub(super) pointer: Option<Pointer>,
}

/// The background: colour bars, a band of many colours, and the VM's name at the top left.
pub(super) fn background(name: &str, width: u16, height: u16) -> Canvas {
    let mut canvas = Canvas::new(width, height);
    let across = u32::from(width).div_ceil(BARS.len() as u32);
    for (bar, colour) in (0..).zip(BARS) {
        let area = Rectangle::new(
            Point::new(bar * across as i32, 0),
            Size::new(across, height.into()),
        );
        fill(&mut canvas, &area, *colour);
    }
    paint_band(&mut canvas, usize::from(width), usize::from(height));
    label(&mut canvas, name, Point::new(MARGIN, MARGIN));
    canvas
}

/// Fills the second quarter from the top: on the left neighbouring pixels differ, on the right runs repeat, so that
/// every encoding's short and long forms are used.
fn paint_band(canvas: &mut Canvas, width: usize, height: usize) {
    let (top, bottom) = (height / 4, (height / 2).saturating_sub(MARGIN as usize));
    let part = |at: usize, whole: usize| (at * 255 / whole.max(1)) as u8;
    for row in top..bottom {
        let down = part(row - top, bottom - top);
        canvas.paint_row(row, |place| {
            let along = part(place, width);
            match place * 2 < width {
                true => Rgb888::new(along.wrapping_mul(2), down, along ^ down),
                false => Rgb888::new(along & 0xf0, 255 - (along & 0xf0), down & 0xf0),
            }
        });
    }
}

impl Scene {
    /// Draws the changing parts that touch `area` over a restored background.
    pub(super) fn draw(&self, canvas: &mut Canvas, area: &Rectangle) {
        let (text_area, clock_at) = (text_area(canvas), clock_area(canvas).top_left);
        let mut target = canvas.clipped(area);
        if let Some(clock) = &self.clock {
            label(&mut target, clock, clock_at);
        }
        self.draw_typed(&mut target, &text_area);
        if let Some(pointer) = self.pointer {
            let cross = pointer_area(pointer);
            let middle = cross.center();
            let across = Rectangle::new(
                Point::new(cross.top_left.x, middle.y),
                Size::new(cross.size.width, 1),
            );
            let down = Rectangle::new(
                Point::new(middle.x, cross.top_left.y),
                Size::new(1, cross.size.height),
            );
            fill(&mut target, &across, CROSS);
            fill(&mut target, &down, CROSS);
        }
    }

    fn draw_typed<D: DrawTarget<Color = Rgb888>>(&self, target: &mut D, area: &Rectangle) {
        fill(target, area, Rgb888::BLACK);
        for (row, line) in self.lines(area).iter().enumerate() {
            text(target, line, line_area(area, row).top_left);
        }
    }

    /// The last lines of the typed text that fit into the area.
    pub(super) fn lines(&self, area: &Rectangle) -> Vec<String> {
        let columns = (area.size.width / FONT.character_size.width).max(1) as usize;
        let mut lines = wrapped(&self.typed, columns);
        let above = lines.len().saturating_sub(rows(area));
        lines.split_off(above)
    }

    /// Changes the typed text; beyond [`TYPED`] characters the oldest are dropped.
    pub(super) fn edit(&mut self, edit: TextEdit) {
        match edit {
            TextEdit::Append(text) => self.typed.push_str(&text),
            TextEdit::Backspace => drop(self.typed.pop()),
        }
        let surplus = self.typed.chars().count().saturating_sub(TYPED);
        if let Some((kept, _)) = self.typed.char_indices().nth(surplus) {
            self.typed.drain(..kept);
        }
    }
}

/// The number of lines by which a full text area has scrolled.
pub(super) fn scrolled(before: &[String], after: &[String], area: &Rectangle) -> usize {
    if before.len() < rows(area) || before == after {
        return 0;
    }
    let is_scrolled = |lines: &usize| after.starts_with(before.get(*lines..).unwrap_or_default());
    (1..before.len()).find(is_scrolled).unwrap_or(0)
}

/// The area of a line of the text; empty below the last.
pub(super) fn line_area(area: &Rectangle, row: usize) -> Rectangle {
    let height = FONT.character_size.height;
    let down = height * u32::try_from(row).unwrap_or(u32::MAX / height);
    let line = Rectangle::new(
        area.top_left + Point::new(0, i32::try_from(down).unwrap_or(i32::MAX)),
        Size::new(area.size.width, height),
    );
    line.intersection(area)
}

fn rows(area: &Rectangle) -> usize {
    (area.size.height / FONT.character_size.height) as usize
}

/// The area of the clock.
pub(super) fn clock_area(canvas: &Canvas) -> Rectangle {
    let size = Size::new(
        FONT.character_size.width * "00:00:00".len() as u32,
        FONT.character_size.height,
    );
    let right = canvas.clip(&EVERYTHING).2 as i32;
    Rectangle::new(Point::new(right - MARGIN - size.width as i32, MARGIN), size)
}

/// The area of the typed text: the lower half, within a margin.
pub(super) fn text_area(canvas: &Canvas) -> Rectangle {
    let (_, _, width, height) = canvas.clip(&EVERYTHING);
    let (width, height) = (width as i32, height as i32);
    Rectangle::with_corners(
        Point::new(MARGIN, height / 2),
        Point::new(width - 1 - MARGIN, height - 1 - MARGIN),
    )
}

/// The area of the cross at the pointer.
pub(super) fn pointer_area(pointer: Pointer) -> Rectangle {
    let middle = Point::new(pointer.x.into(), pointer.y.into());
    Rectangle::with_center(middle, Size::new_equal(CROSS_SIZE))
}

fn wrapped(typed: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in typed.split('\n') {
        let characters: Vec<char> = line.chars().collect();
        if characters.is_empty() {
            lines.push(String::new());
        }
        lines.extend(
            characters
                .chunks(columns)
                .map(|chunk| chunk.iter().collect()),
        );
    }
    lines
}

fn label<D: DrawTarget<Color = Rgb888>>(target: &mut D, words: &str, at: Point) {
    let across =
        FONT.character_size.width * u32::try_from(words.chars().count()).unwrap_or(u32::MAX / 16);
    fill(
        target,
        &Rectangle::new(at, Size::new(across, FONT.character_size.height)),
        Rgb888::BLACK,
    );
    text(target, words, at);
}

fn text<D: DrawTarget<Color = Rgb888>>(target: &mut D, words: &str, at: Point) {
    let style = MonoTextStyle::new(&FONT, Rgb888::WHITE);
    // A canvas cannot fail.
    let _ = Text::with_baseline(words, at, style, Baseline::Top).draw(target);
}

fn fill<D: DrawTarget<Color = Rgb888>>(target: &mut D, area: &Rectangle, colour: Rgb888) {
    // A canvas cannot fail.
    let _ = target.fill_solid(area, colour);
}

const FONT: MonoFont<'static> = FONT_9X18_BOLD;
/// The most characters kept: several screens full.
pub(super) const TYPED: usize = 16 * 1024;
const MARGIN: i32 = 8;
/// Odd, so that the cross has a middle pixel.
const CROSS_SIZE: u32 = 15;
const CROSS: Rgb888 = Rgb888::new(255, 96, 0);
const EVERYTHING: Rectangle =
    Rectangle::new(Point::zero(), Size::new(u16::MAX as u32, u16::MAX as u32));
/// White, yellow, cyan, green, magenta, red, blue, grey: each channel alone and combined, so that swapped channels are
/// detected.
const BARS: &[Rgb888] = &[
    Rgb888::WHITE,
    Rgb888::YELLOW,
    Rgb888::CYAN,
    Rgb888::GREEN,
    Rgb888::MAGENTA,
    Rgb888::RED,
    Rgb888::BLUE,
    Rgb888::new(64, 64, 64),
];
