//! What the caller's TLS library and crypto provider supply: ciphers, and the key schedule.

use zeroize::Zeroizing;

use crate::refused::Refused;

/// The length of a nonce (RFC 8446 section 5.3, RFC 5288 section 3, RFC 7905 section 2).
pub const NONCE: usize = 12;

/// The length of the AEAD tag, the same for all supported ciphers.
pub const TAG: usize = 16;

/// The cipher of one direction with its key: AES-128-GCM, AES-256-GCM or ChaCha20-Poly1305 (RFC 5116).
pub trait Aead {
    /// Decrypts what `buffer` holds from `sealed` on, ciphertext and tag, to the start of `buffer`, and returns the
    /// plaintext's length; `None` where the tag does not match.
    fn open_within(
        &self,
        nonce: [u8; NONCE],
        additional_data: &[u8],
        buffer: &mut [u8],
        sealed: usize,
    ) -> Option<usize>;

    /// Encrypts `plain` in place and returns the tag; `None` where the cipher refuses.
    fn seal_in_place(
        &self,
        nonce: [u8; NONCE],
        additional_data: &[u8],
        plain: &mut [u8],
    ) -> Option<[u8; TAG]>;
}

/// A traffic key of one direction.
pub struct TrafficKey<A> {
    /// The cipher with its key.
    pub cipher: A,
    /// The IV; for AES-GCM in TLS 1.2, salt and explicit nonce of the first record.
    pub iv: Zeroizing<[u8; NONCE]>,
    /// AES-GCM, whose records have an explicit nonce in TLS 1.2 (RFC 5288 section 3).
    pub is_aes_gcm: bool,
    /// The number of records that were encrypted or decrypted with this key already.
    pub sequence: u64,
}

/// Derives the traffic keys that follow the handshake's (RFC 8446 section 7.2), and takes session tickets.
pub trait KeySchedule {
    /// The ciphers of its keys.
    type Aead: Aead;

    /// The peer's next traffic key.
    ///
    /// # Errors
    /// [`Refused::Tls`]: there is none, as in TLS 1.2.
    fn next_receive_key(&mut self) -> Result<TrafficKey<Self::Aead>, Refused>;

    /// Our next traffic key.
    ///
    /// # Errors
    /// As [`next_receive_key`](Self::next_receive_key).
    fn next_send_key(&mut self) -> Result<TrafficKey<Self::Aead>, Refused>;

    /// Receives the content of a NewSessionTicket (RFC 8446 section 4.6.1).
    ///
    /// # Errors
    /// [`Refused::Tls`]: it is malformed.
    fn session_ticket(&mut self, ticket: &[u8]) -> Result<(), Refused>;
}
