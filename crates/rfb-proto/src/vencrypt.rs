//! VeNCrypt 0.2 messages that both sides use (rfbproto, "VeNCrypt").

use bytes::{Buf, BufMut, BytesMut};

/// The only supported version: 0.1 was never published and has other subtypes.
pub(crate) const VERSION: [u8; 2] = [0, 2];

/// The server accepts the version.
pub(crate) const VERSION_ACCEPTED: u8 = 0;
/// The server refuses the version: any value but zero, and this one in TigerVNC.
pub(crate) const VERSION_REFUSED: u8 = 0xff;

/// The server accepts the subtype; TLS begins.
pub(crate) const SUBTYPE_ACCEPTED: u8 = 1;
/// The server refuses the subtype. Unlike for the version, zero is the refusal.
pub(crate) const SUBTYPE_REFUSED: u8 = 0;

/// Consumes a version from the front of `input`.
pub(crate) fn read_version(input: &mut BytesMut) -> Option<[u8; 2]> {
    let version = *input.first_chunk::<2>()?;
    input.advance(2);
    Some(version)
}

/// Consumes a list of at most 255 subtypes from the front of `input`.
pub(crate) fn read_subtypes(input: &mut BytesMut) -> Option<Vec<u32>> {
    let length = 4 * usize::from(*input.first()?);
    let list = input.get(1..1 + length)?.as_chunks::<4>().0;
    let list = list.iter().map(|&word| u32::from_be_bytes(word)).collect();
    input.advance(1 + length);
    Some(list)
}

/// Writes a list of subtypes.
pub(crate) fn put_subtypes(list: &[u32], output: &mut BytesMut) {
    output.put_u8(u8::try_from(list.len()).unwrap_or(u8::MAX));
    for &subtype in list {
        output.put_u32(subtype);
    }
}
