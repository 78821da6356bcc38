//! One line of text over the viewer's last picture, as a FramebufferUpdate in the viewer's own pixel format.

use bytes::{Bytes, BytesMut};
use rfb_proto::{Area, Converter, Encoding, PixelFormat};

use super::font::{self, Glyph};
use super::viewer_update::{header, write_head};

/// The height of the band, in pixels: a glyph at double size, and two pixels above and below it.
pub(super) const BAND_HEIGHT: u16 = 2 * font::HEIGHT + 4;

/// The greatest width of the band, in pixels. It bounds the message to 100 KiB, and fits 105 characters at double size.
pub(super) const MAX_BAND_WIDTH: u16 = 1280;

/// The distance from the left edge of the band to the text, and at least as much on the right, in pixels.
const MARGIN: u16 = 4;

/// The width of a character: its glyph, and one column between it and the next.
const CELL_WIDTH: u16 = font::WIDTH + 1;

/// What ends a text that does not fit.
const ELLIPSIS: &str = "...";

/// The band's colour, and the text's, in [`PixelFormat::VMWARE`].
const DARK: u32 = 0x0018_1818;
const BRIGHT: u32 = 0x00ff_ffff;

/// One FramebufferUpdate of one Raw rectangle (RFC 6143 sections 7.6.1 and 7.7.1; every viewer takes Raw): a dark band
/// with `text` in bright pixels, at the bottom of a framebuffer of `size` (width and height in pixels).
///
/// The band's place depends on `size` alone, so that each text covers the one before. It is at most 1280 × 20 pixels.
/// Characters other than printable ASCII are drawn as `?`. Text is drawn at double size where it fits so; what does not
/// fit at single size is cut and ends with `...`.
///
/// For a `format` with a colour map, SetColourMapEntries (section 7.6.2) with the map of [`Converter::colour_map`]
/// comes before the update.
///
/// `None` where `format` is not [sound](PixelFormat::is_sound), or the framebuffer is too small for one character.
pub fn banner(text: &str, size: (u16, u16), format: &PixelFormat) -> Option<Bytes> {
    let converter = Converter::new(PixelFormat::VMWARE, *format)?;
    let area = band(size);
    let line = Line::fit(text, &area)?;
    let convert = |colour: u32| {
        let mut pixel = BytesMut::new();
        converter.convert(&colour.to_le_bytes(), &mut pixel);
        pixel
    };
    let (dark, bright) = (convert(DARK), convert(BRIGHT));
    let mut message = Vec::new();
    converter.colour_map(&mut message);
    message.extend_from_slice(&header(0, 1));
    write_head(area, Encoding::RAW, &mut message);
    for y in 0..area.height {
        for x in 0..area.width {
            let pixel = if line.is_set(x, y) { &bright } else { &dark };
            message.extend_from_slice(pixel);
        }
    }
    Some(message.into())
}

/// An update of one Raw rectangle over the whole screen with `length` zero bytes.
pub(super) fn blank((width, height): (u16, u16), length: usize) -> Bytes {
    let mut message = header(0, 1).to_vec();
    let area = Area {
        x: 0,
        y: 0,
        width,
        height,
    };
    write_head(area, Encoding::RAW, &mut message);
    message.resize(message.len() + length, 0);
    message.into()
}

/// Where the band lies: in the middle of the bottom edge.
fn band((width, height): (u16, u16)) -> Area {
    let band_width = width.min(MAX_BAND_WIDTH);
    let band_height = height.min(BAND_HEIGHT);
    Area {
        x: (width - band_width) / 2,
        y: height - band_height,
        width: band_width,
        height: band_height,
    }
}

/// Text in a band.
struct Line {
    glyphs: Vec<Glyph>,
    /// The width and height of one pixel of a glyph, in pixels of the framebuffer: 1 or 2.
    scale: u16,
    /// The distance from the upper edge of the band to the glyphs.
    top: u16,
}

impl Line {
    fn fit(text: &str, area: &Area) -> Option<Self> {
        let columns = |scale: u16| {
            let rows = area.height / (font::HEIGHT * scale);
            let width = area.width.saturating_sub(2 * MARGIN);
            if rows > 0 {
                usize::from(width / (CELL_WIDTH * scale))
            } else {
                0
            }
        };
        let length = text.chars().count();
        let scale = if length.max(1) <= columns(2) { 2 } else { 1 };
        let columns = columns(scale);
        if columns == 0 {
            return None;
        }
        let (kept, end) = match length <= columns {
            true => (length, ""),
            false => (columns.saturating_sub(ELLIPSIS.len()), ELLIPSIS),
        };
        let characters = text.chars().take(kept).chain(end.chars()).take(columns);
        Some(Self {
            glyphs: characters.map(Glyph::of).collect(),
            scale,
            top: (area.height - font::HEIGHT * scale) / 2,
        })
    }

    /// Whether the pixel of the band in this column and row belongs to a character.
    fn is_set(&self, x: u16, y: u16) -> bool {
        let (Some(x), Some(y)) = (x.checked_sub(MARGIN), y.checked_sub(self.top)) else {
            return false;
        };
        let (x, y) = (x / self.scale, y / self.scale);
        let glyph = self.glyphs.get(usize::from(x / CELL_WIDTH));
        glyph.is_some_and(|glyph| glyph.is_set(x % CELL_WIDTH, y))
    }
}
