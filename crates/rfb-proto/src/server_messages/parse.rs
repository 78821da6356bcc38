//! Parsers of a server's messages and heads (RFC 6143 sections 7.3.2 and 7.6).

use super::{Message, QemuSound};
use crate::vmware::{self, ServerCaps};
use crate::{Area, CutText, Encoding, PixelFormat, Violation, both_directions};

/// The length of a message or head in bytes, its meaning, and the number of bytes that follow.
type Parsed<'a> = (usize, Message<'a>, u64);

/// VMware's Audio message: its length does not include the audio data (`docs/webmks.md` 1.5).
const VMWARE_AUDIO: u8 = 3;

pub(super) fn server_init<'a>(input: &[u8]) -> Option<(usize, Message<'a>)> {
    let &[a, b, c, d, format @ .., e, f, g, h] = input.first_chunk::<24>()?;
    let message = Message::ServerInit {
        width: u16::from_be_bytes([a, b]),
        height: u16::from_be_bytes([c, d]),
        format: PixelFormat::parse(&format),
        name: u32::from_be_bytes([e, f, g, h]),
    };
    Some((24, message))
}

/// The message at the front of `input`; `None` while more bytes are needed.
#[inline]
pub(super) fn message(input: &[u8]) -> Result<Option<Parsed<'_>>, Violation> {
    let Some(&kind) = input.first() else {
        return Ok(None);
    };
    let parsed = match kind {
        0 => update(input),
        1 => set_colour_map_entries(input),
        2 => Some((1, Message::Bell)),
        3 => CutText::parse(input)?.map(|(length, text)| (length, Message::CutText(text))),
        vmware::MESSAGE => return vmware(input),
        150 => Some((1, Message::EndOfContinuousUpdates)),
        248 => both_directions::fence(input)
            .map(|(length, flags, payload)| (length, Message::Fence { flags, payload })),
        250 => xvp(input),
        253 => both_directions::gii(input)
            .map(|(subtype, length)| (4, Message::Gii { subtype, length })),
        255 => qemu_sound(input)?,
        _ => return Err(Violation::UnknownMessage { kind, sub: None }),
    };
    Ok(parsed.map(|(length, message)| (length, message, message.body())))
}

/// The header of a rectangle (section 7.6.1).
#[inline]
pub(super) fn rectangle(input: &[u8]) -> Option<(Area, Encoding)> {
    let &[area @ .., a, b, c, d] = input.first_chunk::<12>()?;
    let encoding = Encoding(i32::from_be_bytes([a, b, c, d]));
    Some((Area::parse(&area), encoding))
}

fn update<'a>(input: &[u8]) -> Option<(usize, Message<'a>)> {
    let &[_, id, a, b] = input.first_chunk()?;
    let rectangles = u16::from_be_bytes([a, b]);
    Some((4, Message::Update { id, rectangles }))
}

fn set_colour_map_entries<'a>(input: &[u8]) -> Option<(usize, Message<'a>)> {
    let &[_, _, a, b, c, d] = input.first_chunk()?;
    let first = u16::from_be_bytes([a, b]);
    let count = u16::from_be_bytes([c, d]);
    Some((6, Message::SetColourMapEntries { first, count }))
}

fn vmware<'a>(input: &[u8]) -> Result<Option<Parsed<'a>>, Violation> {
    let Some((id, length)) = both_directions::vmware(input)? else {
        return Ok(None);
    };
    let message = Message::Vmware { id, length };
    if !matches!((id, length), (0, 8) | (VMWARE_AUDIO, 8..)) {
        return Ok(Some((4, message, message.body())));
    }
    let Some(&[_, _, _, _, a, b, c, d]) = input.first_chunk() else {
        return Ok(None);
    };
    let word = u32::from_be_bytes([a, b, c, d]);
    Ok(Some(match id {
        VMWARE_AUDIO => (4, message, message.body() + u64::from(word)),
        _ => (8, Message::ServerCaps(ServerCaps(word)), 0),
    }))
}

fn xvp<'a>(input: &[u8]) -> Option<(usize, Message<'a>)> {
    let &[_, _, version, code] = input.first_chunk()?;
    Some((4, Message::Xvp { version, code }))
}

fn qemu_sound<'a>(input: &[u8]) -> Result<Option<(usize, Message<'a>)>, Violation> {
    match input.get(1) {
        None => return Ok(None),
        Some(1) => {}
        Some(&sub) => {
            return Err(Violation::UnknownMessage {
                kind: 255,
                sub: Some(sub),
            });
        }
    }
    let Some((&[_, _, a, b], rest)) = input.split_first_chunk() else {
        return Ok(None);
    };
    let (length, sound) = match u16::from_be_bytes([a, b]) {
        0 => (4, QemuSound::End),
        1 => (4, QemuSound::Begin),
        2 => match rest.first_chunk() {
            None => return Ok(None),
            Some(&length) => {
                let length = u32::from_be_bytes(length);
                (8, QemuSound::Data { length })
            }
        },
        _ => return Err(Violation::Malformed("QEMU audio")),
    };
    Ok(Some((length, Message::QemuSound(sound))))
}
