//! Why a record is not decrypted or encrypted.

use crate::alert_description as description;

/// The error. The last four variants are local, the others are caused by the peer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The tag does not match: the record was changed, dropped or reordered.
    #[error("a TLS record was changed, dropped or reordered on the way")]
    BadMac,
    /// The record exceeds the maximum length.
    #[error("a TLS record is longer than the protocol allows")]
    Overflow,
    /// The record or message is not allowed at this point.
    #[error("{0} is not allowed at this point of the TLS connection")]
    Unexpected(&'static str),
    /// The message cannot be parsed.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// A field has a value that is not defined.
    #[error("{0} has an undefined value")]
    Illegal(&'static str),
    /// The peer sent a fatal alert with this AlertDescription (RFC 8446 section 6).
    #[error("the other side ended TLS with alert {0}")]
    Alert(u8),
    /// The [key schedule](crate::KeySchedule) refused a ticket or a key update.
    #[error("{reason}")]
    Tls {
        /// In words.
        reason: String,
        /// The peer's message is malformed.
        is_malformed: bool,
    },
    /// The keys have reached their limit.
    #[error("the keys of this TLS connection have reached their limit")]
    Exhausted,
    /// The connection has failed before.
    #[error("this TLS connection has failed before")]
    Failed,
    /// The buffer has too little space for the record.
    #[error("the buffer is too small for the TLS record")]
    NoSpace,
    /// The version, cipher or key is not supported.
    #[error("the cipher of this TLS connection is not supported")]
    Unsupported,
}

impl Refused {
    /// The alert to send (RFC 8446 section 6.2).
    pub(crate) const fn alert(&self) -> Option<u8> {
        match self {
            Self::BadMac => Some(description::BAD_RECORD_MAC),
            Self::Overflow => Some(description::RECORD_OVERFLOW),
            Self::Unexpected(_) => Some(description::UNEXPECTED_MESSAGE),
            Self::Malformed(_)
            | Self::Tls {
                is_malformed: true, ..
            } => Some(description::DECODE_ERROR),
            Self::Illegal(_) => Some(description::ILLEGAL_PARAMETER),
            Self::Tls { .. } | Self::Exhausted => Some(description::INTERNAL_ERROR),
            Self::Alert(_) | Self::Failed | Self::NoSpace | Self::Unsupported => None,
        }
    }
}
