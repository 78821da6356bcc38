//! The arithmetic of VNC authentication (RFC 6143 section 7.2.2).

use des::Des;
use des::cipher::{BlockCipherEncrypt, KeyInit};
use subtle::ConstantTimeEq;
use zeroize::ZeroizeOnDrop;

/// 16 random bytes, new for each attempt.
pub type Challenge = [u8; 16];

/// The challenge, encrypted with the password.
pub type Response = [u8; 16];

/// A VNC password: 1–8 ASCII characters. It cannot be printed and is zeroed when dropped.
#[derive(Clone, ZeroizeOnDrop)]
pub struct VncPassword([u8; 8]);

/// Why a text is no VNC password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It is empty.
    #[error("a VNC password cannot be empty")]
    Empty,
    /// It has more than eight characters: the protocol would silently ignore the rest.
    #[error("a VNC password has at most 8 characters: the protocol ignores what comes after")]
    TooLong,
    /// It holds something else than printable ASCII, which viewers encode in different ways.
    #[error(
        "a VNC password may hold printable ASCII characters only: viewers encode others differently"
    )]
    NotAscii,
}

impl VncPassword {
    /// Takes a password as it is typed.
    ///
    /// # Errors
    /// [`PasswordError`]: it would not do what whoever chose it expects.
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

    /// What a viewer that knows the password answers to `challenge`.
    pub fn respond(&self, challenge: &Challenge) -> Response {
        // "the bits in each byte of the key are mirrored": RFB's own reading of DES.
        let cipher = Des::new(&self.0.map(u8::reverse_bits).into());
        let mut response = *challenge;
        for block in response.as_chunks_mut::<8>().0 {
            cipher.encrypt_block(block.into());
        }
        response
    }

    /// Whether `response` answers `challenge`. How long it takes says nothing about the password.
    pub fn verify(&self, challenge: &Challenge, response: &Response) -> bool {
        self.respond(challenge).ct_eq(response).into()
    }
}
