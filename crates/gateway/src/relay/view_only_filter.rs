//! View-only: what a viewer that may only look can make ESXi hear.

use rfb_proto::input::{Input, Message};
use rfb_proto::{Encoding, Violation};

/// Lets pass what a viewer needs to see the screen and nothing that acts on the VM, whatever the viewer
/// itself thinks of it.
pub(super) struct ViewOnlyFilter {
    input: Input,
    acted: bool,
}

impl ViewOnlyFilter {
    /// For a viewer whose ClientInit comes next.
    pub(super) const fn new() -> Self {
        Self {
            input: Input::new(),
            acted: false,
        }
    }

    /// Moves what may pass to the front of `bytes`: says how much that is, and how much of `bytes` has been
    /// looked at. The rest is a message that is not whole, to be put before what comes next.
    pub(super) fn filter(&mut self, bytes: &mut [u8]) -> Result<(usize, usize), Violation> {
        let (mut passed, mut at) = (0, 0);
        while let Some(piece) = self.input.scan(bytes.get(at..).unwrap_or_default())? {
            let (length, may_pass) = (piece.bytes.len(), is_harmless(&piece.message));
            let lists = matches!(piece.message, Message::SetEncodings(_));
            self.acted |= piece.message.is_input();
            if may_pass {
                bytes.copy_within(at..at + length, passed);
                let message = bytes.get_mut(passed..passed + length).unwrap_or_default();
                passed += if lists {
                    without_buttons(message)
                } else {
                    length
                };
            }
            at += length;
        }
        Ok((passed, at))
    }

    /// Whether the viewer has pressed a key or moved its pointer since this was asked last.
    pub(super) const fn has_acted(&mut self) -> bool {
        std::mem::replace(&mut self.acted, false)
    }
}

/// A SetEncodings without the mark by which a host is told that there may be more than eight buttons, from which on a
/// PointerEvent can be longer. Says how long that is.
fn without_buttons(message: &mut [u8]) -> usize {
    const HEAD: usize = 4;
    let mark = Encoding::EXTENDED_MOUSE_BUTTONS.0.to_be_bytes();
    let mut kept = HEAD;
    for at in (HEAD..message.len()).step_by(mark.len()) {
        if message.get(at..at + mark.len()) != Some(&mark) {
            message.copy_within(at..at + mark.len(), kept);
            kept += mark.len();
        }
    }
    let count = u16::try_from((kept - HEAD) / mark.len()).unwrap_or(u16::MAX);
    if let Some(place) = message.get_mut(2..HEAD) {
        place.copy_from_slice(&count.to_be_bytes());
    }
    kept
}

/// Named one by one: what is not known to be harmless is not.
const fn is_harmless(message: &Message<'_>) -> bool {
    matches!(
        message,
        Message::ClientInit { .. }
            | Message::SetPixelFormat(_)
            | Message::SetEncodings(_)
            | Message::UpdateRequest(_)
            // Without these a host that has them waits for the viewer, and the picture stands still.
            | Message::ContinuousUpdates { .. }
            | Message::Fence { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const INIT: &[u8] = &[1];
    const ENCODINGS: &[u8] = &[2, 0, 0, 1, 0, 0, 0, 0];
    const REQUEST: &[u8] = &[3, 0, 0, 0, 0, 0, 3, 32, 2, 88];
    const KEY: &[u8] = &[4, 1, 0, 0, 0, 0, 0, b'a'];
    const POINTER: &[u8] = &[5, 1, 0, 9, 0, 9];
    const CUT_TEXT: &[u8] = &[6, 0, 0, 0, 0, 0, 0, 4, b'r', b'm', 3, 0];
    const QEMU_KEY: &[u8] = &[255, 0, 0, 1, 0, 0, 0, b'a', 0, 0, 0, 30];

    fn passes(wire: &[u8], read: usize) -> Vec<u8> {
        let mut filter = ViewOnlyFilter::new();
        let (mut passed, mut kept) = (Vec::new(), Vec::new());
        for piece in wire.chunks(read) {
            kept.extend_from_slice(piece);
            let (count, looked) = filter.filter(&mut kept).unwrap();
            passed.extend_from_slice(&kept[..count]);
            kept.drain(..looked);
        }
        assert!(kept.is_empty());
        passed
    }

    #[test]
    fn only_looking_passes_at_every_cut() {
        let continuous = &[150, 1, 0, 0, 0, 0, 3, 32, 2, 88];
        let fence = &[248, 0, 0, 0, 0, 0, 0, 1, 2, 7, 7];
        let wire = [
            INIT, ENCODINGS, KEY, REQUEST, POINTER, continuous, CUT_TEXT, fence, QEMU_KEY, REQUEST,
        ]
        .concat();
        for read in 1..=wire.len() {
            assert_eq!(
                passes(&wire, read),
                [INIT, ENCODINGS, REQUEST, continuous, fence, REQUEST].concat(),
                "reads of {read}"
            );
        }
    }

    #[test]
    fn a_host_is_not_told_that_pointer_events_may_be_longer() {
        let list = &[2, 0, 0, 3, 0, 0, 0, 7, 0xff, 0xff, 0xfe, 0xc4, 0, 0, 0, 0];
        let expected = &[2, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 0];
        let eighth_button = &[5, 0x80, 0, 1, 0, 1];
        let wire = [INIT, list, eighth_button, REQUEST].concat();
        for read in 1..=wire.len() {
            assert_eq!(passes(&wire, read), [INIT, &expected[..], REQUEST].concat());
        }
    }

    #[test]
    fn what_cannot_be_followed_ends_the_session() {
        let mut wire = [INIT, &[99; 20]].concat();
        assert!(ViewOnlyFilter::new().filter(&mut wire).is_err());
    }
}
