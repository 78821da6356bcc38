//! What was decrypted of ESXi's frames, and where in it the viewer's bytes lie.

use std::cell::RefCell;
use std::convert::Infallible;
use std::io::IoSlice;
use std::ops::Range;
use std::thread::LocalKey;

use crate::blocks::{Lent, Spare};
use crate::repair::ToViewer;
use crate::tls_session;

/// What the decoder may leave for the next read: at most a control frame that is not whole, 4 bytes of header
/// and 125 of payload (RFC 6455 section 5.5).
const LEFTOVER: usize = 256;

/// What is opened of one read always fits.
const ROOM: usize = tls_session::READ + LEFTOVER;

/// Runs shorter than this are moved next to the one before: that costs less than to hand them to the kernel
/// one by one.
const SHORT: usize = 1024;

/// How many parts one system call takes. A block of frames that are just not [`SHORT`] has about this many; Linux
/// allows 1024.
const PARTS: usize = 256;

/// Bytes in the order in which they came. It holds a block only while there is something in it.
#[derive(Default)]
pub(super) struct Plain {
    block: Option<Lent<Block>>,
    filled: usize,
}

/// Some bytes, what the gateway itself has to say, and those parts of both that go to the viewer.
struct Block {
    bytes: Box<[u8]>,
    own: Vec<u8>,
    parts: Vec<Part>,
}

/// A part of what goes to the viewer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Of what was received.
    Received(Range<usize>),
    /// Of what the gateway says itself.
    Own(Range<usize>),
}

thread_local! {
    static BLOCKS: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

impl Spare for Block {
    const KEPT: &'static LocalKey<RefCell<Vec<Self>>> = &BLOCKS;

    fn new() -> Self {
        Self {
            bytes: vec![0; ROOM].into(),
            own: Vec::new(),
            parts: Vec::with_capacity(PARTS),
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
        let marked = self.mark_by(run.clone(), |_, viewer| {
            viewer.pass(0..run.len());
            Ok::<_, Infallible>(())
        });
        match marked {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }

    /// Lets `judge` say what becomes of bytes behind all that were marked so far.
    pub(super) fn mark_by<E>(
        &mut self,
        run: Range<usize>,
        judge: impl FnOnce(&[u8], &mut Marks<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let block = &mut **self.block.get_or_insert_with(Lent::take);
        let marked = block.parts.len();
        let mut marks = Marks {
            start: run.start,
            said: block.own.len(),
            own: &mut block.own,
            parts: &mut block.parts,
        };
        let judged = judge(block.bytes.get(run).unwrap_or_default(), &mut marks);
        marks.note_own();
        block.join(marked);
        judged
    }

    /// What was marked, but for the first `skip` bytes of it: as much as fits one system call, for `write`.
    pub(super) fn with_marked<T>(
        &self,
        mut skip: usize,
        write: impl FnOnce(&[IoSlice<'_>]) -> T,
    ) -> T {
        let mut slices = [IoSlice::new(&[]); PARTS];
        let mut count = 0;
        let parts = self.block.iter().flat_map(|block| {
            let parts = block.parts.iter();
            parts.map(|part| part.of(block))
        });
        for part in parts {
            if skip >= part.len() {
                skip -= part.len();
                continue;
            }
            let Some(slice) = slices.get_mut(count) else {
                break;
            };
            *slice = IoSlice::new(part.get(skip..).unwrap_or_default());
            skip = 0;
            count += 1;
        }
        write(slices.get(..count).unwrap_or_default())
    }

    /// How many bytes are marked.
    pub(super) fn marked(&self) -> usize {
        let block = self.block.as_deref();
        block.map_or(0, |block| block.parts.iter().map(Part::len).sum())
    }

    /// Forgets the first `count` bytes and all marks.
    pub(super) fn forget(&mut self, count: usize) {
        let Some(Block { bytes, own, parts }) = self.block.as_deref_mut() else {
            return;
        };
        parts.clear();
        own.clear();
        own.shrink_to(ROOM);
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

impl Block {
    /// Moves short parts of those from `marked` on next to the one before.
    fn join(&mut self, marked: usize) {
        let mut kept = marked;
        for at in marked..self.parts.len() {
            let Some(part) = self.parts.get(at).cloned() else {
                break;
            };
            if part.len() == 0 {
                continue;
            }
            let before = kept.checked_sub(1).and_then(|at| self.parts.get_mut(at));
            match (before, part) {
                (Some(Part::Received(last)), Part::Received(run)) if run.len() < SHORT => {
                    let length = run.len();
                    self.bytes.copy_within(run, last.end);
                    last.end += length;
                }
                (_, part) => {
                    if let Some(place) = self.parts.get_mut(kept) {
                        *place = part;
                        kept += 1;
                    }
                }
            }
        }
        self.parts.truncate(kept);
    }
}

impl Part {
    fn len(&self) -> usize {
        match self {
            Self::Received(range) | Self::Own(range) => range.len(),
        }
    }

    fn of<'a>(&self, block: &'a Block) -> &'a [u8] {
        match self {
            Self::Received(range) => block.bytes.get(range.clone()),
            Self::Own(range) => block.own.get(range.clone()),
        }
        .unwrap_or_default()
    }
}

/// Where it is noted what goes to the viewer.
pub(super) struct Marks<'a> {
    /// Where the run begins.
    start: usize,
    own: &'a mut Vec<u8>,
    /// How much of that is in a part already.
    said: usize,
    parts: &'a mut Vec<Part>,
}

impl Marks<'_> {
    fn note_own(&mut self) {
        if self.own.len() > self.said {
            self.parts.push(Part::Own(self.said..self.own.len()));
            self.said = self.own.len();
        }
    }
}

impl ToViewer for Marks<'_> {
    fn pass(&mut self, range: Range<usize>) {
        self.note_own();
        let (from, to) = (self.start + range.start, self.start + range.end);
        match self.parts.last_mut() {
            Some(Part::Received(last)) if last.end == from => last.end = to,
            _ => self.parts.push(Part::Received(from..to)),
        }
    }

    fn own(&mut self) -> &mut Vec<u8> {
        self.own
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
    fn what_the_gateway_says_comes_where_it_was_said() {
        let mut plain = Plain::default();
        plain.append(b"0123456789");
        let judged = plain.mark_by(2..9, |bytes, viewer| {
            assert_eq!(bytes, b"2345678");
            viewer.own().extend(b"a");
            viewer.pass(0..1);
            viewer.pass(1..2);
            viewer.own().extend(b"b");
            viewer.own().extend(b"c");
            viewer.pass(4..5);
            viewer.own().extend(b"d");
            Err("lost")
        });
        assert_eq!(judged, Err("lost"));
        plain.mark(9..10);
        let expected = b"a23bc6d9";
        for skip in 0..expected.len() {
            assert_eq!(marked(&plain, skip).0, expected[skip..], "from {skip}");
        }
        assert_eq!(plain.marked(), expected.len());
        plain.forget(10);
        plain.append(b"x");
        plain.mark(0..1);
        assert_eq!(marked(&plain, 0).0, b"x");
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
