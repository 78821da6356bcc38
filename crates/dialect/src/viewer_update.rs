//! The FramebufferUpdate that the viewer is getting. Several of the host's may become one, and rectangles may be left
//! out or added. It is never padded: its header says how many rectangles it has, or LastRect ends it.

use bytes::BufMut;
use rfb_proto::{Area, Encoding};

use super::to_viewer::{Bytes, ToViewer};

/// The length of an update's header.
const HEADER: usize = 4;

/// The length of a rectangle's header.
pub(super) const HEAD_LENGTH: usize = 12;

/// Where the header has its count.
const COUNT: std::ops::Range<usize> = 2..HEADER;

/// The update, if there is one.
#[derive(Debug, Default)]
pub(super) enum ViewerUpdate {
    #[default]
    None,
    /// The viewer has its header.
    Started {
        /// How many rectangles it still expects.
        left: u16,
        /// Whether it knows LastRect, and so may get fewer.
        last_rect: bool,
    },
    /// The viewer has nothing of it: the count is not known yet, and it does not know LastRect.
    Held(Held),
}

/// What is held back of an update.
#[derive(Debug)]
pub(super) struct Held {
    /// The header, without the count, and the rectangles.
    bytes: Vec<u8>,
    /// How many of those have begun.
    count: u16,
    /// Where the last of them begins.
    last: usize,
    /// How many bytes may be held.
    most: usize,
}

impl ViewerUpdate {
    pub(super) const fn is_open(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Whether no further rectangle fits.
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

    /// Whether it may have fewer rectangles than the host has announced, or those of further updates.
    pub(super) const fn count_is_open(&self) -> bool {
        !matches!(
            self,
            Self::Started {
                last_rect: false,
                ..
            }
        )
    }

    /// It begins with a header that says `count`, which the caller sends.
    pub(super) fn start(&mut self, count: u16, last_rect: bool) {
        *self = Self::Started {
            left: count,
            last_rect,
        };
    }

    /// It begins, and the viewer gets it when it is whole or takes more than `most` bytes.
    pub(super) fn hold(&mut self, id: u8, most: usize) {
        *self = Self::Held(Held {
            bytes: header(id, 0).to_vec(),
            count: 0,
            last: HEADER,
            most,
        });
    }

    /// A rectangle begins.
    pub(super) const fn count(&mut self) {
        match self {
            Self::None => {}
            Self::Started { left, .. } => *left = left.saturating_sub(1),
            Self::Held(held) => {
                held.count = held.count.saturating_add(1);
                held.last = held.bytes.len();
            }
        }
    }

    /// Some more of it, or of a message outside of updates. `more` rectangles are to come of the host's update.
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

    /// Some more of it, as `write` appends it: `length` bytes at most.
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

    /// The viewer gets what is held, and then what the host sends: `more` rectangles.
    pub(super) fn release(&mut self, more: u16, viewer: &mut impl ToViewer) {
        if let Self::Held(held) = std::mem::take(self) {
            held.flush(more, viewer);
            self.start(more, false);
        }
    }

    /// It ends.
    pub(super) fn end(&mut self, viewer: &mut impl ToViewer) {
        match std::mem::take(self) {
            Self::None => {}
            Self::Held(held) => held.flush(0, viewer),
            Self::Started {
                left: 1..,
                last_rect: true,
            } => write_head(Area::default(), Encoding::LAST_RECT, viewer.own()),
            // A host that sends fewer than it announced to a viewer that does not know LastRect does so without a gateway.
            Self::Started { .. } => {}
        }
    }

    /// Drops the rectangle that is under way, if the viewer has nothing of it; says whether that is so.
    pub(super) fn drop_rectangle(&mut self) -> bool {
        let Self::Held(held) = self else {
            return false;
        };
        held.bytes.truncate(held.last);
        held.count = held.count.saturating_sub(1);
        true
    }

    /// It ends between two rectangles, without the rest of what the host has announced. A viewer that expects them all
    /// gets as many of one pixel: black of so many bytes, or where there is no `pixel`, copied onto itself.
    pub(super) fn finish(&mut self, pixel: Option<usize>, viewer: &mut impl ToViewer) {
        match self {
            Self::Held(Held { count: 0, .. }) => *self = Self::None,
            &mut Self::Started {
                left,
                last_rect: false,
            } => {
                let area = Area {
                    width: 1,
                    height: 1,
                    ..Area::default()
                };
                let (encoding, length) = match pixel {
                    Some(pixel) => (Encoding::RAW, pixel),
                    None => (Encoding::COPY_RECT, 4),
                };
                for _ in 0..left {
                    write_head(area, encoding, viewer.own());
                    viewer.own().put_bytes(0, length);
                }
            }
            Self::None | Self::Held(_) | Self::Started { .. } => {}
        }
        self.end(viewer);
    }

    /// How many bytes of memory it takes.
    pub(super) const fn memory(&self) -> usize {
        match self {
            Self::Held(held) => held.bytes.capacity(),
            Self::None | Self::Started { .. } => 0,
        }
    }
}

impl Held {
    /// Makes room for some bytes more; where it must, for twice as much as there is, as long as so much may be held.
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

/// The header of an update (RFC 6143 section 7.6.1). The byte that RFB calls padding is the host's to use.
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
