//! Which encodings are listed to the host: those known to be safe, in the viewer's order (`docs/webmks.md` 2.4 and 5.3).

use rfb_proto::{Encoding, Recolour};

/// Those of a viewer, and what the gateway needs beside them.
#[derive(Debug, Default)]
pub(super) struct Encodings {
    viewer: Vec<Encoding>,
    /// Something has not come to the viewer on which later rectangles of such encodings build.
    history_lost: bool,
}

/// What the gateway asks for on its own behalf, where keys or sizes are to be repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Nothing,
    /// What the host can do: a message, and no rectangle.
    Caps,
    /// Likewise, and the keyboard's lights, and what kind of pointer the guest has.
    All,
}

impl Encodings {
    /// The viewer lists these.
    pub(super) fn viewer_lists(&mut self, list: impl Iterator<Item = Encoding>) {
        self.viewer = list.collect();
    }

    /// Whether the viewer has listed it.
    pub(super) fn has(&self, encoding: Encoding) -> bool {
        self.viewer.contains(&encoding)
    }

    /// Another host continues: its rectangles do not build on those of the one before.
    pub(super) const fn host_is_new(&mut self) {
        self.history_lost = true;
    }

    /// Whether the viewer has listed anything.
    pub(super) const fn is_empty(&self) -> bool {
        self.viewer.is_empty()
    }

    /// A rectangle of this encoding has not come to the viewer.
    pub(super) fn was_left_out(&mut self, encoding: Encoding) {
        self.history_lost |= has_history(encoding);
    }

    /// What SetEncodings lists to the host: pixels are `converted` on the way, and the gateway wants something itself.
    pub(super) fn for_host(&self, converted: bool, wanted: Wanted) -> Vec<Encoding> {
        let asked = self.viewer.iter().copied().filter(|&encoding| {
            passes(encoding)
                && !(converted && has_other_pixels(encoding))
                && !(self.history_lost && has_history(encoding))
        });
        let mut list: Vec<Encoding> = asked.collect();
        let mut want = |encoding: Encoding| {
            if !list.contains(&encoding) {
                list.push(encoding);
            }
        };
        if self.has(Encoding::EXTENDED_DESKTOP_SIZE) {
            // A viewer that knows the one understands what is made of the other.
            want(Encoding::DESKTOP_SIZE);
        }
        if wanted != Wanted::Nothing {
            want(Encoding::VMWARE_SERVER_CAPS);
        }
        self.wanted_rectangles(wanted).for_each(want);
        list
    }

    /// The rectangles that the gateway asks for.
    fn wanted_rectangles(&self, wanted: Wanted) -> impl Iterator<Item = Encoding> {
        // Of no use to a viewer that cannot be told.
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

    /// Whether the host may send rectangles that are not for the viewer: those that the gateway wants, and where pixels
    /// are `converted`, those that it sends before it receives the list.
    pub(super) fn may_leave_out(&self, converted: bool, wanted: Wanted) -> bool {
        self.wanted_rectangles(wanted)
            .any(|encoding| self.is_hidden(encoding))
            || converted && self.viewer.iter().copied().any(has_other_pixels)
    }

    /// Whether such a rectangle is for the gateway alone.
    pub(super) fn is_hidden(&self, encoding: Encoding) -> bool {
        encoding.is_vmware() && !self.has(encoding)
    }
}

/// Whether such a rectangle has pixels that cannot be converted.
pub(super) const fn has_other_pixels(encoding: Encoding) -> bool {
    (encoding.is_image() || matches!(encoding, Encoding::VMWARE_CURSOR)) && !Recolour::can(encoding)
}

/// Whether later rectangles of the encoding build on earlier ones.
const fn has_history(encoding: Encoding) -> bool {
    matches!(
        encoding,
        Encoding::ZLIB
            | Encoding::TIGHT
            | Encoding::ZLIB_HEX
            | Encoding::ZRLE
            | Encoding::ZYWRLE
            // Continues the tables of the one before in place of zlib's stream.
            | Encoding::JPEG
            | Encoding::H264
    )
}

/// Named one by one: what is not known to be safe is not. Left out are those that make a server expect or send other
/// messages, those that change the format of pixels, and the clipboard's.
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
                | Encoding::VMWARE_CURSOR
                | Encoding::VMWARE_CURSOR_STATE
                | Encoding::VMWARE_CURSOR_POSITION
                | Encoding::VMWARE_LED_STATE
        )
}
