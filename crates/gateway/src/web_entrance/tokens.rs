//! One-use tokens: random, for a short time, and stored as their SHA-256 only.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::error::Failure;
use crate::one_use::{TOKEN_LIFETIME, random_text};

/// How long a token is remembered after that, so that a late or second use is told from an unknown token.
const REMEMBERED: Duration = Duration::from_secs(600);

/// The most tokens of one user, used and expired ones included; the oldest goes first.
const MAX_PER_USER: usize = 64;

/// The most tokens in all.
const MAX: usize = 4096;

/// Random bytes of a token.
const LENGTH: usize = 32;

/// Why a token is not accepted. `Display` is a sentence for its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It was never issued, is another user's, or was forgotten.
    #[error("this link to a console is not valid: open the console from the list again")]
    Unknown,
    /// It was used before.
    #[error(
        "this link to a console was used before, and each works once: open the console from the list again"
    )]
    Used,
    /// It is older than [`TOKEN_LIFETIME`].
    #[error("this link to a console has expired: open the console from the list again")]
    Expired,
    /// Its console is no longer configured.
    #[error("this console is no longer served: open another from the list")]
    ConsoleGone,
}

type Hash = [u8; 32];

/// What tokens stand for; clones share them.
#[derive(Clone)]
pub(crate) struct Tokens<G>(Arc<Mutex<BTreeMap<Hash, Entry<G>>>>);

struct Entry<G> {
    /// The user by whom tokens are counted.
    user: String,
    /// Who may use it; `None`: whoever has it.
    recipient: Option<String>,
    minted: Instant,
    /// `None` once it was used.
    grant: Option<G>,
}

impl<G> Default for Tokens<G> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<G: Clone> Tokens<G> {
    /// A new token for `grant`. Where `user` has too many, or all users together, the oldest is forgotten.
    pub(crate) fn mint(
        &self,
        grant: G,
        user: &str,
        recipient: Option<&str>,
    ) -> Result<SecretString, Failure> {
        let token = random_text::<LENGTH>()?;
        let mut entries = self.entries();
        let of_user = |entry: &Entry<G>| entry.user == user;
        if entries.values().filter(|entry| of_user(entry)).count() >= MAX_PER_USER {
            forget_oldest(&mut entries, of_user);
        }
        if entries.len() >= MAX {
            forget_oldest(&mut entries, |_| true);
        }
        let entry = Entry {
            user: user.to_owned(),
            recipient: recipient.map(str::to_owned),
            minted: Instant::now(),
            grant: Some(grant),
        };
        entries.insert(hash(token.expose_secret()), entry);
        Ok(token)
    }

    /// What `token` stands for, where `by` may use it. It can still be used.
    pub(crate) fn peek(&self, token: &str, by: Option<&str>) -> Result<G, TokenError> {
        self.find(token, by, |grant| grant.clone())
    }

    /// Likewise, and uses it up.
    pub(crate) fn redeem(&self, token: &str, by: Option<&str>) -> Result<G, TokenError> {
        self.find(token, by, Option::take)
    }

    fn find(
        &self,
        token: &str,
        by: Option<&str>,
        take: impl FnOnce(&mut Option<G>) -> Option<G>,
    ) -> Result<G, TokenError> {
        let mut entries = self.entries();
        let entry = entries.get_mut(&hash(token)).ok_or(TokenError::Unknown)?;
        // Nobody else may learn that it exists, or use it up.
        if entry.recipient.is_some() && entry.recipient.as_deref() != by {
            return Err(TokenError::Unknown);
        }
        let is_expired = entry.minted.elapsed() >= TOKEN_LIFETIME;
        match &mut entry.grant {
            None => Err(TokenError::Used),
            Some(_) if is_expired => Err(TokenError::Expired),
            grant => take(grant).ok_or(TokenError::Used),
        }
    }

    /// The entries that are still remembered.
    fn entries(&self) -> MutexGuard<'_, BTreeMap<Hash, Entry<G>>> {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, entry| entry.minted.elapsed() < TOKEN_LIFETIME + REMEMBERED);
        entries
    }
}

/// A lookup by hash takes a time that tells nothing of any token.
fn hash(token: &str) -> Hash {
    Sha256::digest(token).into()
}

fn forget_oldest<G>(entries: &mut BTreeMap<Hash, Entry<G>>, of: impl Fn(&Entry<G>) -> bool) {
    let candidates = entries.iter().filter(|(_, entry)| of(entry));
    let oldest = candidates
        .min_by_key(|(_, entry)| entry.minted)
        .map(|(hash, _)| *hash);
    if let Some(oldest) = oldest {
        entries.remove(&oldest);
    }
}
