//! Mask keys for what goes to ESXi (RFC 6455 section 5.3: fresh and unpredictable for every frame).

use ws_proto::MaskKey;

/// How many keys are drawn at a time: 256 bytes are what the kernel hands out without being interrupted.
const POOL: usize = 64;

/// Draws keys from the operating system, many at a time.
pub(crate) struct MaskKeys {
    pool: [MaskKey; POOL],
    used: usize,
}

impl MaskKeys {
    /// An empty pool.
    pub(crate) const fn new() -> Self {
        Self {
            pool: [[0; 4]; POOL],
            used: POOL,
        }
    }

    /// A key that was never given out before.
    ///
    /// # Errors
    /// Where the operating system has no randomness to give.
    pub(crate) fn draw(&mut self) -> std::io::Result<MaskKey> {
        if self.used == POOL {
            getrandom::fill(self.pool.as_flattened_mut())?;
            self.used = 0;
        }
        let key = self.pool.get(self.used).copied().unwrap_or_default();
        self.used += 1;
        Ok(key)
    }
}
