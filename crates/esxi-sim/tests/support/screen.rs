//! A client's framebuffer: decodes every encoding, and keeps what the pseudo-encodings sent.

mod zrle;

use std::collections::VecDeque;

use flate2::{Decompress, FlushDecompress};

use super::Viewer;

/// A pixel format: bytes per pixel, and the conversion to 0x00RRGGBB.
#[derive(Clone, Copy)]
pub(crate) struct Format {
    pub(crate) set: [u8; 20],
    pub(crate) bytes: usize,
    pub(crate) compact: usize,
    pub(crate) colour: fn(u32) -> u32,
}

/// The native format.
pub(crate) const NATIVE: Format = Format {
    set: [
        0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0,
    ],
    bytes: 4,
    compact: 3,
    colour: |pixel| pixel,
};

/// RGB565; lost bits are zero.
pub(crate) const RGB565: Format = Format {
    set: [
        0, 0, 0, 0, 16, 16, 0, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0, 0, 0, 0,
    ],
    bytes: 2,
    compact: 2,
    colour: |pixel| (pixel >> 11 & 31) << 16 | (pixel >> 5 & 63) << 8 | (pixel & 31),
};

/// Red in the lowest byte.
pub(crate) const BGRX: Format = Format {
    set: [
        0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 0, 8, 16, 0, 0, 0,
    ],
    bytes: 4,
    compact: 3,
    colour: |pixel| pixel.swap_bytes() >> 8,
};

pub(crate) const RAW: i32 = 0;
pub(crate) const COPY_RECT: i32 = 1;
pub(crate) const RRE: i32 = 2;
pub(crate) const HEXTILE: i32 = 5;
pub(crate) const TIGHT: i32 = 7;
pub(crate) const ZRLE: i32 = 16;
pub(crate) const DESKTOP_SIZE: i32 = -223;
pub(crate) const TIGHT_PNG: i32 = -260;
pub(crate) const CURSOR: i32 = 0x574d_5664;
pub(crate) const CURSOR_STATE: i32 = 0x574d_5665;
pub(crate) const KEY_REPEAT: i32 = 0x574d_5667;
pub(crate) const LEDS: i32 = 0x574d_5668;
pub(crate) const SERVER_CAPS: i32 = 0x574d_567a;

/// The framebuffer and statistics of the updates.
pub(crate) struct Screen {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<u32>,
    pub(crate) format: Format,
    /// The encoding of each rectangle.
    pub(crate) encodings: Vec<i32>,
    /// The subencodings of tiles and Tight's compression types, by encoding.
    pub(crate) kinds: Vec<(i32, u8)>,
    /// The content of pseudo-rectangles.
    pub(crate) marks: VecDeque<(i32, Vec<u8>)>,
    zrle: Decompress,
    tight: [Decompress; 4],
}

struct Place {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

impl Screen {
    pub(crate) fn new(width: u16, height: u16) -> Self {
        let (width, height) = (usize::from(width), usize::from(height));
        Self {
            width,
            height,
            // A colour that no desktop has.
            pixels: vec![u32::MAX; width * height],
            format: NATIVE,
            encodings: Vec::new(),
            kinds: Vec::new(),
            marks: VecDeque::new(),
            zrle: Decompress::new(true),
            tight: std::array::from_fn(|_| Decompress::new(true)),
        }
    }

    /// Receives one framebuffer update.
    pub(crate) async fn update(&mut self, viewer: &mut Viewer) {
        let head = viewer.take(4).await;
        assert_eq!(head[0], 0, "a message that is no update: {head:?}");
        assert_ne!(head[1], 0, "an update without a number");
        for _ in 0..u16::from_be_bytes([head[2], head[3]]) {
            self.rectangle(viewer).await;
        }
    }

    async fn rectangle(&mut self, viewer: &mut Viewer) {
        let head = viewer.take(12).await;
        let number = |at: usize| usize::from(u16::from_be_bytes([head[at], head[at + 1]]));
        let place = Place {
            x: number(0),
            y: number(2),
            width: number(4),
            height: number(6),
        };
        let encoding = i32::from_be_bytes(head[8..].try_into().unwrap());
        self.encodings.push(encoding);
        match encoding {
            RAW => {
                let bytes = viewer
                    .take(place.width * place.height * self.format.bytes)
                    .await;
                self.put(&place, &self.colours(&bytes, self.format.bytes));
            }
            COPY_RECT => self.copy(&place, &viewer.take(4).await),
            RRE => self.rre(&place, viewer).await,
            HEXTILE => self.hextile(&place, viewer).await,
            TIGHT | TIGHT_PNG => self.tight(&place, encoding, viewer).await,
            ZRLE => self.zrle(&place, viewer).await,
            DESKTOP_SIZE => {
                (self.width, self.height) = (place.width, place.height);
                self.pixels = vec![u32::MAX; self.width * self.height];
            }
            CURSOR => {
                let masks = viewer.take(2).await[0] == 0;
                let bytes = if masks { 2 * self.format.bytes } else { 4 };
                let shape = viewer.take(place.width * place.height * bytes).await;
                self.marks.push_back((encoding, shape));
            }
            CURSOR_STATE => self.marks.push_back((encoding, viewer.take(2).await)),
            KEY_REPEAT => self.marks.push_back((encoding, viewer.take(10).await)),
            LEDS => self.marks.push_back((encoding, viewer.take(4).await)),
            other => panic!("encoding {other}"),
        }
    }

    fn colours(&self, bytes: &[u8], each: usize) -> Vec<u32> {
        let value = |bytes: &[u8]| {
            bytes
                .iter()
                .rev()
                .fold(0, |value, byte| value << 8 | u32::from(*byte))
        };
        bytes
            .chunks(each)
            .map(|bytes| (self.format.colour)(value(bytes)))
            .collect()
    }

    fn put(&mut self, place: &Place, colours: &[u32]) {
        assert_eq!(colours.len(), place.width * place.height);
        for (row, colours) in colours.chunks(place.width).enumerate() {
            let at = (place.y + row) * self.width + place.x;
            self.pixels[at..][..place.width].copy_from_slice(colours);
        }
    }

    fn fill(&mut self, place: &Place, colour: u32) {
        self.put(place, &vec![colour; place.width * place.height]);
    }

    fn copy(&mut self, place: &Place, from: &[u8]) {
        let number = |at: usize| usize::from(u16::from_be_bytes([from[at], from[at + 1]]));
        let before = self.pixels.clone();
        for row in 0..place.height {
            let source = (number(2) + row) * self.width + number(0);
            let target = (place.y + row) * self.width + place.x;
            self.pixels[target..][..place.width].copy_from_slice(&before[source..][..place.width]);
        }
    }

    async fn colour(&mut self, viewer: &mut Viewer) -> u32 {
        let bytes = viewer.take(self.format.bytes).await;
        self.colours(&bytes, self.format.bytes)[0]
    }

    async fn rre(&mut self, place: &Place, viewer: &mut Viewer) {
        let count = viewer.take(4).await;
        let background = self.colour(viewer).await;
        self.fill(place, background);
        for _ in 0..u32::from_be_bytes(count.try_into().unwrap()) {
            let colour = self.colour(viewer).await;
            let at = viewer.take(8).await;
            let number = |place: usize| usize::from(u16::from_be_bytes([at[place], at[place + 1]]));
            let part = Place {
                x: place.x + number(0),
                y: place.y + number(2),
                width: number(4),
                height: number(6),
            };
            self.fill(&part, colour);
        }
    }

    async fn hextile(&mut self, place: &Place, viewer: &mut Viewer) {
        let (mut background, mut foreground) = (None, None);
        for tile in tiles(place, 16) {
            let kind = viewer.take(1).await[0];
            self.kinds.push((HEXTILE, kind));
            if kind & 1 != 0 {
                let bytes = viewer
                    .take(tile.width * tile.height * self.format.bytes)
                    .await;
                self.put(&tile, &self.colours(&bytes, self.format.bytes));
                (background, foreground) = (None, None);
                continue;
            }
            if kind & 2 != 0 {
                background = Some(self.colour(viewer).await);
            }
            self.fill(&tile, background.expect("a background to carry on"));
            if kind & 4 != 0 {
                foreground = Some(self.colour(viewer).await);
            }
            let count = if kind & 8 != 0 {
                viewer.take(1).await[0]
            } else {
                0
            };
            for _ in 0..count {
                let colour = match kind & 16 {
                    0 => foreground.expect("a foreground to carry on"),
                    _ => self.colour(viewer).await,
                };
                let at = viewer.take(2).await;
                let (high, low) = (
                    |byte: u8| usize::from(byte >> 4),
                    |byte: u8| usize::from(byte & 15),
                );
                let part = Place {
                    x: tile.x + high(at[0]),
                    y: tile.y + low(at[0]),
                    width: high(at[1]) + 1,
                    height: low(at[1]) + 1,
                };
                self.fill(&part, colour);
            }
            if kind & 16 != 0 {
                foreground = None;
            }
        }
    }

    async fn tight(&mut self, place: &Place, encoding: i32, viewer: &mut Viewer) {
        assert!(place.width <= 2048);
        let control = viewer.take(1).await[0];
        self.kinds.push((encoding, control));
        match control {
            0x80 => {
                let colour = self.tight_colours(1, viewer).await[0];
                self.fill(place, colour);
            }
            0xa0 if encoding == TIGHT_PNG => {
                let length = length(viewer).await;
                let file = viewer.take(length).await;
                let mut reader = png::Decoder::new(std::io::Cursor::new(file))
                    .read_info()
                    .unwrap();
                assert_eq!(reader.info().color_type, png::ColorType::Rgb);
                let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
                reader.next_frame(&mut bytes).unwrap();
                let colours: Vec<u32> = bytes.chunks(3).map(rgb).collect();
                self.put(place, &colours);
            }
            0x00 if encoding == TIGHT => {
                let each = if self.format.bytes == 4 {
                    3
                } else {
                    self.format.bytes
                };
                let bytes = self
                    .tight_data(0, place.width * place.height * each, viewer)
                    .await;
                let colours = self.tight_pixels(&bytes);
                self.put(place, &colours);
            }
            0x50 | 0x60 if encoding == TIGHT => {
                assert_eq!(viewer.take(1).await, [1], "the palette filter");
                let count = usize::from(viewer.take(1).await[0]) + 1;
                let palette = self.tight_colours(count, viewer).await;
                let bits = if count == 2 { 1 } else { 8 };
                let across = (place.width * bits).div_ceil(8);
                let stream = usize::from(control >> 4 & 3);
                let bytes = self.tight_data(stream, across * place.height, viewer).await;
                let colours: Vec<u32> = bytes
                    .chunks(across)
                    .flat_map(|row| numbers(row, bits, place.width))
                    .map(|number| palette[number])
                    .collect();
                self.put(place, &colours);
            }
            other => panic!("compression {other:#x} in {encoding}"),
        }
    }

    async fn tight_colours(&mut self, count: usize, viewer: &mut Viewer) -> Vec<u32> {
        let each = if self.format.bytes == 4 {
            3
        } else {
            self.format.bytes
        };
        let bytes = viewer.take(count * each).await;
        self.tight_pixels(&bytes)
    }

    fn tight_pixels(&self, bytes: &[u8]) -> Vec<u32> {
        match self.format.bytes {
            4 => bytes.chunks(3).map(rgb).collect(),
            each => self.colours(bytes, each),
        }
    }

    async fn tight_data(&mut self, stream: usize, plain: usize, viewer: &mut Viewer) -> Vec<u8> {
        if plain < 12 {
            return viewer.take(plain).await;
        }
        let length = length(viewer).await;
        let bytes = viewer.take(length).await;
        inflate(&mut self.tight[stream], &bytes, plain)
    }
}

fn tiles(place: &Place, side: usize) -> Vec<Place> {
    let mut tiles = Vec::new();
    for y in (0..place.height).step_by(side) {
        for x in (0..place.width).step_by(side) {
            tiles.push(Place {
                x: place.x + x,
                y: place.y + y,
                width: side.min(place.width - x),
                height: side.min(place.height - y),
            });
        }
    }
    tiles
}

fn split<'a>(bytes: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (first, rest) = bytes.split_at(length);
    *bytes = rest;
    first
}

fn numbers(row: &[u8], bits: usize, width: usize) -> Vec<usize> {
    let number = |at: usize| {
        let (byte, place) = (at * bits / 8, at * bits % 8);
        usize::from(row[byte]) >> (8 - bits - place) & ((1 << bits) - 1)
    };
    (0..width).map(number).collect()
}

fn rgb(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]])
}

async fn length(viewer: &mut Viewer) -> usize {
    let mut length = 0;
    for place in 0..3 {
        let byte = usize::from(viewer.take(1).await[0]);
        if place == 2 {
            return length | byte << 14;
        }
        length |= (byte & 127) << (7 * place);
        if byte & 128 == 0 {
            break;
        }
    }
    length
}

fn inflate(stream: &mut Decompress, bytes: &[u8], most: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(most + 64);
    let before = stream.total_in();
    stream
        .decompress_vec(bytes, &mut out, FlushDecompress::Sync)
        .unwrap();
    assert_eq!(stream.total_in() - before, bytes.len() as u64, "all of it");
    out
}
