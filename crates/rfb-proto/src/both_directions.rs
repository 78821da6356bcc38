//! Messages that have the same layout in both directions.

use crate::Violation;

/// ClientCutText or ServerCutText (RFC 6143 sections 7.5.6 and 7.6.4). A body of `length` bytes follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutText {
    /// The length of the body in bytes, up to 2 GiB: it is handed out in pieces and never held.
    pub length: u32,
    /// The flags of an extended message (rfbproto, "Extended Clipboard Pseudo-Encoding"), which tell the format of the
    /// body; `None` for Latin-1 text.
    pub extended: Option<u32>,
}

impl CutText {
    /// A negative length marks an extended message: its absolute value counts four bytes of flags and the body.
    pub(crate) fn parse(input: &[u8]) -> Result<Option<(usize, Self)>, Violation> {
        let Some((&[_, _, _, _, a, b, c, d], rest)) = input.split_first_chunk() else {
            return Ok(None);
        };
        let length = i32::from_be_bytes([a, b, c, d]);
        if length >= 0 {
            let text = Self {
                length: length.unsigned_abs(),
                extended: None,
            };
            return Ok(Some((8, text)));
        }
        let length = length
            .unsigned_abs()
            .checked_sub(4)
            .ok_or(Violation::Malformed("extended clipboard"))?;
        Ok(rest.first_chunk().map(|&flags| {
            let extended = Some(u32::from_be_bytes(flags));
            (12, Self { length, extended })
        }))
    }
}

/// The length of a fence message, its flags and its payload (rfbproto, "ClientFence" and "ServerFence").
pub(crate) fn fence(input: &[u8]) -> Option<(usize, u32, &[u8])> {
    let (&[_, _, _, _, a, b, c, d, length], rest) = input.split_first_chunk()?;
    let flags = u32::from_be_bytes([a, b, c, d]);
    let payload = rest.get(..length.into())?;
    Some((9 + payload.len(), flags, payload))
}

/// The subtype and body length of a gii message. The top bit of the subtype is set for big-endian numbers (rfbproto,
/// "gii Client Message").
pub(crate) fn gii(input: &[u8]) -> Option<(u8, u16)> {
    let &[_, subtype, a, b] = input.first_chunk()?;
    let length = match subtype {
        0x80.. => u16::from_be_bytes([a, b]),
        _ => u16::from_le_bytes([a, b]),
    };
    Some((subtype & 0x7f, length))
}

/// The id and length of one of VMware's messages. The length includes these four bytes.
pub(crate) fn vmware(input: &[u8]) -> Result<Option<(u8, u16)>, Violation> {
    let Some(&[_, id, a, b]) = input.first_chunk() else {
        return Ok(None);
    };
    let length = u16::from_be_bytes([a, b]);
    if length < 4 {
        return Err(Violation::Malformed("VMware"));
    }
    Ok(Some((id, length)))
}
