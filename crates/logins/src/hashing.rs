//! Argon2id password hashes, with limits on their cost and on concurrent work.

#[cfg(test)]
mod tests;

use std::sync::{Mutex, PoisonError};

use argon2::password_hash::phc::{Output, PasswordHash};
use argon2::password_hash::{self, PasswordHasher};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use rfb_proto::Password;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tracing::{Span, warn};
use zeroize::Zeroize;

/// Concurrent hash computations in the process: each takes a core for tens of milliseconds and 19 MiB, and open sessions
/// must not stall. Waiting logins are bounded by the pre-login limit.
const MAX_CONCURRENT: usize = 2;

/// The most memory that a stored hash may require, in KiB.
const MAX_MEMORY: u32 = 256 * 1024;

/// The most passes that a stored hash may require.
const MAX_PASSES: u32 = 32;

static HASHERS: Hashers = Hashers::new();

/// A password hash of the users file, validated. It has no `Debug`, so it cannot be logged.
pub struct StoredHash(PasswordHash);

impl StoredHash {
    /// Reads a PHC string (`$argon2id$v=19$…`).
    ///
    /// # Errors
    /// A sentence that repeats no part of the hash.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            "the second field is not an argon2id hash: create it with `mksgate passwd NAME`";
        let hash = PasswordHash::new(text).map_err(|_| wrong)?;
        let version = hash.version.and_then(|version| version.try_into().ok());
        if hash.algorithm.as_str() != Algorithm::Argon2id.as_str()
            || version != Some(Version::V0x13)
            || hash.salt.is_none()
            || hash.hash.is_none()
        {
            return Err(wrong.into());
        }
        let params = Params::try_from(&hash).map_err(|_| wrong)?;
        if params.m_cost() > MAX_MEMORY || params.t_cost() > MAX_PASSES {
            return Err(format!(
                "the hash requires more than {MAX_MEMORY} KiB or {MAX_PASSES} passes: create it again with `mksgate passwd NAME`"
            ));
        }
        Ok(Self(hash))
    }

    /// Whether this is the hash of `password`. Runs Argon2 once in every case.
    fn matches(&self, password: &Password) -> bool {
        self.compare(password).unwrap_or_else(|error| {
            warn!("Argon2 failed ({error}): the login is refused");
            false
        })
    }

    fn compare(&self, password: &Password) -> Result<bool, password_hash::Error> {
        let (Some(salt), Some(expected)) = (&self.0.salt, &self.0.hash) else {
            return Ok(false);
        };
        let params = Params::try_from(&self.0)?;
        let mut memory = WorkMemory::take(params.block_count());
        let mut output = [0; Output::MAX_LENGTH];
        let output = output.get_mut(..expected.len()).unwrap_or_default();
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        hasher.hash_password_into_with_memory(
            password.expose().as_bytes(),
            salt,
            output,
            memory.blocks(),
        )?;
        // `Output` compares in constant time.
        Ok(Output::new(output)? == *expected)
    }
}

/// Argon2's memory, about 19 MiB, reused by later hashes: allocating it for each one fragmented the heap by hundreds of MiB
/// under a flood of wrong passwords.
struct WorkMemory {
    memory: Vec<Block>,
    length: usize,
}

/// Unused memory, at most as many pieces as were in use at once.
static UNUSED: Mutex<Vec<Vec<Block>>> = Mutex::new(Vec::new());

impl WorkMemory {
    fn take(length: usize) -> Self {
        let mut memory = UNUSED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop()
            .unwrap_or_default();
        if memory.len() < length {
            memory.resize(length, Block::default());
        }
        Self { memory, length }
    }

    fn blocks(&mut self) -> &mut [Block] {
        self.memory.get_mut(..self.length).unwrap_or_default()
    }
}

impl Drop for WorkMemory {
    fn drop(&mut self) {
        // It was derived from a password.
        self.blocks().iter_mut().for_each(Zeroize::zeroize);
        let memory = std::mem::take(&mut self.memory);
        UNUSED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(memory);
    }
}

/// The hash of a new password, for the users file.
///
/// # Errors
/// A sentence: the operating system provides no randomness for the salt, or no memory.
pub fn hash(password: &[u8]) -> Result<String, String> {
    hash_with(Params::default(), password)
}

/// Whether `stored` is the hash of `password`; waits for a permit first.
pub async fn matches(stored: std::sync::Arc<StoredHash>, password: Password) -> bool {
    let compared = HASHERS.run(move || stored.matches(&password)).await;
    compared.unwrap_or(false)
}

pub(crate) fn hash_with(params: Params, password: &[u8]) -> Result<String, String> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password)
        .map(|hash| hash.to_string())
        .map_err(|error| format!("cannot hash the password ({error})"))
}

/// Limits concurrent hash computations.
struct Hashers(Semaphore);

impl Hashers {
    const fn new() -> Self {
        Self(Semaphore::const_new(MAX_CONCURRENT))
    }

    /// Runs `work` with a permit; `None` where it panicked. The permit is held until `work` has ended, also if this future is
    /// dropped: a running hash cannot be cancelled.
    async fn run<T: Send + 'static>(
        &'static self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let permit = self.0.acquire().await.ok()?;
        let session = Span::current();
        let working = spawn_blocking(move || {
            let _until_it_has_ended = permit;
            session.in_scope(work)
        });
        working.await.ok()
    }
}
