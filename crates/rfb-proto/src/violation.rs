//! What a peer can do that RFB does not allow.

use crate::limits::{MAX_CREDENTIAL, MAX_ENCODINGS};

/// The peer does not speak RFB as RFC 6143 describes it. The connection is of no use any more.
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
    /// RFB 3.3 knows none of the ways in that are offered: all of them begin with TLS.
    #[error(
        "this console wants an encrypted login, which RFB 3.3 does not have: use a viewer that speaks RFB 3.7 or later and VeNCrypt"
    )]
    TooOldToEncrypt,
    /// The peer speaks another VeNCrypt than 0.2 (rfbproto, "VeNCrypt").
    #[error("the peer speaks VeNCrypt version {major}.{minor}, and only 0.2 is spoken here")]
    VencryptVersion {
        /// Before the dot.
        major: u8,
        /// Behind it.
        minor: u8,
    },
    /// The viewer chose a kind of VeNCrypt that was not in the list.
    #[error("the viewer chose VeNCrypt subtype {0}, which was not offered")]
    SubtypeNotOffered(u32),
    /// The viewer announced a longer user name or password than [`MAX_CREDENTIAL`].
    #[error("the viewer sends a {what} of {length} bytes: no more than {MAX_CREDENTIAL} are taken")]
    TooLong {
        /// Which of the two.
        what: &'static str,
        /// What it announced.
        length: u32,
    },
    /// The viewer sent a user name or password that is not UTF-8.
    #[error("the viewer sends a {0} that is not UTF-8")]
    NotUtf8(&'static str),
    /// A message of a type that is not known: where it ends is not known either.
    #[error("message type {kind}{} is not known", .sub.map_or_else(String::new, |sub| format!("/{sub}")))]
    UnknownMessage {
        /// Its first byte.
        kind: u8,
        /// Its second, where that is a part of the type.
        sub: Option<u8>,
    },
    /// The viewer lists more encodings than [`MAX_ENCODINGS`].
    #[error("the viewer lists {0} encodings: no more than {MAX_ENCODINGS} are taken")]
    TooManyEncodings(u16),
    /// A message contradicts itself.
    #[error("a malformed {0} message")]
    Malformed(&'static str),
}
