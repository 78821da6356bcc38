//! Long byte streams in which a lost or repeated byte is detected, and reproducible random numbers.

/// The period of the stream: a prime, so that it is no multiple of a buffer's size.
const PERIOD: usize = 65_521;

/// Marsaglia's xorshift64.
pub(crate) struct Random(u64);

impl Random {
    /// `seed` is not 0.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// 0 to `limit` − 1.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// An endless stream of bytes, sent by one peer and compared by the other.
pub(crate) struct Pattern {
    /// Two periods, so that a piece of up to one period is contiguous.
    bytes: Vec<u8>,
    at: u64,
}

impl Pattern {
    /// The longest piece.
    pub(crate) const PIECE: usize = PERIOD;

    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut bytes: Vec<u8> = (0..PERIOD).map(|_| random.next() as u8).collect();
        bytes.extend_from_within(..);
        Self { bytes, at: 0 }
    }

    /// The next bytes.
    pub(crate) fn take(&mut self, count: usize) -> &[u8] {
        let start = (self.at % PERIOD as u64) as usize;
        self.at += count as u64;
        &self.bytes[start..start + count]
    }

    /// The next bytes, of any number.
    pub(crate) fn take_long(&mut self, mut count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count);
        while count > 0 {
            let piece = count.min(PERIOD);
            bytes.extend_from_slice(self.take(piece));
            count -= piece;
        }
        bytes
    }

    /// Compares the next bytes.
    #[track_caller]
    pub(crate) fn check(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(PERIOD) {
            let at = self.at;
            assert!(
                self.take(piece.len()) == piece,
                "other bytes between {at} and {}",
                self.at
            );
        }
    }

    /// The position in the stream.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }
}
