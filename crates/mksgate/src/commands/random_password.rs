//! A VNC password that nobody has chosen.

use super::CommandError;

/// Letters that nobody mixes up when typing a password from one screen into another: 32 of them.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Eight letters: 40 bits, from the operating system.
pub(super) fn random_password() -> Result<String, CommandError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| CommandError::Failed(format!("no randomness ({error})")))?;
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
