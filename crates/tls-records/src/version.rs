//! The TLS versions with records of this crate.

/// Decides the nonce, the additional data and the inner plaintext of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    Tls12,
    Tls13,
}
