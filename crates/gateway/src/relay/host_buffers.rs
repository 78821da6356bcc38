//! Pooled buffers for what goes to ESXi, with room for the frame header (RFC 6455 section 5.2) and the TLS record around
//! the payload, so that it is masked and encrypted in place.

use bytes::BytesMut;
use console::buffer_pool::poolable;
use console::tls_session::{AFTER, BEFORE};
use ws_proto::HEADROOM;

/// The most payload per frame. With its header it fits one TLS record (RFC 8446 section 5.1: 2^14 bytes), and it exceeds
/// every client message that must be complete to be parsed.
pub(super) const READ: usize = 16 * 1024 - HEADROOM;

/// Room in front of the payload for the record's header and the frame's.
pub(super) const FRONT: usize = BEFORE + HEADROOM;

/// What the viewer's socket is read into.
pub(super) struct ReadBuffer(pub(super) Box<[u8]>);

impl ReadBuffer {
    /// Room for one read, and behind it for an incomplete message that is moved clear of the record's trailer.
    pub(super) fn payload(&mut self) -> &mut [u8] {
        self.0
            .get_mut(FRONT..FRONT + READ + AFTER)
            .unwrap_or_default()
    }
}

poolable!(ReadBuffer, Self(vec![0; FRONT + READ + 2 * AFTER].into()));

/// The dialect's translation of one read, laid out as a [`ReadBuffer`]; rarely longer than the read.
pub(super) struct Translated(pub(super) BytesMut);

poolable!(
    Translated,
    Self(BytesMut::with_capacity(FRONT + READ + AFTER))
);

/// How many unused buffers of each kind are in the pools.
#[cfg(test)]
pub(super) fn spare_buffers() -> [usize; 2] {
    use console::buffer_pool::Poolable;
    [ReadBuffer::POOL.count(), Translated::POOL.count()]
}
