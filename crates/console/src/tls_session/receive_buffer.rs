//! The receive buffer of a TLS connection: decrypted bytes, and behind them records that are still encrypted.

use std::io;
use std::ops::Range;
use std::task::{Context, Poll};

use tokio::io::AsyncRead;

use super::record_layer::{READ, fill};
use crate::buffer_pool::{Pooled, poolable};

/// The most decrypted bytes that a reader leaves: an incomplete control frame, 4 bytes of header and 125 of payload
/// (RFC 6455 section 5.5).
const LEFTOVER: usize = 256;

/// The longest record with its header (RFC 5246 section 6.2.3; RFC 8446 section 5.2 allows less).
const RECORD: usize = 5 + 16 * 1024 + 2048;

/// The buffer's size: one read fits behind what earlier ones left.
const CAPACITY: usize = LEFTOVER + RECORD + READ;

/// A receive buffer, which is held only while it contains data.
#[derive(Default)]
pub struct ReceiveBuffer {
    block: Option<Pooled<Block>>,
    /// How many bytes are decrypted, from the start of the block.
    opened: usize,
    /// The range of encrypted records, behind the decrypted bytes.
    sealed: Range<usize>,
}

impl ReceiveBuffer {
    /// The decrypted bytes.
    pub fn opened(&self) -> &[u8] {
        self.block
            .as_ref()
            .and_then(|block| block.0.get(..self.opened))
            .unwrap_or_default()
    }

    /// The decrypted bytes, for decoding in place.
    pub fn opened_mut(&mut self) -> &mut [u8] {
        self.block
            .as_mut()
            .and_then(|block| block.0.get_mut(..self.opened))
            .unwrap_or_default()
    }

    /// Reads once, behind the encrypted records, of which the buffer takes at most [`READ`] bytes. Returns the buffer to the
    /// pool where it is empty.
    pub fn poll_fill<R: AsyncRead + Unpin>(
        &mut self,
        stream: &mut R,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.sealed.is_empty() {
            self.sealed = self.opened..self.opened;
        }
        let block = self.block.get_or_insert_with(Pooled::take);
        let Range { start, end } = self.sealed;
        let space = block.0.get_mut(end..CAPACITY.min(start + READ));
        let polled = fill(stream, context, space.unwrap_or_default());
        if let Poll::Ready(Ok(count)) = polled {
            self.sealed.end += count;
        }
        if self.opened == 0 && self.sealed.is_empty() {
            self.block = None;
        }
        polled
    }

    /// Everything behind the decrypted bytes, and where in it the encrypted records begin.
    pub(super) fn sealed_mut(&mut self) -> (&mut [u8], usize) {
        let Self {
            block,
            opened,
            sealed,
        } = self;
        let space = block
            .as_mut()
            .and_then(|block| block.0.get_mut(*opened..sealed.end));
        (
            space.unwrap_or_default(),
            sealed.start.saturating_sub(*opened),
        )
    }

    /// Marks the next `data` bytes as decrypted. The next record begins `next` bytes behind the decrypted bytes so far.
    pub fn mark_opened(&mut self, data: usize, next: usize) {
        self.sealed.start = self.opened + next;
        self.opened += data;
    }

    /// Adds bytes that were decrypted elsewhere, in front of the encrypted records: at most [`READ`] bytes since
    /// [`forget`](Self::forget) left no more than `LEFTOVER`.
    pub fn append(&mut self, more: &[u8]) {
        let Block(block) = &mut **self.block.get_or_insert_with(Pooled::take);
        let end = self.opened + more.len();
        if !self.sealed.is_empty() && self.sealed.start < end {
            let sealed = self.sealed.clone();
            self.sealed = end..end + sealed.len();
            block.copy_within(sealed, end);
        }
        debug_assert!(end.max(self.sealed.end) <= CAPACITY);
        if let Some(target) = block.get_mut(self.opened..end) {
            target.copy_from_slice(more);
            self.opened = end;
        }
    }

    /// Removes the first `count` decrypted bytes.
    pub fn forget(&mut self, count: usize) {
        let rest = count.min(self.opened)..self.opened;
        self.opened = rest.len();
        self.keep(rest);
    }

    /// Whether no buffer is held.
    pub fn holds_no_buffer(&self) -> bool {
        self.block.is_none()
    }

    /// Moves the remaining bytes to the front; returns the buffer to the pool where none remain.
    fn keep(&mut self, rest: Range<usize>) {
        let start = rest.len();
        if rest.start == 0 && self.sealed.start == start {
            return;
        }
        let sealed = std::mem::replace(&mut self.sealed, start..start);
        if rest.is_empty() && sealed.is_empty() {
            self.block = None;
        } else if let Some(block) = &mut self.block {
            block.0.copy_within(rest, 0);
            self.sealed.end += sealed.len();
            block.0.copy_within(sealed, start);
        }
    }
}

/// The pooled memory of an [`ReceiveBuffer`].
struct Block(Box<[u8]>);

poolable!(Block, Self(vec![0; CAPACITY].into()));

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn fill(input: &mut ReceiveBuffer, mut records: &[u8]) {
        let mut context = Context::from_waker(Waker::noop());
        let count = records.len();
        let polled = input.poll_fill(&mut records, &mut context);
        assert!(matches!(polled, Poll::Ready(Ok(read)) if read == count));
    }

    /// The encrypted bytes, and their distance from the decrypted ones.
    fn sealed(input: &mut ReceiveBuffer) -> (Vec<u8>, usize) {
        let (space, at) = input.sealed_mut();
        (space[at..].to_vec(), at)
    }

    #[test]
    fn encrypted_bytes_stay_behind_decrypted_ones() {
        let mut input = ReceiveBuffer::default();
        fill(&mut input, b"abcde|fgh");
        input.mark_opened(5, 6);
        assert_eq!(input.opened(), b"abcde");
        assert_eq!(sealed(&mut input), (b"fgh".to_vec(), 1));
        input.forget(3);
        assert_eq!(input.opened(), b"de");
        assert_eq!(sealed(&mut input), (b"fgh".to_vec(), 0));
        fill(&mut input, b"ijk");
        input.append(b"__");
        assert_eq!(input.opened(), b"de__");
        assert_eq!(sealed(&mut input), (b"fghijk".to_vec(), 0));
        input.forget(4);
        assert!(!input.holds_no_buffer());
        input.mark_opened(6, 6);
        assert_eq!(input.opened(), b"fghijk");
        input.forget(6);
        assert!(input.holds_no_buffer());
    }
}
