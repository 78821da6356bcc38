//! Argon2id: what a stored hash may ask for, and how many passwords are hashed at once.

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

/// How many passwords are hashed at once, in the whole process: each takes a core for tens of milliseconds
/// and some 19 MiB, and sessions want to go on meanwhile. Whoever waits for a place is one of the bounded
/// crowd of those who have not logged in.
const AT_ONCE: usize = 2;

/// The most memory that a stored hash may ask for, in KiB. More would be a mistake, or an attack on
/// ourselves.
const MAX_MEMORY: u32 = 256 * 1024;

/// The most passes that a stored hash may ask for, likewise.
const MAX_PASSES: u32 = 32;

static HASHERS: Hashers = Hashers::new();

/// A password's hash as the users file has it, checked. It cannot be printed.
pub(crate) struct StoredHash(PasswordHash);

impl StoredHash {
    /// Reads a PHC string (`$argon2id$v=19$…`).
    ///
    /// # Errors
    /// A sentence, in which nothing of the hash is repeated.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = "its second field is no argon2id hash: make it by `mksgate passwd NAME`";
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
                "its hash asks for more than {MAX_MEMORY} KiB or {MAX_PASSES} passes: make it anew"
            ));
        }
        Ok(Self(hash))
    }

    /// Whether this is the hash of `password`: one run of Argon2, however that ends.
    fn is_of(&self, password: &Password) -> bool {
        self.compare(password).unwrap_or_else(|error| {
            warn!("a password could not be compared ({error})");
            false
        })
    }

    fn compare(&self, password: &Password) -> Result<bool, password_hash::Error> {
        let (Some(salt), Some(expected)) = (&self.0.salt, &self.0.hash) else {
            return Ok(false);
        };
        let params = Params::try_from(&self.0)?;
        let mut area = Area::of(params.block_count());
        let mut output = [0; Output::MAX_LENGTH];
        let output = output.get_mut(..expected.len()).unwrap_or_default();
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        hasher.hash_password_into_with_memory(
            password.expose().as_bytes(),
            salt,
            output,
            area.blocks(),
        )?;
        // Compared in constant time.
        Ok(Output::new(output)? == *expected)
    }
}

/// Where Argon2 works: some 19 MiB, kept for the next hash. An area that came and went with each of them would leave
/// holes for others to settle in, until a flood of wrong passwords has made hundreds of MiB of them.
struct Area {
    memory: Vec<Block>,
    length: usize,
}

/// Those that nobody uses: never more than were in use at once.
static SPARE: Mutex<Vec<Vec<Block>>> = Mutex::new(Vec::new());

impl Area {
    fn of(length: usize) -> Self {
        let mut memory = SPARE
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

impl Drop for Area {
    fn drop(&mut self) {
        // What is in it was made of a password.
        self.blocks().iter_mut().for_each(Zeroize::zeroize);
        let memory = std::mem::take(&mut self.memory);
        SPARE
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(memory);
    }
}

/// The hash of a new password, for the users file.
///
/// # Errors
/// A sentence, where the operating system has no randomness for the salt, or no memory.
pub fn hash(password: &[u8]) -> Result<String, String> {
    hash_with(Params::default(), password)
}

/// Whether `stored` is the hash of `password`, once there is a place to find out.
pub(crate) async fn matches(stored: std::sync::Arc<StoredHash>, password: Password) -> bool {
    let compared = HASHERS.run(move || stored.is_of(&password)).await;
    compared.unwrap_or(false)
}

pub(crate) fn hash_with(params: Params, password: &[u8]) -> Result<String, String> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password)
        .map(|hash| hash.to_string())
        .map_err(|error| format!("cannot hash ({error})"))
}

/// The places at which passwords are hashed.
struct Hashers(Semaphore);

impl Hashers {
    const fn new() -> Self {
        Self(Semaphore::const_new(AT_ONCE))
    }

    /// What `work` yields, once it has had a place; `None` where it panicked. It keeps its place until it has
    /// ended: a hash cannot be interrupted, and one that nobody waits for any more costs as much as another.
    async fn run<T: Send + 'static>(
        &'static self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let place = self.0.acquire().await.ok()?;
        let session = Span::current();
        let working = spawn_blocking(move || {
            let _until_it_has_ended = place;
            session.in_scope(work)
        });
        working.await.ok()
    }
}
