//! A compressed stream that goes on from rectangle to rectangle (RFC 1950).

use flate2::{Compress, Compression, FlushCompress};

/// The sender's end of such a stream.
pub(super) struct Zlib(Compress);

impl Default for Zlib {
    fn default() -> Self {
        Self(Compress::new(Compression::fast(), true))
    }
}

impl Zlib {
    /// `bytes`, compressed so far that a receiver can have them all.
    pub(super) fn compress(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        loop {
            out.reserve(bytes.len() / 2 + ROOM);
            let before = self.0.total_in();
            // It fails only for a stream that was not made by `Compress::new`.
            let _ = self.0.compress_vec(bytes, &mut out, FlushCompress::Sync);
            let taken = usize::try_from(self.0.total_in() - before).unwrap_or_default();
            bytes = bytes.get(taken..).unwrap_or_default();
            // With room left over, all that there was is out.
            if bytes.is_empty() && out.len() < out.capacity() {
                return out;
            }
        }
    }
}

/// More than the mark at a flush takes.
const ROOM: usize = 64;
