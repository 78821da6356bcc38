//! VNC authentication (RFC 6143 section 7.2.2).

use des::Des;
use des::cipher::{BlockCipherEncrypt, KeyInit};
use subtle::ConstantTimeEq;
use zeroize::ZeroizeOnDrop;

/// The server's challenge: 16 random bytes, new for each attempt.
pub type Challenge = [u8; 16];

/// The client's response: the challenge, encrypted with the password.
pub type Response = [u8; 16];

/// A VNC password: 1–8 ASCII characters. It cannot be printed and is zeroed when dropped.
#[derive(Clone, ZeroizeOnDrop)]
pub struct VncPassword([u8; 8]);

/// Why a text cannot be a VNC password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It is empty.
    #[error("a VNC password cannot be empty")]
    Empty,
    /// It has more than eight characters: the protocol would silently ignore the rest.
    #[error("a VNC password has at most 8 characters: the protocol ignores what comes after")]
    TooLong,
    /// It contains other characters than printable ASCII: viewers encode them in different ways.
    #[error(
        "a VNC password may hold printable ASCII characters only: viewers encode others differently"
    )]
    NotAscii,
}

impl VncPassword {
    /// Checks a password as the user enters it.
    ///
    /// # Errors
    /// A [`PasswordError`]: some viewers would send another password, or a shorter one.
    pub fn new(text: &str) -> Result<Self, PasswordError> {
        if text.is_empty() {
            return Err(PasswordError::Empty);
        }
        if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(PasswordError::NotAscii);
        }
        let mut key = [0; 8];
        let place = key.get_mut(..text.len()).ok_or(PasswordError::TooLong)?;
        place.copy_from_slice(text.as_bytes());
        Ok(Self(key))
    }

    /// The response to `challenge` for this password.
    pub fn respond(&self, challenge: &Challenge) -> Response {
        // VNC reverses the bits of each byte of the DES key (section 7.2.2).
        let cipher = Des::new(&self.0.map(u8::reverse_bits).into());
        let mut response = *challenge;
        for block in response.as_chunks_mut::<8>().0 {
            cipher.encrypt_block(block.into());
        }
        response
    }

    /// Whether `response` is right for `challenge`. Takes the same time for every response.
    pub fn verify(&self, challenge: &Challenge, response: &Response) -> bool {
        self.respond(challenge).ct_eq(response).into()
    }
}
