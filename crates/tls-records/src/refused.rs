//! Why a record is not opened, or none sealed.

use rustls::AlertDescription;

/// What is wrong, and whose fault that is: all but the last four are the peer's.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// It was changed, or is not of this place.
    #[error("a record is not what was sent: it was changed, left out or put elsewhere on the way")]
    BadMac,
    /// It is longer than any may be.
    #[error("a record is longer than any may be")]
    Overflow,
    /// It must not come now, if at all.
    #[error("{0} came, which must not come now")]
    Unexpected(&'static str),
    /// It is not what its type says.
    #[error("{0} came that is none")]
    Malformed(&'static str),
    /// It says what nobody may say.
    #[error("{0} came that has no meaning")]
    Illegal(&'static str),
    /// The peer has given up.
    #[error("the other side broke off: {0:?}")]
    Alert(AlertDescription),
    /// What rustls has against it.
    #[error(transparent)]
    Tls(#[from] rustls::Error),
    /// Nothing may be sealed or opened any more with these keys.
    #[error("the keys of this connection are used up")]
    Exhausted,
    /// It has failed before.
    #[error("this connection has failed before")]
    Failed,
    /// There is not the room that a record takes.
    #[error("a record does not fit where it is to be put")]
    Room,
    /// A version, a cipher or a key that is not known here.
    #[error("the cipher of this connection is not known here")]
    Unsupported,
}

impl Refused {
    /// What the peer is to be told (RFC 8446 section 6.2).
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
