//! Where one WebSocket message ends and the next begins: anywhere.

use crate::random::Sequence;

/// Cuts the bytes of a turn into messages, repeatably. Message edges mean nothing after the first message
/// (`docs/webmks.md` 1.1), so they are put where they hurt: inside headers, and around several RFB messages.
pub(super) struct Cutter {
    sequence: Sequence,
    whole: bool,
}

impl Cutter {
    /// `whole`: never cuts.
    pub(super) fn new(seed: u64, whole: bool) -> Self {
        Self {
            sequence: Sequence::new(seed),
            whole,
        }
    }

    /// How many of the `left` bytes of a turn go into the next message: at least 1, at most all.
    pub(super) fn next(&mut self, left: usize) -> usize {
        if self.whole {
            return left;
        }
        let most = match self.sequence.up_to(4) {
            1 => SPLINTER,
            2 => PIECE,
            _ => left,
        };
        self.sequence.up_to(most.min(left))
    }
}

/// Shorter than most RFB headers.
const SPLINTER: usize = 16;
/// Longer than the 125 and shorter than the 65,536 bytes between which a frame's length has 16 bits.
const PIECE: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_cut_equally_and_every_byte_is_in_some_message() {
        let cuts = |seed| {
            let mut cutter = Cutter::new(seed, false);
            let mut left = 1_000_000;
            let mut cuts = Vec::new();
            while left > 0 {
                let length = cutter.next(left);
                assert!((1..=left).contains(&length));
                left -= length;
                cuts.push(length);
            }
            cuts
        };
        let first = cuts(1);
        assert_eq!(first, cuts(1));
        assert_ne!(first, cuts(2));
        assert!(first.iter().any(|length| *length <= SPLINTER));
        assert!(first.iter().any(|length| *length > PIECE));
    }
}
