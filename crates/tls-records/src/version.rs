//! The TLS versions with records of this crate.

/// Decides the nonce, the additional data and the inner plaintext of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}
