//! Which encodings the host hears of: what is known to be safe, in the viewer's order (`docs/webmks.md` 2.4 and 5.3).

use rfb_proto::{Encoding, Recolour};

/// Those of a viewer, and what the gateway needs beside them.
#[derive(Debug, Default)]
pub(super) struct Encodings {
    viewer: Vec<Encoding>,
    /// Something has not come to the viewer on which later rectangles of such encodings build.
    history_lost: bool,
}

/// What the gateway asks for on its own behalf, where keys or sizes are to be repaired: what the host can do, what
/// kind of pointer the guest has, and the keyboard's lights.
const OWN: [Encoding; 3] = [
    Encoding::VMWARE_SERVER_CAPS,
    Encoding::VMWARE_CURSOR_STATE,
    Encoding::VMWARE_LED_STATE,
];

impl Encodings {
    /// The viewer lists these.
    pub(super) fn viewer_lists(&mut self, list: impl Iterator<Item = Encoding>) {
        self.viewer = list.collect();
    }

    /// Whether the viewer has listed it.
    pub(super) fn has(&self, encoding: Encoding) -> bool {
        self.viewer.contains(&encoding)
    }

    /// A rectangle of this encoding has not come to the viewer.
    pub(super) fn was_left_out(&mut self, encoding: Encoding) {
        self.history_lost |= has_history(encoding);
    }

    /// What the host is to hear: pixels are `converted` on the way, and the gateway wants something `own`.
    pub(super) fn for_host(&self, converted: bool, own: bool) -> Vec<Encoding> {
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
        if own {
            OWN.into_iter().for_each(want);
        }
        list
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
