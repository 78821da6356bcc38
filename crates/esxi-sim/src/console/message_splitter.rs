//! Splits RFB bytes into WebSocket messages at arbitrary places.

use crate::random::Sequence;

/// Splits repeatably. Message boundaries carry no meaning after the first message (`docs/webmks.md` 1.1), so they are
/// put inside RFB headers and after several RFB messages.
pub(super) struct MessageSplitter {
    sequence: Sequence,
    whole: bool,
}

impl MessageSplitter {
    /// `whole`: does not split.
    pub(super) fn new(seed: u64, whole: bool) -> Self {
        Self {
            sequence: Sequence::new(seed),
            whole,
        }
    }

    /// The length of the next message: 1 ..= `left`.
    pub(super) fn next(&mut self, left: usize) -> usize {
        if self.whole {
            return left;
        }
        let most = match self.sequence.up_to(4) {
            1 => SHORT,
            2 => MEDIUM,
            _ => left,
        };
        self.sequence.up_to(most.min(left))
    }
}

/// Shorter than most RFB headers.
const SHORT: usize = 16;
/// Between 126 and 65,535 bytes, where the frame's length field has 16 bits.
const MEDIUM: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_cut_equally_and_every_byte_is_in_some_message() {
        let lengths = |seed| {
            let mut splitter = MessageSplitter::new(seed, false);
            let mut left = 1_000_000;
            let mut lengths = Vec::new();
            while left > 0 {
                let length = splitter.next(left);
                assert!((1..=left).contains(&length));
                left -= length;
                lengths.push(length);
            }
            lengths
        };
        let first = lengths(1);
        assert_eq!(first, lengths(1));
        assert_ne!(first, lengths(2));
        assert!(first.iter().any(|length| *length <= SHORT));
        assert!(first.iter().any(|length| *length > MEDIUM));
    }
}
