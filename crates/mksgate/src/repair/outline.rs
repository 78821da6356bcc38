//! A FramebufferUpdate as the viewer gets it: the gateway may put several of the host's into one, leave
//! rectangles out, and add some.

use bytes::BufMut;
use rfb_proto::{Area, Encoding};

/// How many rectangles are promised beyond those of the host's first update, where it is not known how many will
/// be needed and the viewer does not know LastRect. What is not needed is made up with empty ones.
const SPARE: u16 = 256;

/// How the viewer learns where an update ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// So many rectangles are owed to it.
    Owed(u16),
    /// By LastRect.
    LastRect,
}

/// The update that the viewer is getting, if any.
#[derive(Debug, Default)]
pub(super) struct Outline(Option<End>);

/// What is known of an update when it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begun {
    /// The byte that RFB calls padding: it is the host's to use.
    pub(super) id: u8,
    /// How many rectangles the host has announced, without those that were left out already; 65,535 where
    /// it ends by LastRect.
    pub(super) rectangles: u16,
    /// How many are added.
    pub(super) added: u16,
    /// Whether more of the host's updates may become part of it.
    pub(super) open: bool,
    /// Whether the viewer knows LastRect.
    pub(super) last_rect: bool,
}

impl Outline {
    pub(super) const fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Whether so many more rectangles fit.
    pub(super) const fn has_room(&self, rectangles: u16) -> bool {
        match self.0 {
            Some(End::Owed(owed)) => rectangles <= owed,
            Some(End::LastRect) => true,
            None => false,
        }
    }

    /// An update begins for the viewer, with this head.
    pub(super) fn begin(&mut self, begun: Begun) -> [u8; 4] {
        let Begun {
            id,
            rectangles,
            added,
            open,
            last_rect,
        } = begun;
        let spare = if open { SPARE } else { 0 };
        let counted = rectangles.saturating_add(added).saturating_add(spare);
        let (end, count) = match (open && last_rect) || counted == u16::MAX {
            true => (End::LastRect, u16::MAX),
            false => (End::Owed(counted), counted),
        };
        self.0 = Some(end);
        let [high, low] = count.to_be_bytes();
        [0, id, high, low]
    }

    /// A rectangle goes to the viewer.
    pub(super) const fn count(&mut self) {
        if let Some(End::Owed(owed)) = &mut self.0 {
            *owed = owed.saturating_sub(1);
        }
    }

    /// The update ends.
    pub(super) fn end(&mut self, viewer: &mut Vec<u8>) {
        match self.0.take() {
            None => {}
            Some(End::LastRect) => write_head(Area::default(), Encoding::LAST_RECT, viewer),
            Some(End::Owed(owed)) => {
                for _ in 0..owed {
                    write_head(Area::default(), Encoding::RAW, viewer);
                }
            }
        }
    }

    /// Whether what the viewer expects is what the host will send, who has so many rectangles left.
    pub(super) const fn is_the_hosts(&self, left: u16) -> bool {
        match self.0 {
            Some(End::Owed(owed)) => owed == left,
            None | Some(End::LastRect) => true,
        }
    }
}

impl Begun {
    /// An update that goes on as the host sends it.
    pub(super) const fn plain(id: u8, rectangles: u16) -> Self {
        Self {
            id,
            rectangles,
            added: 0,
            open: false,
            last_rect: false,
        }
    }
}

/// The head of a rectangle (RFC 6143 section 7.6.1).
pub(super) fn write_head(area: Area, encoding: Encoding, viewer: &mut Vec<u8>) {
    for side in [area.x, area.y, area.width, area.height] {
        viewer.put_u16(side);
    }
    viewer.put_i32(encoding.0);
}
