//! CopyRect (RFC 6143 section 7.7.2).

use bytes::{BufMut, BytesMut};

use super::head::head;
use crate::desktop::area::Area;

/// Appends a rectangle that copies `from` to `to`.
pub(crate) fn put(from: Area, to: Area, out: &mut BytesMut) {
    head(to, NUMBER, out);
    out.put_u16(from.x);
    out.put_u16(from.y);
}

pub(crate) const NUMBER: i32 = 1;
