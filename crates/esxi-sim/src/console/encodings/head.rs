//! Rectangle headers.

use bytes::{BufMut, BytesMut};

use crate::desktop::area::Area;

/// Appends a rectangle header (RFC 6143 section 7.6.1).
pub(in crate::console) fn head(area: Area, encoding: i32, out: &mut BytesMut) {
    for number in [area.x, area.y, area.width, area.height] {
        out.put_u16(number);
    }
    out.put_i32(encoding);
}
