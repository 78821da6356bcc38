//! A viewer that decodes all that it receives, with the inflaters of a real one, and takes no byte too few or too many.

use flate2::{Decompress, FlushDecompress};
use rfb_proto::server_messages::{Kind, Message as Sent, ServerScanner};

use super::decoder_input::Input;
use super::*;

/// What the viewer shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Shown {
    pub(super) size: (u16, u16),
    /// The pixels, row by row; of one with 32 bits, the lower 24.
    pub(super) pixels: Vec<u32>,
    /// The last rectangle of the pointer.
    pub(super) cursor: (i32, Vec<u8>),
    pub(super) lights: Vec<u8>,
    pub(super) name: Vec<u8>,
}

pub(super) struct Decoder {
    pub(super) update: ServerScanner,
    rest: Vec<u8>,
    rectangle: (Area, Encoding, Vec<u8>),
    pub(super) shown: Shown,
    /// The encodings of all rectangles.
    pub(super) got: Vec<Encoding>,
    zlib: Decompress,
    zrle: Decompress,
    tight: [Decompress; 4],
}

impl Decoder {
    pub(super) fn new() -> Self {
        let inflater = || Decompress::new(true);
        Self {
            update: ServerScanner::new(),
            rest: Vec::new(),
            rectangle: (Area::default(), Encoding::RAW, Vec::new()),
            shown: Shown::default(),
            got: Vec::new(),
            zlib: inflater(),
            zrle: inflater(),
            tight: std::array::from_fn(|_| inflater()),
        }
    }

    pub(super) fn read(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        let rest = std::mem::take(&mut self.rest);
        let mut at = 0;
        while let Some(piece) = self.update.scan(&rest[at..]).unwrap() {
            at += piece.bytes.len();
            match piece.message {
                Sent::Rectangle { area, encoding } => {
                    self.got.push(encoding);
                    self.rectangle = (area, encoding, Vec::new());
                    if self.update.is_between_rectangles() {
                        self.decode();
                    }
                }
                Sent::Body {
                    of: Kind::Rectangle,
                    last,
                } => {
                    self.rectangle.2.extend_from_slice(piece.bytes);
                    if last {
                        self.decode();
                    }
                }
                _ => {}
            }
            self.resize();
        }
        self.rest = rest[at..].to_vec();
    }

    pub(super) fn is_between_messages(&self) -> bool {
        self.rest.is_empty() && self.update.is_between_messages()
    }

    fn resize(&mut self) {
        let size = self.update.size();
        if size != self.shown.size {
            self.shown.size = size;
            self.shown.pixels = vec![0; usize::from(size.0) * usize::from(size.1)];
        }
    }

    fn decode(&mut self) {
        let (area, encoding, content) = self.rectangle.clone();
        let mut input = Input::new(&content, &self.update.pixel_format());
        if encoding.is_image() {
            assert!(area.pixels() > 0, "a rectangle without a pixel");
            let (width, height) = self.shown.size;
            assert!(area.x + area.width <= width && area.y + area.height <= height);
        }
        match encoding {
            Encoding::RAW => self.draw(area, input.plain(area)),
            Encoding::COPY_RECT => self.copy(area, &mut input),
            Encoding::RRE | Encoding::CORRE => self.rre(area, encoding, &mut input),
            Encoding::HEXTILE => self.hextile(area, &mut input),
            Encoding::ZLIB => {
                let length = usize::try_from(input.u32()).unwrap();
                let pixels = inflate(&mut self.zlib, input.take(length));
                let mut inner = Input {
                    bytes: &pixels,
                    ..input
                };
                self.draw(area, inner.plain(area));
                inner.end();
            }
            Encoding::ZRLE | Encoding::ZYWRLE => {
                let length = usize::try_from(input.u32()).unwrap();
                let tiles = inflate(&mut self.zrle, input.take(length));
                let mut inner = Input {
                    bytes: &tiles,
                    ..input
                };
                if encoding == Encoding::ZRLE {
                    self.zrle(area, &mut inner);
                    inner.end();
                }
            }
            Encoding::TIGHT | Encoding::TIGHT_PNG => self.tight(area, &mut input),
            Encoding::CURSOR | Encoding::X_CURSOR | Encoding::CURSOR_WITH_ALPHA => {
                self.shown.cursor = (encoding.0, input.all().to_vec());
            }
            Encoding::QEMU_LED_STATE => self.shown.lights = input.all().to_vec(),
            Encoding::DESKTOP_NAME => self.shown.name = input.all()[4..].to_vec(),
            _ => {
                input.all();
            }
        }
        input.end();
    }

    fn draw(&mut self, area: Area, pixels: Vec<u32>) {
        assert_eq!(pixels.len() as u64, area.pixels());
        for (row, pixels) in (area.y..).zip(pixels.chunks(area.width.into())) {
            let start = usize::from(row) * usize::from(self.shown.size.0) + usize::from(area.x);
            self.shown.pixels[start..start + pixels.len()].copy_from_slice(pixels);
        }
    }

    fn fill(&mut self, area: Area, pixel: u32) {
        self.draw(area, vec![pixel; usize::try_from(area.pixels()).unwrap()]);
    }

    fn copy(&mut self, area: Area, input: &mut Input<'_>) {
        let (x, y) = (usize::from(input.u16()), usize::from(input.u16()));
        let width = usize::from(self.shown.size.0);
        let rows = y..y + usize::from(area.height);
        let pixels = rows.flat_map(|row| {
            let start = row * width + x;
            self.shown.pixels[start..start + usize::from(area.width)].to_vec()
        });
        let pixels = pixels.collect();
        self.draw(area, pixels);
    }

    fn rre(&mut self, area: Area, encoding: Encoding, input: &mut Input<'_>) {
        let count = input.u32();
        let background = input.pixel();
        self.fill(area, background);
        for _ in 0..count {
            let colour = input.pixel();
            let sides: [u16; 4] = std::array::from_fn(|_| match encoding {
                Encoding::RRE => input.u16(),
                _ => input.u8().into(),
            });
            self.fill(inside(area, sides), colour);
        }
    }

    fn hextile(&mut self, area: Area, input: &mut Input<'_>) {
        let mut colours = [None; 2];
        for tile in tiles(area, 16) {
            let mask = input.u8();
            if mask & 1 != 0 {
                self.draw(tile, input.plain(tile));
                colours = [None; 2];
                continue;
            }
            for (colour, bit) in colours.iter_mut().zip([2, 4]) {
                if mask & bit != 0 {
                    *colour = Some(input.pixel());
                }
            }
            self.fill(tile, colours[0].expect("a background"));
            let count = if mask & 8 != 0 { input.u8() } else { 0 };
            for _ in 0..count {
                let colour = match mask & 16 {
                    0 => colours[1].expect("a foreground"),
                    _ => input.pixel(),
                };
                let (place, size) = (input.u8(), input.u8());
                let sides = [place >> 4, place & 15, (size >> 4) + 1, (size & 15) + 1];
                self.fill(inside(tile, sides.map(u16::from)), colour);
            }
        }
    }

    fn zrle(&mut self, area: Area, input: &mut Input<'_>) {
        for tile in tiles(area, 64) {
            let length = usize::try_from(tile.pixels()).unwrap();
            let kind = input.u8();
            let colours = if kind == 1 { 1 } else { kind & 0x7f };
            let palette: Vec<u32> = match kind {
                0 => Vec::new(),
                _ => (0..colours).map(|_| input.compressed()).collect(),
            };
            let mut pixels = Vec::new();
            match kind {
                0 => pixels.extend((0..length).map(|_| input.compressed())),
                1 => pixels.resize(length, palette[0]),
                2..=16 => {
                    let bits = match colours {
                        2 => 1,
                        3..=4 => 2,
                        _ => 4,
                    };
                    for _ in 0..tile.height {
                        pixels.extend(input.indices(tile.width.into(), bits, &palette));
                    }
                }
                128.. => {
                    while pixels.len() < length {
                        let (colour, long) = match kind {
                            128 => (input.compressed(), true),
                            _ => {
                                let index = input.u8();
                                (palette[usize::from(index & 0x7f)], index > 0x7f)
                            }
                        };
                        let run = if long { input.run() } else { 1 };
                        pixels.resize(pixels.len() + run, colour);
                    }
                }
                _ => panic!("subencoding {kind}"),
            }
            self.draw(tile, pixels);
        }
    }

    fn tight(&mut self, area: Area, input: &mut Input<'_>) {
        let control = input.u8();
        for (bit, stream) in self.tight.iter_mut().enumerate() {
            if control >> bit & 1 != 0 {
                stream.reset(true);
            }
        }
        let kind = control >> 4;
        if kind >= 8 {
            let image = match kind {
                8 => input.take(input.compressed).to_vec(),
                _ => {
                    let length = input.compact();
                    input.take(length).to_vec()
                }
            };
            let begin: &[u8] = match kind {
                8 => &[],
                9 => &[0xff, 0xd8],
                10 => b"\x89PNG",
                _ => panic!("compression {kind}"),
            };
            assert!(image.starts_with(begin));
            // In place of a decoder of images.
            let hash = image.iter().fold(0, |hash: u32, &byte| {
                hash.wrapping_mul(31).wrapping_add(byte.into())
            });
            return self.fill(area, hash & 0xff_ffff);
        }
        let filter = if kind & 4 != 0 { input.u8() } else { 0 };
        let palette: Vec<u32> = match filter {
            1 => {
                let last = input.u8();
                (0..=last).map(|_| input.compressed()).collect()
            }
            _ => Vec::new(),
        };
        let width = usize::from(area.width);
        let row = match palette.len() {
            0 => width * input.compressed,
            2 => width.div_ceil(8),
            _ => width,
        };
        let length = row * usize::from(area.height);
        let data = match length {
            ..12 => input.take(length).to_vec(),
            _ => {
                let length = input.compact();
                inflate(&mut self.tight[usize::from(kind & 3)], input.take(length))
            }
        };
        let mut inner = Input {
            bytes: &data,
            ..*input
        };
        let mut pixels = Vec::new();
        for _ in 0..area.height {
            match palette.len() {
                // The gradient is not undone: the differences are shown.
                0 => pixels.extend((0..width).map(|_| inner.compressed())),
                2 => pixels.extend(inner.indices(width, 1, &palette)),
                _ => pixels.extend(inner.indices(width, 8, &palette)),
            }
        }
        inner.end();
        self.draw(area, pixels);
    }
}

/// All that comes out for `data`, all of which is taken.
fn inflate(stream: &mut Decompress, data: &[u8]) -> Vec<u8> {
    let (mut output, before) = (Vec::with_capacity(64), stream.total_in());
    loop {
        let taken = usize::try_from(stream.total_in() - before).unwrap();
        output.reserve(64);
        let room = output.capacity() - output.len();
        let length = output.len();
        let sync = FlushDecompress::Sync;
        let done = stream.decompress_vec(&data[taken..], &mut output, sync);
        done.expect("a stream that goes on");
        let now = usize::try_from(stream.total_in() - before).unwrap();
        if now == data.len() && output.len() - length < room {
            return output;
        }
        assert!(now > taken || output.len() > length, "the stream has ended");
    }
}

fn inside(area: Area, [x, y, width, height]: [u16; 4]) -> Area {
    assert!(width > 0 && height > 0 && x + width <= area.width && y + height <= area.height);
    let (x, y) = (area.x + x, area.y + y);
    Area {
        x,
        y,
        width,
        height,
    }
}

fn tiles(area: Area, side: u16) -> Vec<Area> {
    let rows = (0..area.height).step_by(side.into());
    let places = rows.flat_map(|y| (0..area.width).step_by(side.into()).map(move |x| (x, y)));
    places
        .map(|(x, y)| {
            let (width, height) = ((area.width - x).min(side), (area.height - y).min(side));
            inside(area, [x, y, width, height])
        })
        .collect()
}
