//! A piece of what the host sent, and who takes it.

use std::ops::Range;

/// Takes what goes to the viewer, in its order.
pub trait ToViewer {
    /// These bytes of the run go as they are.
    fn pass(&mut self, range: Range<usize>);
    /// What is appended here goes next.
    fn own(&mut self) -> &mut Vec<u8>;
}

/// Where a piece's bytes are.
pub(crate) enum Bytes<'a> {
    /// In the run, there.
    There(&'a [u8], Range<usize>),
    /// They were kept.
    Kept(&'a [u8]),
}

impl Bytes<'_> {
    pub(crate) const fn get(&self) -> &[u8] {
        match self {
            Self::There(bytes, _) | Self::Kept(bytes) => bytes,
        }
    }

    /// Where in the run they are, if they are.
    pub(crate) fn range(&self) -> Option<Range<usize>> {
        match self {
            Self::There(_, range) => Some(range.clone()),
            Self::Kept(_) => None,
        }
    }

    pub(crate) fn pass(&self, viewer: &mut impl ToViewer) {
        match self {
            Self::There(_, range) => viewer.pass(range.clone()),
            Self::Kept(bytes) => viewer.own().extend_from_slice(bytes),
        }
    }
}
