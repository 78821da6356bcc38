//! Parsers of a viewer's messages (RFC 6143 section 7.5).

use super::{
    DesktopSize, Encodings, Key, MAX_ENCODINGS, Message, Pointer, QemuAudio, QemuKey, UpdateRequest,
};
use crate::vmware::Command;
use crate::{Area, CutText, PixelFormat, Violation, both_directions};

/// The length of a message or head in bytes, and its meaning.
type Parsed<'a> = (usize, Message<'a>);

/// The message at the front of `input`; `None` while more bytes are needed.
#[inline]
pub(super) fn message(
    input: &[u8],
    extended_buttons: bool,
) -> Result<Option<Parsed<'_>>, Violation> {
    let Some(&kind) = input.first() else {
        return Ok(None);
    };
    Ok(match kind {
        0 => set_pixel_format(input),
        1 => fix_colour_map_entries(input),
        2 => return set_encodings(input),
        3 => update_request(input),
        4 => key(input),
        5 => pointer(input, extended_buttons),
        6 => return cut_text(input),
        127 => return vmware(input),
        150 => continuous_updates(input),
        248 => fence(input),
        250 => xvp(input),
        251 => set_desktop_size(input),
        253 => gii(input),
        255 => return qemu(input),
        _ => return Err(Violation::UnknownMessage { kind, sub: None }),
    })
}

fn set_pixel_format(input: &[u8]) -> Option<Parsed<'_>> {
    let [_, _, _, _, format @ ..] = input.first_chunk::<20>()?;
    Some((20, Message::SetPixelFormat(PixelFormat::parse(format))))
}

fn fix_colour_map_entries(input: &[u8]) -> Option<Parsed<'_>> {
    let &[_, _, a, b, c, d] = input.first_chunk()?;
    let first = u16::from_be_bytes([a, b]);
    let count = u16::from_be_bytes([c, d]);
    Some((6, Message::FixColourMapEntries { first, count }))
}

fn set_encodings(input: &[u8]) -> Result<Option<Parsed<'_>>, Violation> {
    let Some((&[_, _, a, b], rest)) = input.split_first_chunk() else {
        return Ok(None);
    };
    let count = u16::from_be_bytes([a, b]);
    if usize::from(count) > MAX_ENCODINGS {
        return Err(Violation::TooManyEncodings(count));
    }
    let list = rest.as_chunks().0.get(..count.into());
    Ok(list.map(|list| {
        let length = 4 + list.as_flattened().len();
        (length, Message::SetEncodings(Encodings(list)))
    }))
}

fn update_request(input: &[u8]) -> Option<Parsed<'_>> {
    let [_, incremental, area @ ..] = input.first_chunk::<10>()?;
    let request = UpdateRequest {
        incremental: *incremental != 0,
        area: Area::parse(area),
    };
    Some((10, Message::UpdateRequest(request)))
}

fn key(input: &[u8]) -> Option<Parsed<'_>> {
    let &[_, down, _, _, a, b, c, d] = input.first_chunk()?;
    let key = Key {
        down: down != 0,
        keysym: u32::from_be_bytes([a, b, c, d]),
    };
    Some((8, Message::Key(key)))
}

fn pointer(input: &[u8], extended_buttons: bool) -> Option<Parsed<'_>> {
    let (&[_, mask, a, b, c, d], rest) = input.split_first_chunk()?;
    let (length, buttons) = match mask {
        // Seven buttons, the bit that announces a second byte, and eight more (rfbproto, "ExtendedMouseButtons").
        0x80.. if extended_buttons => {
            let more = u16::from(*rest.first()?);
            (7, u16::from(mask & 0x7f) | (more << 7))
        }
        _ => (6, mask.into()),
    };
    let pointer = Pointer {
        buttons,
        x: u16::from_be_bytes([a, b]),
        y: u16::from_be_bytes([c, d]),
    };
    Some((length, Message::Pointer(pointer)))
}

fn cut_text(input: &[u8]) -> Result<Option<Parsed<'_>>, Violation> {
    Ok(CutText::parse(input)?.map(|(length, text)| (length, Message::CutText(text))))
}

fn vmware(input: &[u8]) -> Result<Option<Parsed<'_>>, Violation> {
    let Some((id, length)) = both_directions::vmware(input)? else {
        return Ok(None);
    };
    if !Command::is_known(id, length) {
        return Ok(Some((4, Message::Vmware { id, length })));
    }
    let parsed = Command::parse(input);
    Ok(parsed.map(|(length, command)| (length, Message::VmwareCommand(command))))
}

fn continuous_updates(input: &[u8]) -> Option<Parsed<'_>> {
    let [_, enable, area @ ..] = input.first_chunk::<10>()?;
    let enable = *enable != 0;
    let area = Area::parse(area);
    Some((10, Message::ContinuousUpdates { enable, area }))
}

fn fence(input: &[u8]) -> Option<Parsed<'_>> {
    let (length, flags, payload) = both_directions::fence(input)?;
    Some((length, Message::Fence { flags, payload }))
}

fn xvp(input: &[u8]) -> Option<Parsed<'_>> {
    let &[_, _, version, code] = input.first_chunk()?;
    Some((4, Message::Xvp { version, code }))
}

fn set_desktop_size(input: &[u8]) -> Option<Parsed<'_>> {
    let (&[_, _, a, b, c, d, count, _], rest) = input.split_first_chunk()?;
    let screens = rest.as_chunks().0.get(..count.into())?;
    let size = DesktopSize {
        width: u16::from_be_bytes([a, b]),
        height: u16::from_be_bytes([c, d]),
        screens,
    };
    let length = 8 + screens.as_flattened().len();
    Some((length, Message::SetDesktopSize(size)))
}

fn gii(input: &[u8]) -> Option<Parsed<'_>> {
    let (subtype, length) = both_directions::gii(input)?;
    Some((4, Message::Gii { subtype, length }))
}

fn qemu(input: &[u8]) -> Result<Option<Parsed<'_>>, Violation> {
    let Some(&sub) = input.get(1) else {
        return Ok(None);
    };
    match sub {
        0 => Ok(qemu_key(input)),
        1 => qemu_audio(input),
        _ => Err(Violation::UnknownMessage {
            kind: 255,
            sub: Some(sub),
        }),
    }
}

fn qemu_key(input: &[u8]) -> Option<Parsed<'_>> {
    let &[_, _, down, also_down, a, b, c, d, e, f, g, h] = input.first_chunk()?;
    let key = QemuKey {
        down: (down, also_down) != (0, 0),
        keysym: u32::from_be_bytes([a, b, c, d]),
        keycode: u32::from_be_bytes([e, f, g, h]),
    };
    Some((12, Message::QemuKey(key)))
}

fn qemu_audio(input: &[u8]) -> Result<Option<Parsed<'_>>, Violation> {
    let Some((&[_, _, a, b], rest)) = input.split_first_chunk() else {
        return Ok(None);
    };
    let (length, audio) = match u16::from_be_bytes([a, b]) {
        0 => (4, QemuAudio::Enable),
        1 => (4, QemuAudio::Disable),
        2 => match rest.first_chunk() {
            None => return Ok(None),
            Some(&[sample, channels, a, b, c, d]) => {
                let format = QemuAudio::Format {
                    sample,
                    channels,
                    frequency: u32::from_be_bytes([a, b, c, d]),
                };
                (10, format)
            }
        },
        _ => return Err(Violation::Malformed("QEMU audio")),
    };
    Ok(Some((length, Message::QemuAudio(audio))))
}
