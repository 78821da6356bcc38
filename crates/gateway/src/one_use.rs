//! What all credentials that work once have in common.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::error::Failure;

/// How long a token or a one-use login may be used.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(60);

/// `BYTES` random bytes as base64url: it can stand in a URL, and has a character for each 6 bits.
pub(crate) fn random_text<const BYTES: usize>() -> Result<SecretString, Failure> {
    let mut random = Zeroizing::new([0; BYTES]);
    getrandom::fill(random.as_mut_slice())
        .map_err(|error| Failure::Setup(format!("no randomness: {error}")))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(random.as_slice()).into())
}
