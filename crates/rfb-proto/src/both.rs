//! The messages that have the same shape in both directions.

use crate::Violation;

/// A clipboard (RFC 6143 sections 7.5.6 and 7.6.4). A body of `length` bytes follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutText {
    /// The body's length: it is streamed, and up to 2 GiB.
    pub length: u32,
    /// Where the length was negative: the body is not Latin-1, but what these flags say (rfbproto,
    /// "Extended Clipboard Pseudo-Encoding").
    pub extended: Option<u32>,
}

impl CutText {
    /// rfbproto, "Extended Clipboard Pseudo-Encoding": a negative length is the negated length of what
    /// follows, which begins with four bytes of flags.
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

/// A fence's length, flags and payload (rfbproto, "ClientFence" and "ServerFence").
pub(crate) fn fence(input: &[u8]) -> Option<(usize, u32, &[u8])> {
    let (&[_, _, _, _, a, b, c, d, length], rest) = input.split_first_chunk()?;
    let flags = u32::from_be_bytes([a, b, c, d]);
    let payload = rest.get(..length.into())?;
    Some((9 + payload.len(), flags, payload))
}

/// A gii message's subtype and length: the top bit of the subtype says how the length is to be read, and
/// everything after it (rfbproto, "gii Client Message").
pub(crate) fn gii(input: &[u8]) -> Option<(u8, u16)> {
    let &[_, subtype, a, b] = input.first_chunk()?;
    let length = match subtype {
        0x80.. => u16::from_be_bytes([a, b]),
        _ => u16::from_le_bytes([a, b]),
    };
    Some((subtype & 0x7f, length))
}

/// The id and length of a message of VMware's; the length counts these four bytes.
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
