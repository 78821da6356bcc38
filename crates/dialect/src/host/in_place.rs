//! Output to the viewer that is made in the buffer where most of it is already.

use std::ops::Range;

use crate::to_viewer::ToViewer;

/// Output that consists of a range of a buffer, with little before and after it.
pub(super) struct InPlace<'a> {
    buffer: &'a [u8],
    before: Vec<u8>,
    range: Range<usize>,
    after: Vec<u8>,
}

/// What [`InPlace`] has received.
pub(super) struct Received {
    before: Vec<u8>,
    range: Range<usize>,
    after: Vec<u8>,
}

impl<'a> InPlace<'a> {
    pub(super) const fn new(buffer: &'a [u8]) -> Self {
        Self {
            buffer,
            before: Vec::new(),
            range: 0..0,
            after: Vec::new(),
        }
    }

    pub(super) fn end(self) -> Received {
        Received {
            before: self.before,
            range: self.range,
            after: self.after,
        }
    }
}

impl ToViewer for InPlace<'_> {
    fn pass(&mut self, range: Range<usize>) {
        if self.range.is_empty() {
            self.range = range;
        } else if self.range.end == range.start && self.after.is_empty() {
            self.range.end = range.end;
        } else {
            let bytes = self.buffer.get(range).unwrap_or_default();
            self.after.extend_from_slice(bytes);
        }
    }

    fn own(&mut self) -> &mut Vec<u8> {
        match self.range.is_empty() {
            true => &mut self.before,
            false => &mut self.after,
        }
    }
}

impl Received {
    /// Sends it. `buffer` is the one that it was made in: sent itself where nothing else is to be sent before it, and
    /// there is exactly enough room at its front.
    pub(super) fn send(mut self, mut buffer: Vec<u8>, viewer: &mut impl ToViewer) {
        let own = viewer.own();
        let Range { start, end } = self.range;
        match buffer.get_mut(..start) {
            Some(room) if own.is_empty() && start < end && room.len() == self.before.len() => {
                room.copy_from_slice(&self.before);
                buffer.truncate(end);
                buffer.append(&mut self.after);
                *own = buffer;
            }
            _ => {
                own.append(&mut self.before);
                own.extend_from_slice(buffer.get(start..end).unwrap_or_default());
                own.append(&mut self.after);
            }
        }
    }
}
