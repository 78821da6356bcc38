//! A host that sends every kind of rectangle, with the compressors of a real one.

use flate2::{Compress, Compression, FlushCompress};

use super::*;

/// The screen of [`Encoder::session`]: several tiles of Hextile, and few bytes.
pub(super) const SMALL: Area = Area {
    x: 0,
    y: 0,
    width: 18,
    height: 9,
};

/// The encodings of [`Encoder::session`].
pub(super) const ALL: [Encoding; 14] = [
    Encoding::COPY_RECT,
    Encoding::TIGHT,
    Encoding::TIGHT_PNG,
    Encoding::ZRLE,
    Encoding::ZLIB,
    Encoding::HEXTILE,
    Encoding::CORRE,
    Encoding::RRE,
    Encoding::CURSOR,
    Encoding::X_CURSOR,
    Encoding::CURSOR_WITH_ALPHA,
    Encoding::QEMU_LED_STATE,
    Encoding::DESKTOP_NAME,
    Encoding::ZYWRLE,
];

/// Encodes for one viewer. What has not been listed is sent in Raw.
pub(super) struct Encoder {
    list: Vec<Encoding>,
    zlib: Compress,
    zrle: Compress,
    tight: [Compress; 4],
    level: Compression,
}

impl Encoder {
    pub(super) fn new(list: &[Encoding], level: u32) -> Self {
        let level = Compression::new(level);
        let stream = || Compress::new(level, true);
        Self {
            list: list.to_vec(),
            zlib: stream(),
            zrle: stream(),
            tight: std::array::from_fn(|_| stream()),
            level,
        }
    }

    /// Some updates. The first begins with the whole screen.
    pub(super) fn session(&mut self) -> Vec<u8> {
        let part = |x: u16, y: u16| Area {
            x,
            y,
            width: 7,
            height: 4,
        };
        let tile = Area {
            width: 18,
            height: 5,
            ..SMALL
        };
        let updates = [
            vec![
                raw(SMALL),
                self.copy(part(9, 1)),
                self.zlib(part(1, 1)),
                self.zrle(tile),
            ],
            vec![
                self.tight(part(0, 0), 0, None),
                self.tight(part(8, 0), 1, Some(0)),
            ],
            vec![
                self.lights(2),
                self.rre(Encoding::RRE, part(4, 4)),
                self.rre(Encoding::CORRE, part(0, 2)),
                self.cursor(Encoding::CURSOR, &[6; 4 * 6 + 2]),
                self.hextile(tile),
                self.zlib(part(2, 2)),
            ],
            vec![
                self.tight(part(1, 4), 2, Some(1)),
                self.tight(part(10, 2), 3, Some(2)),
                self.tight(part(10, 4), 0, None),
                self.reset(1),
                self.tight(part(8, 0), 1, Some(0)),
                self.image(Encoding::TIGHT, 0x80, part(3, 3), &[1, 2, 3]),
                self.image(Encoding::TIGHT, 0x90, part(2, 3), &[0xff, 0xd8, 9, 8, 7]),
                self.indexed(part(5, 0)),
                self.zrle(part(11, 5)),
            ],
            vec![
                self.image(Encoding::TIGHT_PNG, 0x80, part(7, 3), &[1, 2, 3]),
                self.image(Encoding::TIGHT_PNG, 0x90, part(8, 3), &[0xff, 0xd8, 1]),
                self.image(Encoding::TIGHT_PNG, 0xa0, part(9, 3), b"\x89PNG..."),
                self.cursor(Encoding::X_CURSOR, &[4; 6 + 2 * 2]),
                self.name(b"vm"),
            ],
            vec![
                self.cursor(
                    Encoding::CURSOR_WITH_ALPHA,
                    &[&[0; 4][..], &[3; 24]].concat(),
                ),
                self.zrle(part(0, 5)),
                self.lights(5),
                self.zlib(part(6, 5)),
            ],
        ];
        let updates = updates.iter().map(|update| {
            let count = u16::try_from(update.iter().filter(|one| !one.is_empty()).count());
            [head(count.unwrap()), update.concat()].concat()
        });
        updates.collect::<Vec<_>>().concat()
    }

    fn lists(&self, encoding: Encoding) -> bool {
        self.list.contains(&encoding)
    }

    fn copy(&self, area: Area) -> Vec<u8> {
        match self.lists(Encoding::COPY_RECT) {
            true => rectangle(area, Encoding::COPY_RECT, &[0, 2, 0, 3]),
            false => raw(area),
        }
    }

    pub(super) fn zlib(&mut self, area: Area) -> Vec<u8> {
        if !self.lists(Encoding::ZLIB) {
            return raw(area);
        }
        let data = deflate(&mut self.zlib, &raw(area)[12..]);
        rectangle(area, Encoding::ZLIB, &with_length(&data))
    }

    pub(super) fn zrle(&mut self, area: Area) -> Vec<u8> {
        if !self.lists(Encoding::ZRLE) {
            return raw(area);
        }
        let tile = [vec![0], three_bytes(area)].concat();
        let data = deflate(&mut self.zrle, &tile);
        rectangle(area, Encoding::ZRLE, &with_length(&data))
    }

    /// Basic compression in this stream with this filter.
    pub(super) fn tight(&mut self, area: Area, stream: u8, filter: Option<u8>) -> Vec<u8> {
        if !self.lists(Encoding::TIGHT) {
            return raw(area);
        }
        let mut content = vec![stream << 4];
        if let Some(filter) = filter {
            content[0] |= 0x40;
            content.push(filter);
        }
        let data = match filter {
            Some(1) => {
                // Two colours.
                content.extend([1, 9, 9, 9, 200, 100, 50]);
                // In one byte per row: less than is compressed, as the other areas are not.
                vec![0x5a; area.height.into()]
            }
            _ => three_bytes(area),
        };
        match data.len() {
            ..12 => content.extend(data),
            _ => {
                let data = deflate(&mut self.tight[usize::from(stream)], &data);
                content.extend(compact(data.len()));
                content.extend(data);
            }
        }
        rectangle(area, Encoding::TIGHT, &content)
    }

    /// A palette of three colours, in stream 2.
    fn indexed(&mut self, area: Area) -> Vec<u8> {
        if !self.lists(Encoding::TIGHT) {
            return raw(area);
        }
        let indices: Vec<u8> = (0..area.pixels()).map(|n| (n % 3) as u8).collect();
        let data = deflate(&mut self.tight[2], &indices);
        let head = [0x60, 1, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3];
        let content = [&head[..], &compact(data.len()), &data].concat();
        rectangle(area, Encoding::TIGHT, &content)
    }

    /// A fill that resets a stream.
    fn reset(&mut self, stream: u8) -> Vec<u8> {
        if !self.lists(Encoding::TIGHT) {
            return Vec::new();
        }
        self.tight[usize::from(stream)] = Compress::new(self.level, true);
        let area = Area {
            width: 2,
            height: 2,
            ..SMALL
        };
        rectangle(area, Encoding::TIGHT, &[0x80 | 1 << stream, 7, 7, 7])
    }

    fn image(&self, encoding: Encoding, control: u8, area: Area, image: &[u8]) -> Vec<u8> {
        let length = if control == 0x80 {
            vec![]
        } else {
            compact(image.len())
        };
        match self.lists(encoding) {
            true => rectangle(area, encoding, &[&[control][..], &length, image].concat()),
            false => raw(area),
        }
    }

    fn rre(&self, encoding: Encoding, area: Area) -> Vec<u8> {
        let mut content = vec![0, 0, 0, 2, 1, 2, 3, 0];
        for sides in [[0, 0, 3, 2], [5, 1, 2, 3]] {
            content.extend([9, 8, sides[0], 0]);
            for side in sides {
                match encoding {
                    Encoding::RRE => content.extend([0, side]),
                    _ => content.push(side),
                }
            }
        }
        match self.lists(encoding) {
            true => rectangle(area, encoding, &content),
            false => raw(area),
        }
    }

    /// Two tiles, the second one pixel wide at least: subrectangles of two kinds, and pixels.
    fn hextile(&self, area: Area) -> Vec<u8> {
        let first = [2 | 4 | 8, 1, 1, 1, 0, 2, 2, 2, 0, 2, 0x11, 0x22, 0x33, 0];
        let pixels = vec![5; 4 * usize::from(area.width - 16) * usize::from(area.height)];
        match self.lists(Encoding::HEXTILE) {
            true => rectangle(
                area,
                Encoding::HEXTILE,
                &[&first[..], &[1], &pixels].concat(),
            ),
            false => raw(area),
        }
    }

    fn cursor(&self, encoding: Encoding, content: &[u8]) -> Vec<u8> {
        let area = Area {
            x: 1,
            y: 0,
            width: 3,
            height: 2,
        };
        match self.lists(encoding) {
            true => rectangle(area, encoding, content),
            false => Vec::new(),
        }
    }

    fn lights(&self, lights: u8) -> Vec<u8> {
        match self.lists(Encoding::QEMU_LED_STATE) {
            true => rectangle(Area::default(), Encoding::QEMU_LED_STATE, &[lights]),
            false => Vec::new(),
        }
    }

    fn name(&self, name: &[u8]) -> Vec<u8> {
        match self.lists(Encoding::DESKTOP_NAME) {
            true => rectangle(Area::default(), Encoding::DESKTOP_NAME, &with_length(name)),
            false => Vec::new(),
        }
    }
}

/// With a sync flush at its end.
fn deflate(stream: &mut Compress, data: &[u8]) -> Vec<u8> {
    let mut output = Vec::with_capacity(data.len() + 64);
    stream
        .compress_vec(data, &mut output, FlushCompress::Sync)
        .unwrap();
    assert!(output.ends_with(&[0, 0, 0xff, 0xff]), "there was room");
    output
}

fn with_length(data: &[u8]) -> Vec<u8> {
    [&u32::try_from(data.len()).unwrap().to_be_bytes(), data].concat()
}

/// A length in Tight, of less than 16 KiB.
fn compact(length: usize) -> Vec<u8> {
    match u8::try_from(length) {
        Ok(short @ ..0x80) => vec![short],
        _ => vec![(length & 0x7f) as u8 | 0x80, (length >> 7) as u8],
    }
}

/// The pixels of [`raw`] in CPIXEL and TPIXEL.
fn three_bytes(area: Area) -> Vec<u8> {
    let raw = raw(area);
    let pixels = raw[12..].as_chunks::<4>().0.iter();
    pixels.flat_map(|&[a, b, c, _]| [a, b, c]).collect()
}
