//! The FramebufferUpdate that is being sent to the viewer. Several of the host's updates may be merged into it, and
//! rectangles dropped or added. Its header announces the exact number of rectangles, or LastRect ends it.

use bytes::BufMut;
use rfb_proto::{Area, Encoding};

use super::to_viewer::{Bytes, ToViewer};

/// The length of an update's header.
const HEADER: usize = 4;

/// The length of a rectangle's header.
pub(super) const HEAD_LENGTH: usize = 12;

/// The position of the number of rectangles in the header.
const COUNT: std::ops::Range<usize> = 2..HEADER;

/// The update, if one has begun.
#[derive(Debug, Default)]
pub(super) enum ViewerUpdate {
    #[default]
    None,
    /// The header has been sent.
    Started {
        /// The number of rectangles that the viewer still expects.
        left: u16,
        /// Whether the viewer supports LastRect, so that fewer may be sent.
        last_rect: bool,
    },
    /// Nothing has been sent: the number of rectangles is not known yet, and the viewer does not support LastRect.
    Held(Held),
}

/// An update that is held back.
#[derive(Debug)]
pub(super) struct Held {
    /// The header, without the number of rectangles, and the rectangles.
    bytes: Vec<u8>,
    /// The number of rectangles that have begun.
    count: u16,
    /// The offset of the last of them.
    last: usize,
    /// The most bytes that may be held back.
    most: usize,
}

impl ViewerUpdate {
    pub(super) const fn is_open(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// The length of what is sent before the next rectangle: the header, if the update has not begun.
    pub(super) const fn header_to_come(&self) -> usize {
        match self {
            Self::None => HEADER,
            Self::Started { .. } | Self::Held(_) => 0,
        }
    }

    /// Whether no further rectangle can be added.
    pub(super) const fn is_full(&self) -> bool {
        matches!(
            self,
            Self::Started { left: 0, .. }
                | Self::Held(Held {
                    count: u16::MAX,
                    ..
                })
        )
    }

    /// Whether it can have another number of rectangles than the host has announced for this update.
    pub(super) const fn may_change_count(&self) -> bool {
        !matches!(
            self,
            Self::Started {
                last_rect: false,
                ..
            }
        )
    }

    /// Begins an update of `count` rectangles. The caller sends the header.
    pub(super) fn start(&mut self, count: u16, last_rect: bool) {
        *self = Self::Started {
            left: count,
            last_rect,
        };
    }

    /// Begins an update that is held back until it is complete or longer than `most` bytes.
    pub(super) fn hold(&mut self, id: u8, most: usize) {
        *self = Self::Held(Held {
            bytes: header(id, 0).to_vec(),
            count: 0,
            last: HEADER,
            most,
        });
    }

    /// Counts a rectangle that begins.
    pub(super) const fn begin_rectangle(&mut self) {
        match self {
            Self::None => {}
            Self::Started { left, .. } => *left = left.saturating_sub(1),
            Self::Held(held) => {
                held.count = held.count.saturating_add(1);
                held.last = held.bytes.len();
            }
        }
    }

    /// Sends bytes of the update, or of a message outside of updates. `more` rectangles of the host's update are to
    /// come.
    pub(super) fn pass(&mut self, bytes: &Bytes<'_>, more: u16, viewer: &mut impl ToViewer) {
        let length = bytes.get().len();
        match self {
            Self::Held(held) if held.bytes.len() + length <= held.most => {
                held.make_room(length);
                held.bytes.extend_from_slice(bytes.get());
            }
            Self::Held(_) => {
                self.release(more, viewer);
                bytes.pass(viewer);
            }
            Self::None | Self::Started { .. } => bytes.pass(viewer),
        }
    }

    /// Sends the bytes that `write` appends: at most `length`.
    pub(super) fn write<T>(
        &mut self,
        length: usize,
        more: u16,
        viewer: &mut impl ToViewer,
        write: impl FnOnce(&mut Vec<u8>) -> T,
    ) -> T {
        match self {
            Self::Held(held) if held.bytes.len() + length <= held.most => {
                held.make_room(length);
                return write(&mut held.bytes);
            }
            Self::Held(_) => self.release(more, viewer),
            Self::None | Self::Started { .. } => {}
        }
        write(viewer.own())
    }

    /// Sends what is held back, with a header for `more` further rectangles.
    pub(super) fn release(&mut self, more: u16, viewer: &mut impl ToViewer) {
        if let Self::Held(held) = std::mem::take(self) {
            let more = more.min(u16::MAX - held.count);
            held.flush(more, viewer);
            self.start(more, false);
        }
    }

    /// Ends the update.
    pub(super) fn end(&mut self, viewer: &mut impl ToViewer) {
        match std::mem::take(self) {
            Self::None => {}
            Self::Held(held) => held.flush(0, viewer),
            Self::Started {
                left: 1..,
                last_rect: true,
            } => write_head(Area::default(), Encoding::LAST_RECT, viewer.own()),
            // The host has sent fewer rectangles than it announced to a viewer without LastRect: the same without a
            // gateway.
            Self::Started { .. } => {}
        }
    }

    /// Drops the current rectangle if the update is held back; returns whether it was dropped.
    pub(super) fn drop_rectangle(&mut self) -> bool {
        let Self::Held(held) = self else {
            return false;
        };
        held.bytes.truncate(held.last);
        held.count = held.count.saturating_sub(1);
        true
    }

    /// Ends the update between two rectangles, before all rectangles that were announced. A viewer without LastRect is
    /// sent `filler` in place of each missing one: a rectangle that changes nothing.
    pub(super) fn finish(&mut self, filler: &[u8], viewer: &mut impl ToViewer) {
        match self {
            Self::Held(Held { count: 0, .. }) => *self = Self::None,
            &mut Self::Started {
                left,
                last_rect: false,
            } => (0..left).for_each(|_| viewer.own().extend_from_slice(filler)),
            Self::None | Self::Held(_) | Self::Started { .. } => {}
        }
        self.end(viewer);
    }

    /// The bytes of memory that it takes.
    pub(super) const fn memory(&self) -> usize {
        match self {
            Self::Held(held) => held.bytes.capacity(),
            Self::None | Self::Started { .. } => 0,
        }
    }
}

impl Held {
    /// Reserves room for `length` bytes; at least doubles the capacity, up to the limit.
    fn make_room(&mut self, length: usize) {
        let held = self.bytes.len();
        if self.bytes.capacity() - held < length {
            let rest = self.most.saturating_sub(held);
            self.bytes.reserve_exact(length.max(held.min(rest)));
        }
    }

    fn flush(mut self, more: u16, viewer: &mut impl ToViewer) {
        let count = self.count.saturating_add(more).to_be_bytes();
        if let Some(place) = self.bytes.get_mut(COUNT) {
            place.copy_from_slice(&count);
        }
        let own = viewer.own();
        if own.is_empty() {
            *own = self.bytes;
        } else {
            own.append(&mut self.bytes);
        }
    }
}

/// The header of an update (RFC 6143 section 7.6.1). `id` is in the byte that RFC 6143 calls padding.
pub(super) const fn header(id: u8, count: u16) -> [u8; HEADER] {
    let [high, low] = count.to_be_bytes();
    [0, id, high, low]
}

/// The header of a rectangle (RFC 6143 section 7.6.1).
pub(super) fn write_head(area: Area, encoding: Encoding, viewer: &mut Vec<u8>) {
    for side in [area.x, area.y, area.width, area.height] {
        viewer.put_u16(side);
    }
    viewer.put_i32(encoding.0);
}
