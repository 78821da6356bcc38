//! A zlib stream that continues across rectangles (RFC 1950).

use flate2::{Compress, Compression, FlushCompress};

/// The compressor of a stream.
pub(super) struct Zlib(Compress);

impl Default for Zlib {
    fn default() -> Self {
        Self(Compress::new(Compression::fast(), true))
    }
}

impl Zlib {
    /// Compresses `bytes` and flushes, so that the receiver can decompress all of them.
    pub(super) fn compress(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        loop {
            out.reserve(bytes.len() / 2 + EXTRA);
            let before = self.0.total_in();
            // Cannot fail: the stream was made by `Compress::new`.
            let _ = self.0.compress_vec(bytes, &mut out, FlushCompress::Sync);
            let taken = usize::try_from(self.0.total_in() - before).unwrap_or_default();
            bytes = bytes.get(taken..).unwrap_or_default();
            // The flush is complete when the output was not filled.
            if bytes.is_empty() && out.len() < out.capacity() {
                return out;
            }
        }
    }
}

/// More than an empty sync flush takes.
const EXTRA: usize = 64;
