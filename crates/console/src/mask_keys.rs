//! Mask keys for what goes to ESXi (RFC 6455 section 5.3: fresh and unpredictable for every frame).

use std::cell::RefCell;

use ws_proto::MaskKey;

/// How many keys are drawn at a time: 256 bytes are what the kernel hands out without being interrupted.
const POOL: usize = 64;

/// Draws keys from the operating system, many at a time: each thread for all of its sessions.
pub struct MaskKeys;

struct Pool {
    keys: [MaskKey; POOL],
    used: usize,
}

thread_local! {
    static KEYS: RefCell<Pool> = const {
        RefCell::new(Pool {
            keys: [[0; 4]; POOL],
            used: POOL,
        })
    };
}

impl MaskKeys {
    /// Keys for one connection.
    #[expect(clippy::new_without_default, reason = "nothing is generic over it")]
    pub const fn new() -> Self {
        Self
    }

    /// A key that was never given out before.
    ///
    /// # Errors
    /// Where the operating system has no randomness to give.
    pub fn draw(&mut self) -> std::io::Result<MaskKey> {
        KEYS.with_borrow_mut(|pool| {
            if pool.used == POOL {
                getrandom::fill(pool.keys.as_flattened_mut())?;
                pool.used = 0;
            }
            let key = pool.keys.get(pool.used).copied().unwrap_or_default();
            pool.used += 1;
            Ok(key)
        })
    }
}
