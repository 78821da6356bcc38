//! Random VNC passwords.

use super::CommandError;

/// 32 characters without those that look alike.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// 8 characters of 5 bits each, from the operating system's random source.
pub(super) fn random_password() -> Result<String, CommandError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| CommandError::failed(format!("no randomness ({error})")))?;
    let letter = |byte: u8| {
        LETTERS
            .iter()
            .cycle()
            .nth(usize::from(byte))
            .copied()
            .map(char::from)
    };
    Ok(bytes.into_iter().filter_map(letter).collect())
}
