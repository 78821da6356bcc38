//! What was decrypted of ESXi's frames, and where in it the viewer's bytes lie.

use std::cell::RefCell;
use std::io::IoSlice;
use std::ops::Range;
use std::thread::LocalKey;

use crate::blocks::{Lent, Spare};
use crate::tls_session;

/// What the decoder may leave for the next read: at most a control frame that is not whole, 4 bytes of header
/// and 125 of payload (RFC 6455 section 5.5).
const LEFTOVER: usize = 256;

/// What is opened of one read always fits.
const ROOM: usize = tls_session::READ + LEFTOVER;

/// Runs shorter than this are moved next to the one before: that costs less than to hand them to the kernel
/// one by one.
const SHORT: usize = 1024;

/// How many runs one system call takes. A block of frames that are just not [`SHORT`] has about this many; Linux
/// allows 1024.
const RUNS: usize = 256;

/// Bytes in the order in which they came. It holds a block only while there is something in it.
#[derive(Default)]
pub(super) struct Plain {
    block: Option<Lent<Block>>,
    filled: usize,
}

/// Some bytes, and those parts of them that go to the viewer.
struct Block {
    bytes: Box<[u8]>,
    runs: Vec<Range<usize>>,
}

thread_local! {
    static BLOCKS: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

impl Spare for Block {
    const KEPT: &'static LocalKey<RefCell<Vec<Self>>> = &BLOCKS;

    fn new() -> Self {
        Self {
            bytes: vec![0; ROOM].into(),
            runs: Vec::with_capacity(RUNS),
        }
    }
}

impl Plain {
    /// Adds what comes next: at most [`tls_session::READ`] since all that is whole was
    /// [forgotten](Self::forget).
    pub(super) fn append(&mut self, more: &[u8]) {
        let block = self.block.get_or_insert_with(Lent::take);
        let end = self.filled + more.len();
        debug_assert!(end <= ROOM);
        if let Some(place) = block.bytes.get_mut(self.filled..end) {
            place.copy_from_slice(more);
            self.filled = end;
        }
    }

    /// All bytes from `at` on.
    pub(super) fn bytes(&self, at: usize) -> &[u8] {
        self.range(at..self.filled)
    }

    /// Those bytes.
    pub(super) fn range(&self, range: Range<usize>) -> &[u8] {
        self.block
            .as_ref()
            .and_then(|block| block.bytes.get(range))
            .unwrap_or_default()
    }

    /// Marks bytes behind all that were marked so far as the viewer's.
    pub(super) fn mark(&mut self, run: Range<usize>) {
        let Some(Block { bytes, runs }) = self.block.as_deref_mut() else {
            return;
        };
        match runs.last_mut() {
            _ if run.is_empty() => {}
            Some(last) if run.len() < SHORT => {
                let length = run.len();
                bytes.copy_within(run, last.end);
                last.end += length;
            }
            _ => runs.push(run),
        }
    }

    /// What was marked, but for the first `skip` bytes of it: as much as fits one system call, for `write`.
    pub(super) fn with_marked<T>(
        &self,
        mut skip: usize,
        write: impl FnOnce(&[IoSlice<'_>]) -> T,
    ) -> T {
        let mut slices = [IoSlice::new(&[]); RUNS];
        let mut count = 0;
        let block = self.block.as_deref();
        for run in block.map_or(&[][..], |block| &block.runs) {
            let length = run.len();
            if skip >= length {
                skip -= length;
                continue;
            }
            let Some(slice) = slices.get_mut(count) else {
                break;
            };
            *slice = IoSlice::new(self.range(run.start + skip..run.end));
            skip = 0;
            count += 1;
        }
        write(slices.get(..count).unwrap_or_default())
    }

    /// How many bytes are marked.
    pub(super) fn marked(&self) -> usize {
        let block = self.block.as_deref();
        block.map_or(0, |block| block.runs.iter().map(Range::len).sum())
    }

    /// Forgets the first `count` bytes and all marks.
    pub(super) fn forget(&mut self, count: usize) {
        let Some(Block { bytes, runs }) = self.block.as_deref_mut() else {
            return;
        };
        runs.clear();
        let filled = std::mem::take(&mut self.filled);
        if count < filled {
            bytes.copy_within(count..filled, 0);
            self.filled = filled - count;
        } else {
            self.block = None;
        }
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.forget(self.filled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(plain: &Plain, skip: usize) -> (Vec<u8>, usize) {
        plain.with_marked(skip, |slices| {
            let bytes = slices.iter().flat_map(|slice| slice.to_vec()).collect();
            (bytes, slices.len())
        })
    }

    #[test]
    fn short_runs_are_moved_together_and_long_ones_stay() {
        let bytes: Vec<u8> = (0..20_000_u32).flat_map(u32::to_be_bytes).collect();
        let mut plain = Plain::default();
        plain.append(&bytes);
        let runs = [
            2..10,
            12..20,
            22..22,
            24..3000,
            3002..3012,
            3014..9000,
            9002..9003,
        ];
        let mut expected = Vec::new();
        for run in runs {
            expected.extend_from_slice(&bytes[run.clone()]);
            plain.mark(run);
        }
        assert_eq!(plain.marked(), expected.len());
        assert_eq!(marked(&plain, 0), (expected.clone(), 3));
        for skip in 0..expected.len() {
            assert_eq!(marked(&plain, skip).0, expected[skip..], "from {skip}");
        }
        plain.forget(9003);
        assert_eq!(plain.marked(), 0);
        assert_eq!(plain.bytes(0), &bytes[9003..]);
    }

    #[test]
    fn no_block_is_held_once_all_is_forgotten() {
        let mut plain = Plain::default();
        plain.append(b"abc");
        plain.mark(0..3);
        plain.forget(3);
        assert!(plain.block.is_none());
    }
}
