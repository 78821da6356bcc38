//! View-only: what a viewer that may only look can make ESXi hear.

use rfb_proto::Violation;
use rfb_proto::input::{Input, Message};

/// Lets pass what a viewer needs to see the screen and nothing that acts on the VM, whatever the viewer
/// itself thinks of it.
pub(super) struct Sieve(Input);

impl Sieve {
    /// For a viewer whose ClientInit comes next.
    pub(super) const fn new() -> Self {
        Self(Input::new())
    }

    /// Moves what may pass to the front of `bytes`: says how much that is, and how much of `bytes` has been
    /// looked at. The rest is a message that is not whole, to be put before what comes next.
    pub(super) fn sift(&mut self, bytes: &mut [u8]) -> Result<(usize, usize), Violation> {
        let (mut passed, mut at) = (0, 0);
        while let Some(piece) = self.0.scan(bytes.get(at..).unwrap_or_default())? {
            let (length, may_pass) = (piece.bytes.len(), is_harmless(&piece.message));
            if may_pass {
                bytes.copy_within(at..at + length, passed);
                passed += length;
            }
            at += length;
        }
        Ok((passed, at))
    }
}

/// Named one by one: what is not known to be harmless is not.
const fn is_harmless(message: &Message<'_>) -> bool {
    matches!(
        message,
        Message::ClientInit { .. }
            | Message::SetPixelFormat(_)
            | Message::SetEncodings(_)
            | Message::UpdateRequest(_)
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
        let mut sieve = Sieve::new();
        let (mut passed, mut kept) = (Vec::new(), Vec::new());
        for piece in wire.chunks(read) {
            kept.extend_from_slice(piece);
            let (count, looked) = sieve.sift(&mut kept).unwrap();
            passed.extend_from_slice(&kept[..count]);
            kept.drain(..looked);
        }
        assert!(kept.is_empty());
        passed
    }

    #[test]
    fn only_looking_passes_at_every_cut() {
        let wire = [
            INIT, ENCODINGS, KEY, REQUEST, POINTER, CUT_TEXT, QEMU_KEY, REQUEST,
        ]
        .concat();
        for read in 1..=wire.len() {
            assert_eq!(
                passes(&wire, read),
                [INIT, ENCODINGS, REQUEST, REQUEST].concat(),
                "reads of {read}"
            );
        }
    }

    #[test]
    fn what_cannot_be_followed_ends_the_session() {
        let mut wire = [INIT, &[99; 20]].concat();
        assert!(Sieve::new().sift(&mut wire).is_err());
    }
}
