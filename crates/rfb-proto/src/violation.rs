//! Violations of the protocol by a peer.

use crate::limits::{MAX_CREDENTIAL, MAX_ENCODINGS};

/// The peer violated the protocol. The connection has to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The first bytes are not `RFB xxx.yyy\n` (section 7.1.1).
    #[error("the peer does not speak RFB: it began with something else than a protocol version")]
    NotRfb,
    /// A protocol version below 3, the first that was ever published.
    #[error("the peer speaks RFB version {0}, which is not supported")]
    Version(u16),
    /// The viewer chose a security type that was not in the list (section 7.1.2).
    #[error("the viewer chose security type {0}, which was not offered")]
    NotOffered(u8),
    /// All offered security types are VeNCrypt, which RFB 3.3 does not have.
    #[error(
        "this console wants an encrypted login, which RFB 3.3 does not have: use a viewer that speaks RFB 3.7 or later and VeNCrypt"
    )]
    TooOldToEncrypt,
    /// The peer uses another VeNCrypt version than 0.2 (rfbproto, "VeNCrypt").
    #[error("the peer uses VeNCrypt version {major}.{minor}; only 0.2 is supported")]
    VencryptVersion {
        /// The major version.
        major: u8,
        /// The minor version.
        minor: u8,
    },
    /// The viewer chose a VeNCrypt subtype that was not in the list.
    #[error("the viewer chose VeNCrypt subtype {0}, which was not offered")]
    SubtypeNotOffered(u32),
    /// The viewer announced a longer user name or password than [`MAX_CREDENTIAL`].
    #[error("the viewer sent a {what} of {length} bytes; the limit is {MAX_CREDENTIAL}")]
    TooLong {
        /// `user name` or `password`.
        what: &'static str,
        /// The length in bytes.
        length: u32,
    },
    /// The viewer sent a user name or password that is not UTF-8.
    #[error("the viewer sent a {0} that is not UTF-8")]
    NotUtf8(&'static str),
    /// A message of an unknown type, the end of which is unknown too.
    #[error("message type {kind}{} is not known", .sub.map_or_else(String::new, |sub| format!("/{sub}")))]
    UnknownMessage {
        /// The message type: the first byte.
        kind: u8,
        /// The subtype: the second byte, for types that have one.
        sub: Option<u8>,
    },
    /// The viewer lists more encodings than [`MAX_ENCODINGS`].
    #[error("the viewer listed {0} encodings; the limit is {MAX_ENCODINGS}")]
    TooManyEncodings(u16),
    /// A message contradicts itself.
    #[error("a malformed {0} message")]
    Malformed(&'static str),
}
