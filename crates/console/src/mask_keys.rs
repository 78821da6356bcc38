//! WebSocket mask keys (RFC 6455 section 5.3: fresh and unpredictable for every frame).

use std::cell::RefCell;

use ws_proto::MaskKey;

/// How many keys are drawn at once: getrandom(2) returns up to 256 bytes without being interrupted by signals.
const POOL: usize = 64;

/// Draws keys from the operating system's random numbers. Each thread draws many at once, for all of its sessions.
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
    #[expect(clippy::new_without_default, reason = "no caller needs Default")]
    pub const fn new() -> Self {
        Self
    }

    /// A fresh key.
    ///
    /// # Errors
    /// The operating system provides no random numbers.
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
