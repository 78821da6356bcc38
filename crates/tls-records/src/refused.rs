//! Why a record is not decrypted or encrypted.

use rustls::AlertDescription;

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
    /// The peer sent a fatal alert.
    #[error("the other side ended TLS with alert {}", u8::from(*.0))]
    Alert(AlertDescription),
    /// rustls refused a ticket or a key update.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    /// The keys have reached their limit.
    #[error("the keys of this TLS connection have reached their limit")]
    Exhausted,
    /// The connection has failed before.
    #[error("this TLS connection has failed before")]
    Failed,
    /// The buffer has too little space for the record.
    #[error("the buffer is too small for the TLS record")]
    Room,
    /// The version, cipher or key is not supported.
    #[error("the cipher of this TLS connection is not supported")]
    Unsupported,
}

impl Refused {
    /// The alert to send (RFC 8446 section 6.2).
    pub(crate) fn alert(&self) -> Option<AlertDescription> {
        match self {
            Self::BadMac => Some(AlertDescription::BadRecordMac),
            Self::Overflow => Some(AlertDescription::RecordOverflow),
            Self::Unexpected(_) => Some(AlertDescription::UnexpectedMessage),
            Self::Malformed(_) => Some(AlertDescription::DecodeError),
            Self::Illegal(_) => Some(AlertDescription::IllegalParameter),
            Self::Tls(rustls::Error::InvalidMessage(_)) => Some(AlertDescription::DecodeError),
            Self::Tls(_) | Self::Exhausted => Some(AlertDescription::InternalError),
            Self::Alert(_) | Self::Failed | Self::Room | Self::Unsupported => None,
        }
    }
}
