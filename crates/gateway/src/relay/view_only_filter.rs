//! View-only: drops a viewer's input events, and keeps what it needs to receive updates.

use rfb_proto::client_messages::{ClientScanner, Message};
use rfb_proto::vmware::Command;
use rfb_proto::{Encoding, Violation};

/// An allow list of client messages, applied whether or not the viewer is in its own view-only mode.
pub(super) struct ViewOnlyFilter {
    input: ClientScanner,
    acted: bool,
}

impl ViewOnlyFilter {
    /// The first message is ClientInit.
    pub(super) const fn new() -> Self {
        Self {
            input: ClientScanner::new(),
            acted: false,
        }
    }

    /// Moves what may pass to the front of `bytes`: returns how much that is, and how much of `bytes` was scanned. The
    /// rest is an incomplete message, to be passed again with what follows it.
    pub(super) fn filter(&mut self, bytes: &mut [u8]) -> Result<(usize, usize), Violation> {
        let (mut passed, mut at) = (0, 0);
        while let Some(piece) = self.input.scan(bytes.get(at..).unwrap_or_default())? {
            let (length, may_pass) = (piece.bytes.len(), is_harmless(&piece.message));
            let is_encodings = matches!(piece.message, Message::SetEncodings(_));
            self.acted |= piece.message.is_input();
            if may_pass {
                bytes.copy_within(at..at + length, passed);
                let message = bytes.get_mut(passed..passed + length).unwrap_or_default();
                passed += if is_encodings {
                    without_extended_buttons(message)
                } else {
                    length
                };
            }
            at += length;
        }
        Ok((passed, at))
    }

    /// Whether there was an input event since the last call; resets it.
    pub(super) const fn take_acted(&mut self) -> bool {
        std::mem::replace(&mut self.acted, false)
    }
}

/// Removes the ExtendedMouseButtons pseudo-encoding from a SetEncodings: with it PointerEvents could be longer. Returns the
/// new length.
fn without_extended_buttons(message: &mut [u8]) -> usize {
    const HEAD: usize = 4;
    let encoding = Encoding::EXTENDED_MOUSE_BUTTONS.0.to_be_bytes();
    let mut kept = HEAD;
    for at in (HEAD..message.len()).step_by(encoding.len()) {
        if message.get(at..at + encoding.len()) != Some(&encoding) {
            message.copy_within(at..at + encoding.len(), kept);
            kept += encoding.len();
        }
    }
    let count = u16::try_from((kept - HEAD) / encoding.len()).unwrap_or(u16::MAX);
    if let Some(place) = message.get_mut(2..HEAD) {
        place.copy_from_slice(&count.to_be_bytes());
    }
    kept
}

/// An allow list: unknown messages are dropped.
const fn is_harmless(message: &Message<'_>) -> bool {
    matches!(
        message,
        Message::ClientInit { .. }
            | Message::SetPixelFormat(_)
            | Message::SetEncodings(_)
            | Message::UpdateRequest(_)
            // A host that uses these stops sending updates until the viewer answers.
            | Message::VmwareCommand(Command::UpdateAck { .. })
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

    fn filtered(bytes: &[u8], read: usize) -> Vec<u8> {
        let mut filter = ViewOnlyFilter::new();
        let (mut passed, mut kept) = (Vec::new(), Vec::new());
        for piece in bytes.chunks(read) {
            kept.extend_from_slice(piece);
            let (count, scanned) = filter.filter(&mut kept).unwrap();
            passed.extend_from_slice(&kept[..count]);
            kept.drain(..scanned);
        }
        assert!(kept.is_empty());
        passed
    }

    #[test]
    fn input_events_are_dropped_at_every_cut() {
        let continuous = &[150, 1, 0, 0, 0, 0, 3, 32, 2, 88];
        let fence = &[248, 0, 0, 0, 0, 0, 0, 1, 2, 7, 7];
        let bytes = [
            INIT, ENCODINGS, KEY, REQUEST, POINTER, continuous, CUT_TEXT, fence, QEMU_KEY, REQUEST,
        ]
        .concat();
        for read in 1..=bytes.len() {
            assert_eq!(
                filtered(&bytes, read),
                [INIT, ENCODINGS, REQUEST, continuous, fence, REQUEST].concat(),
                "reads of {read}"
            );
        }
    }

    #[test]
    fn extended_mouse_buttons_are_not_offered_to_the_host() {
        let list = &[2, 0, 0, 3, 0, 0, 0, 7, 0xff, 0xff, 0xfe, 0xc4, 0, 0, 0, 0];
        let expected = &[2, 0, 0, 2, 0, 0, 0, 7, 0, 0, 0, 0];
        let eighth_button = &[5, 0x80, 0, 1, 0, 1];
        let bytes = [INIT, list, eighth_button, REQUEST].concat();
        for read in 1..=bytes.len() {
            assert_eq!(
                filtered(&bytes, read),
                [INIT, &expected[..], REQUEST].concat()
            );
        }
    }

    #[test]
    fn unknown_message_is_a_violation() {
        let mut bytes = [INIT, &[99; 20]].concat();
        assert!(ViewOnlyFilter::new().filter(&mut bytes).is_err());
    }
}
