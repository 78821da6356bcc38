//! The output to the viewer, and pieces of the host's bytes that go there.

use std::ops::Range;

/// Receives the output to the viewer, in order.
pub trait ToViewer {
    /// This range of the bytes that were passed to [`crate::Dialogue::receive_from_host`] is sent unchanged.
    fn pass(&mut self, range: Range<usize>);
    /// A buffer: bytes that are appended to it are sent after all ranges so far and before the next.
    fn own(&mut self) -> &mut Vec<u8>;
}

/// The bytes of a piece.
pub(crate) enum Bytes<'a> {
    /// In the received bytes, at this range.
    Received(&'a [u8], Range<usize>),
    /// In a buffer of the gateway: the piece was incomplete in the received bytes before.
    Kept(&'a [u8]),
}

impl Bytes<'_> {
    pub(crate) const fn get(&self) -> &[u8] {
        match self {
            Self::Received(bytes, _) | Self::Kept(bytes) => bytes,
        }
    }

    /// Their range in the received bytes, if they are there.
    pub(crate) fn range(&self) -> Option<Range<usize>> {
        match self {
            Self::Received(_, range) => Some(range.clone()),
            Self::Kept(_) => None,
        }
    }

    pub(crate) fn pass(&self, viewer: &mut impl ToViewer) {
        match self {
            Self::Received(_, range) => viewer.pass(range.clone()),
            Self::Kept(bytes) => viewer.own().extend_from_slice(bytes),
        }
    }
}
