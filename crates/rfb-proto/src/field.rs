//! Numbers at the front of a buffer, consumed once all of their bytes have arrived.

use bytes::{Buf, BytesMut};

/// Takes one byte from the front of `input`.
pub(crate) fn read_byte(input: &mut BytesMut) -> Option<u8> {
    let byte = *input.first()?;
    input.advance(1);
    Some(byte)
}

/// Takes four bytes from the front of `input`.
pub(crate) fn read_word(input: &mut BytesMut) -> Option<u32> {
    let word = u32::from_be_bytes(*input.first_chunk::<4>()?);
    input.advance(4);
    Some(word)
}
