//! The pseudo-encodings (RFC 6143 section 7.8; `docs/webmks.md` 1.4).

use bytes::{BufMut, BytesMut};

use super::encodings::copy_rect;
use super::encodings::encoder::Encoding;
use super::encodings::head::head;
use super::pixel_format::PixelFormat;
use crate::desktop::area::Area;
use crate::desktop::mouse::PointerMode;
use crate::quirks::{CursorShape, KeyRepeat};

/// The encodings that a client listed with SetEncodings.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ClientEncodings {
    pub(super) pixels: Encoding,
    pub(super) copies: bool,
    pub(super) size: bool,
    pub(super) cursor: bool,
    pub(super) cursor_state: bool,
    pub(super) key_repeat: bool,
    pub(super) leds: bool,
    pub(super) server_caps: bool,
}

impl ClientEncodings {
    pub(super) fn read(listed: &[i32]) -> Self {
        let has = |number| listed.contains(&number);
        Self {
            pixels: Encoding::first_of(listed),
            copies: has(copy_rect::NUMBER),
            size: has(DESKTOP_SIZE),
            cursor: has(CURSOR),
            cursor_state: has(CURSOR_STATE),
            key_repeat: has(KEY_REPEAT),
            leds: has(LEDS),
            server_caps: has(SERVER_CAPS),
        }
    }
}

/// DesktopSize (RFC 6143 section 7.8.2).
pub(super) fn size(size: (u16, u16), out: &mut BytesMut) {
    head(Area::whole(size), DESKTOP_SIZE, out);
}

/// CursorState: visibility, and absolute or relative pointer events.
pub(super) fn cursor_state(mode: PointerMode, out: &mut BytesMut) {
    head(EMPTY, CURSOR_STATE, out);
    let (visible, absolute) = (1, 2);
    out.put_u16(match mode {
        PointerMode::Absolute => visible | absolute,
        PointerMode::Relative => visible,
    });
}

/// Key repeat: the client repeats held keys, with this timing.
pub(super) fn key_repeat(rhythm: KeyRepeat, out: &mut BytesMut) {
    head(EMPTY, KEY_REPEAT, out);
    let client_repeats = 1;
    out.put_u16(client_repeats);
    for time in [rhythm.period, rhythm.delay] {
        out.put_u32(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }
}

/// LED state.
pub(super) fn leds(leds: u32, out: &mut BytesMut) {
    head(EMPTY, LEDS, out);
    out.put_u32(leds);
}

/// DefineCursor: a white square with a red border and transparent corners; the hot spot is its top left corner.
pub(super) fn cursor(shape: CursorShape, format: PixelFormat, out: &mut BytesMut) {
    let hot_spot_and_size = Area {
        width: CURSOR_SIDE,
        height: CURSOR_SIDE,
        ..EMPTY
    };
    head(hot_spot_and_size, CURSOR, out);
    let pixels =
        || (0..CURSOR_SIDE).flat_map(|y| (0..CURSOR_SIDE).map(move |x| cursor_pixel(x, y)));
    match shape {
        CursorShape::Alpha => {
            out.put_slice(&[1, 0]);
            for pixel in pixels() {
                let [_, red, green, blue] = pixel.unwrap_or_default().to_be_bytes();
                let alpha = if pixel.is_some() { 255 } else { 0 };
                out.put_slice(&[red, green, blue, alpha]);
            }
        }
        CursorShape::Masks => {
            out.put_slice(&[0, 0]);
            for pixel in pixels() {
                out.put_bytes(
                    if pixel.is_some() { 0 } else { 0xff },
                    format.bytes_per_pixel(),
                );
            }
            let xor: Vec<u32> = pixels().map(Option::unwrap_or_default).collect();
            format.write_pixels(&xor, out);
        }
    }
}

fn cursor_pixel(x: u16, y: u16) -> Option<u32> {
    let is_edge = |at: u16| at == 0 || at == CURSOR_SIDE - 1;
    match (is_edge(x), is_edge(y)) {
        (true, true) => None,
        (false, false) => Some(0x00ff_ffff),
        _ => Some(0x00ff_0000),
    }
}

const EMPTY: Area = Area {
    x: 0,
    y: 0,
    width: 0,
    height: 0,
};
const CURSOR_SIDE: u16 = 8;

const DESKTOP_SIZE: i32 = -223;
const CURSOR: i32 = 0x574d_5664;
const CURSOR_STATE: i32 = 0x574d_5665;
const KEY_REPEAT: i32 = 0x574d_5667;
const LEDS: i32 = 0x574d_5668;
const SERVER_CAPS: i32 = 0x574d_567a;
