//! Random tokens, and a seeded sequence for repeatable tests.

use std::fmt::Write;

/// 128 random bits from the system, in hex.
pub(crate) fn token() -> String {
    let bytes: [u8; 16] = bytes();
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Random bytes from the system.
pub(crate) fn bytes<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    if let Err(error) = getrandom::fill(&mut bytes) {
        // A simulator without entropy still works; only its tickets can be guessed.
        tracing::warn!(%error, "no random bytes from the system");
    }
    bytes
}

/// A repeatable sequence of numbers: SplitMix64 (Steele, Lea, Flood 2014). Not for secrets.
#[derive(Debug)]
pub(crate) struct Sequence(u64);

impl Sequence {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `1 ..= most` (1 if `most` is 0).
    pub(crate) fn up_to(&mut self, most: usize) -> usize {
        let most = most.max(1) as u64;
        usize::try_from(self.next() % most).unwrap_or_default() + 1
    }
}
