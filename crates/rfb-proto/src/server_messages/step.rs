//! One step through what a rectangle holds.

use super::ScanError;

/// What follows the bytes that were read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step<N> {
    /// The number of bytes to skip: pixels, and other bytes that say nothing about the length.
    pub(super) skip: u64,
    /// Reads the bytes after those; `None` where the rectangle ends there.
    pub(super) next: Option<N>,
}

/// The number of bytes that were read, and what follows them; `None` while more bytes are needed, of which 16 are
/// enough.
pub(super) type Read<N> = Result<Option<(usize, Step<N>)>, ScanError>;

impl<N> Step<N> {
    /// The rectangle ends here.
    pub(super) const END: Self = Self::skip(0);

    /// The rectangle ends after so many bytes.
    pub(super) const fn skip(skip: u64) -> Self {
        let next = None;
        Self { skip, next }
    }

    /// `next` reads what comes at once.
    pub(super) const fn next(next: N) -> Self {
        let next = Some(next);
        Self { skip: 0, next }
    }

    /// The same step with another reader.
    #[inline]
    pub(super) fn map<M>(self, reader: impl FnOnce(N) -> M) -> Step<M> {
        Step {
            skip: self.skip,
            next: self.next.map(reader),
        }
    }
}
