//! ESXi's decrypted WebSocket stream, and which parts of it go to the viewer: written from where they were decrypted.

use std::convert::Infallible;
use std::io::IoSlice;
use std::ops::Range;

use console::buffer_pool::{Pooled, poolable};
use console::tls_session::{self, ReceiveBuffer};
use dialect::ToViewer;

/// Ranges shorter than this are moved next to the one before: that costs less than an iovec each.
const SHORT: usize = 1024;

/// The most iovecs per `writev`. One read of frames that are just not [`SHORT`] has about this many; Linux allows 1024.
const PARTS: usize = 256;

/// Received bytes, and the output for the viewer that is made of them and of messages of the gateway's own.
#[derive(Default)]
pub(super) struct Decrypted {
    pub(super) input: ReceiveBuffer,
    /// `None` while it is empty, so that an idle session holds no buffer.
    output: Option<Pooled<Output>>,
}

/// Messages of the gateway's own, and the parts of them and of the input that go to the viewer, in order.
struct Output {
    own: Vec<u8>,
    parts: Vec<Part>,
}

/// A part of the output.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// A range of the input.
    Received(Range<usize>),
    /// A range of [`Output::own`].
    Own(Range<usize>),
}

poolable!(
    Output,
    Self {
        own: Vec::new(),
        parts: Vec::with_capacity(PARTS),
    }
);

impl Decrypted {
    pub(super) fn new(input: ReceiveBuffer) -> Self {
        Self {
            input,
            output: None,
        }
    }

    /// The input from `at` on.
    pub(super) fn bytes(&self, at: usize) -> &[u8] {
        self.input.opened().get(at..).unwrap_or_default()
    }

    pub(super) fn range(&self, range: Range<usize>) -> &[u8] {
        self.input.opened().get(range).unwrap_or_default()
    }

    /// Appends a range of the input to the output.
    pub(super) fn pass(&mut self, run: Range<usize>) {
        let passed = self.translate(run.clone(), |_, viewer| {
            viewer.pass(0..run.len());
            Ok::<_, Infallible>(())
        });
        match passed {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }

    /// Has `translate` append to the output what the viewer gets for a range of the input.
    pub(super) fn translate<E>(
        &mut self,
        run: Range<usize>,
        translate: impl FnOnce(&[u8], &mut OutputWriter<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let Output { own, parts } = &mut **self.output.get_or_insert_with(Pooled::take);
        let before = parts.len();
        let mut writer = OutputWriter {
            start: run.start,
            noted: own.len(),
            own,
            parts,
        };
        let translated = translate(
            self.input.opened().get(run).unwrap_or_default(),
            &mut writer,
        );
        writer.note_own();
        join(parts, before, self.input.opened_mut());
        translated
    }

    /// Calls `write` with the output behind its first `skip` bytes: as much of it as one `writev` takes.
    pub(super) fn with_output<T>(
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

    /// The output's length.
    pub(super) fn output_len(&self) -> usize {
        self.parts().map(<[u8]>::len).sum()
    }

    /// Discards the first `count` bytes of the input and the whole output.
    pub(super) fn discard(&mut self, count: usize) {
        self.clear_output();
        self.input.forget(count);
    }

    fn clear_output(&mut self) {
        if let Some(mut output) = self.output.take() {
            output.parts.clear();
            output.own.clear();
            output.own.shrink_to(tls_session::READ);
        }
    }

    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.output.iter().flat_map(|output| {
            output.parts.iter().map(|part| match part {
                Part::Received(range) => self.range(range.clone()),
                Part::Own(range) => output.own.get(range.clone()).unwrap_or_default(),
            })
        })
    }
}

impl Drop for Decrypted {
    fn drop(&mut self) {
        self.clear_output();
    }
}

/// Moves short ranges among the parts from `before` on next to their predecessors in `bytes`, and merges them.
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

/// Appends to the output, as the dialect decides.
pub(super) struct OutputWriter<'a> {
    /// Where the translated range begins in the input.
    start: usize,
    own: &'a mut Vec<u8>,
    /// How much of `own` is in a part already.
    noted: usize,
    parts: &'a mut Vec<Part>,
}

impl OutputWriter<'_> {
    fn note_own(&mut self) {
        if self.own.len() > self.noted {
            self.parts.push(Part::Own(self.noted..self.own.len()));
            self.noted = self.own.len();
        }
    }
}

impl ToViewer for OutputWriter<'_> {
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

    fn output(decrypted: &Decrypted, skip: usize) -> (Vec<u8>, usize) {
        decrypted.with_output(skip, |slices| {
            let bytes = slices.iter().flat_map(|slice| slice.to_vec()).collect();
            (bytes, slices.len())
        })
    }

    #[test]
    fn short_runs_are_moved_together_and_long_ones_stay() {
        let bytes: Vec<u8> = (0..20_000_u32).flat_map(u32::to_be_bytes).collect();
        let mut decrypted = Decrypted::default();
        decrypted.input.append(&bytes);
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
            decrypted.pass(run);
        }
        assert_eq!(decrypted.output_len(), expected.len());
        assert_eq!(output(&decrypted, 0), (expected.clone(), 3));
        for skip in 0..expected.len() {
            assert_eq!(output(&decrypted, skip).0, expected[skip..], "from {skip}");
        }
        decrypted.discard(9003);
        assert_eq!(decrypted.output_len(), 0);
        assert_eq!(decrypted.bytes(0), &bytes[9003..]);
    }

    #[test]
    fn own_messages_keep_their_place_among_received_ranges() {
        let mut decrypted = Decrypted::default();
        decrypted.input.append(b"0123456789");
        let translated = decrypted.translate(2..9, |bytes, viewer| {
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
        assert_eq!(translated, Err("lost"));
        decrypted.pass(9..10);
        let expected = b"a23bc6d9";
        for skip in 0..expected.len() {
            assert_eq!(output(&decrypted, skip).0, expected[skip..], "from {skip}");
        }
        assert_eq!(decrypted.output_len(), expected.len());
        decrypted.discard(10);
        decrypted.input.append(b"x");
        decrypted.pass(0..1);
        assert_eq!(output(&decrypted, 0).0, b"x");
    }

    #[test]
    fn no_buffer_is_held_once_all_is_discarded() {
        let mut decrypted = Decrypted::default();
        decrypted.input.append(b"abc");
        decrypted.pass(0..3);
        decrypted.discard(3);
        assert!(decrypted.input.holds_no_buffer() && decrypted.output.is_none());
    }
}
