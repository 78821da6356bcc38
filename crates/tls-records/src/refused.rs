//! Why a record is not decrypted or encrypted.

use rustls::AlertDescription;

/// The error. The last four variants are local, the others are caused by the peer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The tag does not match: the record was changed, dropped or reordered.
    #[error("a record is not what was sent: it was changed, left out or put elsewhere on the way")]
    BadMac,
    /// The record exceeds the maximum length.
    #[error("a record is longer than any may be")]
    Overflow,
    /// The record or message is not allowed at this point.
    #[error("{0} came, which must not come now")]
    Unexpected(&'static str),
    /// The message cannot be parsed.
    #[error("{0} came that is none")]
    Malformed(&'static str),
    /// A field has a value that is not defined.
    #[error("{0} came that has no meaning")]
    Illegal(&'static str),
    /// The peer sent a fatal alert.
    #[error("the other side broke off: {0:?}")]
    Alert(AlertDescription),
    /// rustls refused a ticket or a key update.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    /// The keys have reached their limit.
    #[error("the keys of this connection are used up")]
    Exhausted,
    /// The connection has failed before.
    #[error("this connection has failed before")]
    Failed,
    /// The buffer has too little space for the record.
    #[error("a record does not fit where it is to be put")]
    Room,
    /// The version, cipher or key is not supported.
    #[error("the cipher of this connection is not known here")]
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
