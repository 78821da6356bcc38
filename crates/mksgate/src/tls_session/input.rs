//! What has come on a TLS connection: what was opened of it, in order, and behind that what is still sealed.

use std::cell::RefCell;
use std::ops::Range;
use std::thread::LocalKey;

use super::READ;
use crate::blocks::{Lent, Spare};

/// What whoever reads may leave for the next time: at most a control frame that is not whole, 4 bytes of header
/// and 125 of payload (RFC 6455 section 5.5).
const LEFTOVER: usize = 256;

/// The longest record there is, with its header (RFC 5246 section 6.2.3; RFC 8446 section 5.2 allows less).
const RECORD: usize = 5 + 16 * 1024 + 2048;

/// One read always fits behind what is left of those before it.
const ROOM: usize = LEFTOVER + RECORD + READ;

/// One buffer, held only while there is something in it.
#[derive(Default)]
pub(crate) struct Input {
    block: Option<Lent<Block>>,
    /// How much is opened: from the start of the block.
    opened: usize,
    /// Where records lie that are not opened: behind that.
    sealed: Range<usize>,
}

impl Input {
    /// What is opened.
    pub(crate) fn opened(&self) -> &[u8] {
        self.block
            .as_ref()
            .and_then(|block| block.0.get(..self.opened))
            .unwrap_or_default()
    }

    /// Likewise, to be moved about in.
    pub(crate) fn opened_mut(&mut self) -> &mut [u8] {
        self.block
            .as_mut()
            .and_then(|block| block.0.get_mut(..self.opened))
            .unwrap_or_default()
    }

    /// Adds what was opened elsewhere: at most [`READ`] bytes since all but a little was
    /// [forgotten](Self::forget).
    pub(crate) fn append(&mut self, more: &[u8]) {
        debug_assert!(self.sealed.is_empty());
        let block = self.block.get_or_insert_with(Lent::take);
        let end = self.opened + more.len();
        debug_assert!(end <= ROOM);
        if let Some(place) = block.0.get_mut(self.opened..end) {
            place.copy_from_slice(more);
            self.opened = end;
        }
    }

    /// Forgets the first `count` bytes of what is opened.
    pub(crate) fn forget(&mut self, count: usize) {
        let rest = count.min(self.opened)..self.opened;
        self.opened = rest.len();
        self.keep(rest);
    }

    /// Whether it has no buffer.
    #[cfg(test)]
    pub(crate) fn holds_nothing(&self) -> bool {
        self.block.is_none()
    }

    /// Moves what is left to the front; gives the buffer back where nothing is.
    fn keep(&mut self, rest: Range<usize>) {
        let start = rest.len();
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

thread_local! {
    static BLOCKS: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

impl Spare for Block {
    const KEPT: &'static LocalKey<RefCell<Vec<Self>>> = &BLOCKS;

    fn new() -> Self {
        Self(vec![0; ROOM].into())
    }
}
