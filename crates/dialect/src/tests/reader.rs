//! A viewer that reads what the dialogue sends it.

use rfb_proto::server_messages::{Kind, Message as Sent, ServerScanner};

use super::*;

/// A viewer that parses all that it receives and checks the content of rectangles.
pub(super) struct Reader {
    pub(super) update: ServerScanner,
    rest: Vec<u8>,
    rectangle: (Area, Encoding, Vec<u8>),
    pub(super) rectangles: Vec<(Area, Encoding)>,
}

impl Reader {
    pub(super) fn new() -> Self {
        Self {
            update: ServerScanner::new(),
            rest: Vec::new(),
            rectangle: (Area::default(), Encoding::RAW, Vec::new()),
            rectangles: Vec::new(),
        }
    }

    pub(super) fn read(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(piece) = self.update.scan(&self.rest[at..]).unwrap() {
            at += piece.bytes.len();
            match piece.message {
                Sent::Rectangle { area, encoding } => {
                    self.rectangle = (area, encoding, Vec::new());
                    self.rectangles.push((area, encoding));
                    let (width, height) = self.update.size();
                    if encoding.is_image() {
                        assert!(area.pixels() > 0, "a rectangle without a pixel");
                        assert!(area.x + area.width <= width, "{area:?}");
                        assert!(area.y + area.height <= height, "{area:?}");
                    }
                }
                Sent::Body {
                    of: Kind::Rectangle,
                    last,
                } => {
                    self.rectangle.2.extend_from_slice(piece.bytes);
                    if last {
                        self.check_content();
                    }
                }
                _ => {}
            }
        }
        self.rest.drain(..at);
    }

    /// Checks that subrectangles lie in their rectangle, and copied areas on the screen.
    fn check_content(&self) {
        let (area, encoding, content) = &self.rectangle;
        let pixel = self.update.pixel_format().bytes_per_pixel().unwrap();
        let word = |bytes: &[u8], at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let (width, height) = self.update.size();
        let inside = |x: u16, y: u16, w: u16, h: u16| {
            assert!(w > 0 && h > 0, "{encoding:?}: {x} {y} {w} {h}");
            assert!(x + w <= area.width && y + h <= area.height, "{encoding:?}");
        };
        match *encoding {
            Encoding::COPY_RECT => {
                assert!(word(content, 0) + area.width <= width);
                assert!(word(content, 2) + area.height <= height);
            }
            Encoding::RRE => {
                for piece in content[4 + pixel..].chunks_exact(pixel + 8) {
                    let side = |n: usize| word(piece, pixel + 2 * n);
                    inside(side(0), side(1), side(2), side(3));
                }
            }
            Encoding::CORRE => {
                for piece in content[4 + pixel..].chunks_exact(pixel + 4) {
                    let side = |n: usize| piece[pixel + n].into();
                    inside(side(0), side(1), side(2), side(3));
                }
            }
            Encoding::EXTENDED_DESKTOP_SIZE => {
                let side = |n: usize| word(content, 8 + 2 * n);
                inside(side(0), side(1), side(2), side(3));
            }
            _ => {}
        }
    }

    pub(super) fn is_between_messages(&self) -> bool {
        self.rest.is_empty() && self.update.is_between_messages()
    }
}
