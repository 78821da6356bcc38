//! The encodings that are listed to the host: those known to be safe, in the viewer's order (`docs/webmks.md` 2.4 and
//! 5.3).

use rfb_proto::{Encoding, RectangleConverter};

use super::streams::Streams;

/// The encodings of a viewer.
#[derive(Debug, Default)]
pub(super) struct Encodings {
    viewer: Vec<Encoding>,
    /// The viewer has not received something on which later rectangles depend in encodings with a history.
    history_lost: bool,
    /// What its decoders keep, where rectangles are relayed only when they are whole; otherwise `None`.
    streams: Option<Streams>,
}

/// What the gateway requests for itself, to translate keys, pointers and sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Nothing,
    /// The capabilities of the host, which come in a message and not as a rectangle.
    Caps,
    /// Likewise, the LED state, and whether the guest's pointer is absolute.
    All,
}

impl Encodings {
    /// Sets the encodings that the viewer has listed.
    pub(super) fn set_viewer_list(&mut self, list: impl Iterator<Item = Encoding>) {
        self.viewer = list.collect();
    }

    /// Whether the viewer has listed it.
    pub(super) fn has(&self, encoding: Encoding) -> bool {
        self.viewer.contains(&encoding)
    }

    /// Keeps account of the streams in the viewer's decoders, so that those of a new host can go on in them. Each
    /// rectangle in an encoding with such a stream has to reach the viewer whole.
    pub(super) fn follow_streams(&mut self) {
        self.streams = Some(Streams::default());
    }

    /// The streams in the viewer's decoders, if they are followed.
    #[inline]
    pub(super) const fn streams(&self) -> Option<&Streams> {
        self.streams.as_ref()
    }

    /// The viewer has been sent a rectangle with this content, given by its `first` six bytes and its `last` four.
    #[inline]
    pub(super) fn note(&mut self, encoding: Encoding, first: &[u8], last: &[u8]) {
        if let Some(streams) = &mut self.streams {
            streams.note(encoding, first, last);
        }
    }

    /// The same, for a rectangle that is relayed unchanged; returns whether it may be.
    #[inline]
    pub(super) fn note_skipped(&mut self, encoding: Encoding, content: &[u8]) -> bool {
        let Some(streams) = &mut self.streams else {
            return true;
        };
        let may_be = !streams.adapts(encoding);
        if may_be {
            let first = content.get(..6).unwrap_or(content);
            let last = content.last_chunk::<4>();
            streams.note(encoding, first, last.map_or(&[], |last| last));
        }
        may_be
    }

    /// A new host continues: its rectangles do not depend on those of the lost one.
    pub(super) fn reset_for_new_host(&mut self) {
        self.history_lost = self.streams.is_none();
        if let Some(streams) = &mut self.streams {
            streams.next_host();
        }
    }

    /// Whether the viewer can decode rectangles of this encoding after those that it has received.
    fn can_follow(&self, encoding: Encoding) -> bool {
        let streams = self.streams.as_ref();
        !(self.history_lost && has_history(encoding))
            && streams.is_none_or(|streams| streams.can_follow(encoding))
    }

    /// Whether the viewer has listed anything.
    pub(super) const fn is_empty(&self) -> bool {
        self.viewer.is_empty()
    }

    /// A rectangle of this encoding has been dropped.
    pub(super) fn set_left_out(&mut self, encoding: Encoding) {
        self.history_lost |= has_history(encoding);
    }

    /// The encodings for SetEncodings to the host, where pixels are `converted` or not, with those that the gateway
    /// wants.
    pub(super) fn for_host(&self, converted: bool, wanted: Wanted) -> Vec<Encoding> {
        let asked = self.viewer.iter().copied().filter(|&encoding| {
            passes(encoding)
                && !(converted && has_other_pixels(encoding))
                && self.can_follow(encoding)
        });
        let mut list: Vec<Encoding> = asked.collect();
        let mut want = |encoding: Encoding| {
            if !list.contains(&encoding) {
                list.push(encoding);
            }
        };
        if self.has(Encoding::EXTENDED_DESKTOP_SIZE) {
            // DesktopSize is sent to such a viewer as ExtendedDesktopSize.
            want(Encoding::DESKTOP_SIZE);
        }
        if wanted != Wanted::Nothing {
            want(Encoding::VMWARE_SERVER_CAPS);
        }
        self.wanted_rectangles(wanted).for_each(want);
        list
    }

    /// The pseudo-encodings that the gateway wants.
    fn wanted_rectangles(&self, wanted: Wanted) -> impl Iterator<Item = Encoding> {
        // Only of use if the viewer can be sent the kind of pointer.
        let pointer = self.has(Encoding::QEMU_POINTER_MOTION);
        let rectangles = [
            (pointer, Encoding::VMWARE_CURSOR_STATE),
            (true, Encoding::VMWARE_LED_STATE),
        ];
        rectangles
            .into_iter()
            .filter(move |(wants, _)| wanted == Wanted::All && *wants)
            .map(|(_, encoding)| encoding)
    }

    /// Whether the host may send rectangles that have to be dropped: those for the gateway and, where pixels are
    /// `converted`, those that it sends before it receives the new list.
    pub(super) fn may_leave_out(&self, converted: bool, wanted: Wanted) -> bool {
        self.wanted_rectangles(wanted)
            .any(|encoding| self.is_hidden(encoding))
            || converted && self.viewer.iter().copied().any(has_other_pixels)
    }

    /// Whether rectangles of this encoding are for the gateway only.
    pub(super) fn is_hidden(&self, encoding: Encoding) -> bool {
        encoding.is_vmware() && !self.has(encoding)
    }
}

/// Whether rectangles of this encoding have pixels that cannot be converted.
pub(super) const fn has_other_pixels(encoding: Encoding) -> bool {
    (encoding.is_image() || matches!(encoding, Encoding::VMWARE_CURSOR))
        && !RectangleConverter::can(encoding)
}

/// Whether rectangles of this encoding depend on earlier ones.
const fn has_history(encoding: Encoding) -> bool {
    matches!(
        encoding,
        Encoding::ZLIB
            | Encoding::TIGHT
            | Encoding::ZLIB_HEX
            | Encoding::ZRLE
            | Encoding::ZYWRLE
            // May use the tables of the image before.
            | Encoding::JPEG
            | Encoding::H264
    )
}

/// Whether an encoding is relayed: only those known to be safe. Not listed are those that make a server send or expect
/// other messages, those that change the pixel format, and the extended clipboard.
const fn passes(encoding: Encoding) -> bool {
    encoding.is_level()
        || matches!(
            encoding,
            Encoding::RAW
                | Encoding::COPY_RECT
                | Encoding::RRE
                | Encoding::CORRE
                | Encoding::HEXTILE
                | Encoding::ZLIB
                | Encoding::TIGHT
                | Encoding::ZLIB_HEX
                | Encoding::TRLE
                | Encoding::ZRLE
                | Encoding::ZYWRLE
                | Encoding::JPEG
                | Encoding::H264
                | Encoding::TIGHT_PNG
                | Encoding::TIGHT_WITHOUT_ZLIB
                | Encoding::DESKTOP_SIZE
                | Encoding::EXTENDED_DESKTOP_SIZE
                | Encoding::LAST_RECT
                | Encoding::DESKTOP_NAME
                | Encoding::POINTER_POSITION
                | Encoding::CURSOR
                | Encoding::X_CURSOR
                | Encoding::CURSOR_WITH_ALPHA
                | Encoding::QEMU_LED_STATE
                | Encoding::QEMU_POINTER_MOTION
                | Encoding::VMWARE_SERVER_CAPS
                | Encoding::VMWARE_CURSOR
                | Encoding::VMWARE_CURSOR_STATE
                | Encoding::VMWARE_CURSOR_POSITION
                | Encoding::VMWARE_LED_STATE
        )
}
