//! What was decrypted of ESXi's frames, and where in it the viewer's bytes lie.

use std::convert::Infallible;
use std::io::IoSlice;
use std::ops::Range;

use console::buffer_pool::{Pooled, poolable};
use console::tls_session::{self, Input};
use dialect::ToViewer;

/// Runs shorter than this are moved next to the one before: that costs less than to hand them to the kernel
/// one by one.
const SHORT: usize = 1024;

/// How many parts one system call takes. A block of frames that are just not [`SHORT`] has about this many; Linux
/// allows 1024.
const PARTS: usize = 256;

/// Bytes in the order in which they came, and what of them, and beside them, goes to the viewer.
#[derive(Default)]
pub(super) struct Plain {
    /// Where they arrive.
    pub(super) input: Input,
    /// Held only while there is something in it.
    marked: Option<Pooled<Marked>>,
}

/// What the gateway itself has to say, and those parts of it and of the input that go to the viewer.
struct Marked {
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

poolable!(
    Marked,
    Self {
        own: Vec::new(),
        parts: Vec::with_capacity(PARTS),
    }
);

impl Plain {
    /// Over what comes into `input`.
    pub(super) fn new(input: Input) -> Self {
        Self {
            input,
            marked: None,
        }
    }

    /// All bytes from `at` on.
    pub(super) fn bytes(&self, at: usize) -> &[u8] {
        self.input.opened().get(at..).unwrap_or_default()
    }

    /// Those bytes.
    pub(super) fn range(&self, range: Range<usize>) -> &[u8] {
        self.input.opened().get(range).unwrap_or_default()
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
        let Marked { own, parts } = &mut **self.marked.get_or_insert_with(Pooled::take);
        let before = parts.len();
        let mut marks = Marks {
            start: run.start,
            said: own.len(),
            own,
            parts,
        };
        let judged = judge(self.input.opened().get(run).unwrap_or_default(), &mut marks);
        marks.note_own();
        join(parts, before, self.input.opened_mut());
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
        for part in self.parts() {
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
        self.parts().map(<[u8]>::len).sum()
    }

    /// Forgets the first `count` bytes and all marks.
    pub(super) fn forget(&mut self, count: usize) {
        self.forget_marks();
        self.input.forget(count);
    }

    fn forget_marks(&mut self) {
        if let Some(mut marked) = self.marked.take() {
            marked.parts.clear();
            marked.own.clear();
            marked.own.shrink_to(tls_session::READ);
        }
    }

    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.marked.iter().flat_map(|marked| {
            marked.parts.iter().map(|part| match part {
                Part::Received(range) => self.range(range.clone()),
                Part::Own(range) => marked.own.get(range.clone()).unwrap_or_default(),
            })
        })
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.forget_marks();
    }
}

/// Moves short parts of those from `before` on next to the one before, where they lie in `bytes`.
fn join(parts: &mut Vec<Part>, before: usize, bytes: &mut [u8]) {
    let mut kept = before;
    for at in before..parts.len() {
        let Some(part) = parts.get(at).cloned() else {
            break;
        };
        let before = kept.checked_sub(1).and_then(|at| parts.get_mut(at));
        match (before, part) {
            (_, Part::Received(run)) if run.is_empty() => {}
            (Some(Part::Received(last)), Part::Received(run)) if run.len() < SHORT => {
                let length = run.len();
                bytes.copy_within(run, last.end);
                last.end += length;
            }
            (_, part) => {
                if let Some(place) = parts.get_mut(kept) {
                    *place = part;
                    kept += 1;
                }
            }
        }
    }
    parts.truncate(kept);
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
        plain.input.append(&bytes);
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
        plain.input.append(b"0123456789");
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
        plain.input.append(b"x");
        plain.mark(0..1);
        assert_eq!(marked(&plain, 0).0, b"x");
    }

    #[test]
    fn no_block_is_held_once_all_is_forgotten() {
        let mut plain = Plain::default();
        plain.input.append(b"abc");
        plain.mark(0..3);
        plain.forget(3);
        assert!(plain.input.holds_no_buffer() && plain.marked.is_none());
    }
}
