//! What has come on a TLS connection: what was opened of it, in order, and behind that what is still sealed.

use std::io;
use std::ops::Range;
use std::task::{Context, Poll};

use tokio::io::AsyncRead;

use super::{READ, fill};
use crate::buffer_pool::{Pooled, poolable};

/// What whoever reads may leave for the next time: at most a control frame that is not whole, 4 bytes of header
/// and 125 of payload (RFC 6455 section 5.5).
const LEFTOVER: usize = 256;

/// The longest record there is, with its header (RFC 5246 section 6.2.3; RFC 8446 section 5.2 allows less).
const RECORD: usize = 5 + 16 * 1024 + 2048;

/// One read always fits behind what is left of those before it.
const ROOM: usize = LEFTOVER + RECORD + READ;

/// One buffer, held only while there is something in it.
#[derive(Default)]
pub struct Input {
    block: Option<Pooled<Block>>,
    /// How much is opened: from the start of the block.
    opened: usize,
    /// Where records lie that are not opened: behind that.
    sealed: Range<usize>,
}

impl Input {
    /// What is opened.
    pub fn opened(&self) -> &[u8] {
        self.block
            .as_ref()
            .and_then(|block| block.0.get(..self.opened))
            .unwrap_or_default()
    }

    /// Likewise, to be moved about in.
    pub fn opened_mut(&mut self) -> &mut [u8] {
        self.block
            .as_mut()
            .and_then(|block| block.0.get_mut(..self.opened))
            .unwrap_or_default()
    }

    /// Reads once, behind what is sealed, until there are [`READ`] bytes of that at most. No buffer is held while there
    /// is nothing in it.
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
        let room = block.0.get_mut(end..ROOM.min(start + READ));
        let polled = fill(stream, context, room.unwrap_or_default());
        if let Poll::Ready(Ok(count)) = polled {
            self.sealed.end += count;
        }
        if self.opened == 0 && self.sealed.is_empty() {
            self.block = None;
        }
        polled
    }

    /// All that is behind what is opened, and where in it the records lie that are not.
    pub(super) fn sealed_mut(&mut self) -> (&mut [u8], usize) {
        let Self {
            block,
            opened,
            sealed,
        } = self;
        let room = block
            .as_mut()
            .and_then(|block| block.0.get_mut(*opened..sealed.end));
        (
            room.unwrap_or_default(),
            sealed.start.saturating_sub(*opened),
        )
    }

    /// Of what is behind what is opened, `data` bytes are opened too, and the next record is
    /// at `next`.
    pub fn has_opened(&mut self, data: usize, next: usize) {
        self.sealed.start = self.opened + next;
        self.opened += data;
    }

    /// Adds what was opened elsewhere, in front of what is sealed: at most [`READ`] bytes since all but a little
    /// was [forgotten](Self::forget).
    pub fn append(&mut self, more: &[u8]) {
        let Block(block) = &mut **self.block.get_or_insert_with(Pooled::take);
        let end = self.opened + more.len();
        if !self.sealed.is_empty() && self.sealed.start < end {
            let sealed = self.sealed.clone();
            self.sealed = end..end + sealed.len();
            block.copy_within(sealed, end);
        }
        debug_assert!(end.max(self.sealed.end) <= ROOM);
        if let Some(place) = block.get_mut(self.opened..end) {
            place.copy_from_slice(more);
            self.opened = end;
        }
    }

    /// Forgets the first `count` bytes of what is opened.
    pub fn forget(&mut self, count: usize) {
        let rest = count.min(self.opened)..self.opened;
        self.opened = rest.len();
        self.keep(rest);
    }

    /// Whether it has no buffer.
    pub fn holds_nothing(&self) -> bool {
        self.block.is_none()
    }

    /// Moves what is left to the front; gives the buffer back where nothing is.
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

/// Where bytes arrive.
struct Block(Box<[u8]>);

poolable!(Block, Self(vec![0; ROOM].into()));

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn arrives(input: &mut Input, mut wire: &[u8]) {
        let mut context = Context::from_waker(Waker::noop());
        let count = wire.len();
        let polled = input.poll_fill(&mut wire, &mut context);
        assert!(matches!(polled, Poll::Ready(Ok(read)) if read == count));
    }

    /// What is sealed, and how far it is from what is opened.
    fn sealed(input: &mut Input) -> (Vec<u8>, usize) {
        let (room, at) = input.sealed_mut();
        (room[at..].to_vec(), at)
    }

    #[test]
    fn what_is_sealed_stays_behind_what_is_opened_whatever_is_forgotten_and_added() {
        let mut input = Input::default();
        arrives(&mut input, b"abcde|fgh");
        input.has_opened(5, 6);
        assert_eq!(input.opened(), b"abcde");
        assert_eq!(sealed(&mut input), (b"fgh".to_vec(), 1));
        input.forget(3);
        assert_eq!(input.opened(), b"de");
        assert_eq!(sealed(&mut input), (b"fgh".to_vec(), 0));
        arrives(&mut input, b"ijk");
        input.append(b"__");
        assert_eq!(input.opened(), b"de__");
        assert_eq!(sealed(&mut input), (b"fghijk".to_vec(), 0));
        input.forget(4);
        assert!(!input.holds_nothing());
        input.has_opened(6, 6);
        assert_eq!(input.opened(), b"fghijk");
        input.forget(6);
        assert!(input.holds_nothing());
    }
}
