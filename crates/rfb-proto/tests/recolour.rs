//! Rectangles in one pixel format made into those of another: what is shown is the same, and cuts change nothing.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use bytes::Buf;
use proptest::prelude::*;
use rfb_proto::update::{Kind, Message, Update};
use rfb_proto::{Area, Converter, Encoding, PixelFormat, Recolour};

const RGB565_BIG: PixelFormat = PixelFormat {
    bits_per_pixel: 16,
    depth: 16,
    big_endian: true,
    red_max: 31,
    green_max: 63,
    blue_max: 31,
    red_shift: 11,
    green_shift: 5,
    ..PixelFormat::VMWARE
};
const RGB222: PixelFormat = PixelFormat {
    bits_per_pixel: 8,
    depth: 6,
    red_max: 3,
    green_max: 3,
    blue_max: 3,
    red_shift: 4,
    green_shift: 2,
    ..PixelFormat::VMWARE
};
const BGRX_BIG: PixelFormat = PixelFormat {
    big_endian: true,
    red_shift: 0,
    blue_shift: 16,
    ..PixelFormat::VMWARE
};

/// A screen on which rectangles are drawn, each pixel as the bytes that it came in.
struct Screen {
    width: usize,
    pixels: Vec<Vec<u8>>,
    size: usize,
}

impl Screen {
    fn new((width, height): (u16, u16), size: usize) -> Self {
        let pixels = usize::from(width) * usize::from(height);
        Self {
            width: width.into(),
            pixels: vec![vec![0; size]; pixels],
            size,
        }
    }

    fn fill(&mut self, x: usize, y: usize, width: usize, height: usize, pixel: &[u8]) {
        for row in y..y + height {
            for column in x..x + width {
                self.pixels[row * self.width + column] = pixel.to_vec();
            }
        }
    }

    fn draw(&mut self, encoding: Encoding, area: Area, mut bytes: &[u8]) {
        let [x, y, width, height] = [area.x, area.y, area.width, area.height].map(usize::from);
        match encoding {
            Encoding::RAW => self.raw(x, y, width, height, &mut bytes),
            Encoding::COPY_RECT => {
                let (from_x, from_y) = (usize::from(bytes.get_u16()), usize::from(bytes.get_u16()));
                let copy = self.pixels.clone();
                for row in 0..height {
                    let from = (from_y + row) * self.width + from_x;
                    let to = (y + row) * self.width + x;
                    self.pixels[to..to + width].clone_from_slice(&copy[from..from + width]);
                }
            }
            Encoding::RRE => {
                let count = bytes.get_u32();
                let background = self.pixel(&mut bytes);
                self.fill(x, y, width, height, &background);
                for _ in 0..count {
                    let pixel = self.pixel(&mut bytes);
                    let [left, top, across, down] = [(); 4].map(|()| usize::from(bytes.get_u16()));
                    self.fill(x + left, y + top, across, down, &pixel);
                }
            }
            Encoding::HEXTILE => self.hextile(x, y, width, height, &mut bytes),
            _ => return,
        }
        assert!(bytes.is_empty(), "{} bytes too many", bytes.len());
    }

    fn raw(&mut self, x: usize, y: usize, width: usize, height: usize, bytes: &mut &[u8]) {
        for row in y..y + height {
            for column in x..x + width {
                let pixel = self.pixel(bytes);
                self.fill(column, row, 1, 1, &pixel);
            }
        }
    }

    fn hextile(&mut self, x: usize, y: usize, width: usize, height: usize, bytes: &mut &[u8]) {
        let (mut background, mut foreground) = (vec![0; self.size], vec![0; self.size]);
        for top in (0..height).step_by(16) {
            for left in (0..width).step_by(16) {
                let (across, down) = ((width - left).min(16), (height - top).min(16));
                let mask = bytes.get_u8();
                if mask & 1 != 0 {
                    self.raw(x + left, y + top, across, down, bytes);
                    continue;
                }
                if mask & 2 != 0 {
                    background = self.pixel(bytes);
                }
                if mask & 4 != 0 {
                    foreground = self.pixel(bytes);
                }
                self.fill(x + left, y + top, across, down, &background);
                let count = if mask & 8 != 0 { bytes.get_u8() } else { 0 };
                for _ in 0..count {
                    let pixel = match mask & 16 {
                        0 => foreground.clone(),
                        _ => self.pixel(bytes),
                    };
                    let (place, size) = (bytes.get_u8(), bytes.get_u8());
                    let (right, below) = (usize::from(place >> 4), usize::from(place & 15));
                    let (wide, high) = (usize::from(size >> 4) + 1, usize::from(size & 15) + 1);
                    self.fill(x + left + right, y + top + below, wide, high, &pixel);
                }
            }
        }
    }

    fn pixel(&self, bytes: &mut &[u8]) -> Vec<u8> {
        bytes.copy_to_bytes(self.size).to_vec()
    }
}

/// The rectangles of a recording.
fn rectangles(recorded: &[u8]) -> ((u16, u16), Vec<(Encoding, Area, Vec<u8>)>) {
    let (mut update, mut at, mut found) = (Update::new(), 0, Vec::new());
    let (mut size, mut largest) = ((0, 0), 0);
    while let Some(piece) = update.scan(&recorded[at..]).unwrap() {
        at += piece.bytes.len();
        match piece.message {
            Message::ServerInit { .. } => update.set_pixel_format(PixelFormat::VMWARE),
            Message::Rectangle { area, encoding } => found.push((encoding, area, Vec::new())),
            Message::Body {
                of: Kind::Rectangle,
                ..
            } => found.last_mut().unwrap().2.extend_from_slice(piece.bytes),
            _ => {}
        }
        let pixels = u32::from(update.size().0) * u32::from(update.size().1);
        if pixels > largest {
            (size, largest) = (update.size(), pixels);
        }
    }
    (size, found)
}

#[test]
fn what_real_servers_sent_shows_the_same_in_every_format_at_every_cut() {
    let recordings: [&[u8]; 3] = [
        include_bytes!("recorded/rre-true.rfb"),
        include_bytes!("recorded/hextile.rfb"),
        include_bytes!("recorded/qemu-hextile.rfb"),
    ];
    let mut drawn = 0;
    for recorded in recordings {
        let (size, rectangles) = rectangles(&recorded[16..]);
        for format in [RGB565_BIG, RGB222, BGRX_BIG] {
            let converter = Converter::new(PixelFormat::VMWARE, format).unwrap();
            let bytes = format.bytes_per_pixel().unwrap();
            let (mut before, mut after) = (Screen::new(size, 4), Screen::new(size, bytes));
            for (number, (encoding, area, payload)) in rectangles.iter().enumerate() {
                if !Recolour::can(*encoding) {
                    continue;
                }
                let whole = recoloured(&converter, *encoding, *area, [&payload[..]]);
                for piece in [1, 2, 3, 5, 7, 64] {
                    let cut = recoloured(&converter, *encoding, *area, payload.chunks(piece));
                    assert!(cut == whole, "rectangle {number} in pieces of {piece}");
                }
                before.draw(*encoding, *area, payload);
                after.draw(*encoding, *area, &whole);
                drawn += 1;
            }
            for (one, other) in before.pixels.iter().zip(&after.pixels) {
                let mut converted = Vec::new();
                converter.convert(one, &mut converted);
                assert_eq!(&converted, other);
            }
        }
    }
    assert!(drawn > 100, "{drawn}");
}

fn recoloured<'a>(
    converter: &Converter,
    encoding: Encoding,
    area: Area,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<u8> {
    let (mut recolour, mut output) = (Recolour::default(), Vec::new());
    recolour.begin(encoding, area);
    for piece in pieces {
        recolour.run(converter, piece, &mut output);
    }
    output
}

#[test]
fn a_cursor_keeps_its_mask_and_a_copy_its_place() {
    let converter = Converter::new(PixelFormat::VMWARE, RGB222).unwrap();
    let area = Area {
        width: 2,
        height: 1,
        ..Area::default()
    };
    let cursor = [255, 0, 0, 0, 0, 255, 0, 0, 0b1100_0000];
    let expected = [0b00_00_11, 0b00_11_00, 0b1100_0000];
    assert_eq!(
        recoloured(&converter, Encoding::CURSOR, area, cursor.chunks(3)),
        expected
    );
    let copy = [0, 1, 0, 2];
    assert_eq!(
        recoloured(&converter, Encoding::COPY_RECT, area, [&copy[..]]),
        copy
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_cuts_change_nothing(
        number in prop::sample::select(vec![0, 1, 2, 4, 5, -239, 7]),
        (width, height) in (0_u16..70, 0_u16..70),
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        piece in 1_usize..50,
    ) {
        let converter = Converter::new(PixelFormat::VMWARE, RGB565_BIG).unwrap();
        let area = Area { x: 3, y: 4, width, height };
        let whole = recoloured(&converter, Encoding(number), area, [&bytes[..]]);
        let cut = recoloured(&converter, Encoding(number), area, bytes.chunks(piece));
        prop_assert_eq!(&whole, &cut);
        prop_assert!(whole.len() <= bytes.len());
    }
}
