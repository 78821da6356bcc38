//! The record header, content types and sizes.

use crate::keys::TAG;
use crate::refused::Refused;
use crate::version::Version;

/// The header's length: content type, version, length (RFC 8446 section 5.1).
pub(crate) const SIZE: usize = 5;

/// The version field of every record since TLS 1.2 (RFC 8446 section 5.1).
pub(crate) const VERSION: [u8; 2] = [3, 3];

/// The length of the explicit nonce of AES-GCM in TLS 1.2 (RFC 5288 section 3).
pub(crate) const EXPLICIT_NONCE: usize = 8;

/// How many bytes [`crate::Records::seal`] needs in front of the plaintext: the header (RFC 8446 section 5.2), and 8 bytes of
/// nonce (RFC 5288 section 3).
pub const BEFORE: usize = SIZE + EXPLICIT_NONCE;

/// How many bytes [`crate::Records::seal`] needs behind the plaintext: the content type (RFC 8446 section 5.2) and the tag.
pub const AFTER: usize = 1 + TAG;

/// The most plaintext in one record (RFC 8446 section 5.1).
pub const MAX_PLAIN: usize = 1 << 14;

/// Content types (RFC 8446 section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    ChangeCipherSpec = 20,
    Alert = 21,
    Handshake = 22,
    ApplicationData = 23,
}

impl Kind {
    pub(crate) fn parse(byte: u8) -> Result<Self, Refused> {
        match byte {
            20 => Ok(Self::ChangeCipherSpec),
            21 => Ok(Self::Alert),
            22 => Ok(Self::Handshake),
            23 => Ok(Self::ApplicationData),
            _ => Err(Refused::Unexpected("a record of an unknown type")),
        }
    }
}

/// A record header. Its bytes are part of the additional data.
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) bytes: [u8; SIZE],
}

impl Header {
    /// Reads a header; `None` while it is incomplete. A length that no valid record has is refused before the body arrives.
    pub(crate) fn parse(version: Version, bytes: &[u8]) -> Result<Option<Self>, Refused> {
        let Some(&bytes) = bytes.first_chunk::<SIZE>() else {
            return Ok(None);
        };
        let [kind, ..] = bytes;
        let kind = Kind::parse(kind)?;
        let (least, most) = match version {
            Version::Tls12 => (TAG, (1 << 14) + 2048),
            // Encrypted records have the outer type application_data (RFC 8446 section 5.2).
            Version::Tls13 if kind != Kind::ApplicationData => {
                return Err(Refused::Unexpected("a record that is not encrypted"));
            }
            Version::Tls13 => (TAG, (1 << 14) + 256),
        };
        let header = Self { kind, bytes };
        match header.len() {
            len if len > most => Err(Refused::Overflow),
            len if len < least => Err(Refused::BadMac),
            _ => Ok(Some(header)),
        }
    }

    /// The header of a record that is sent; `len` is less than 2^16.
    pub(crate) fn new(kind: Kind, len: usize) -> Self {
        let [.., high, low] = len.to_be_bytes();
        let [major, minor] = VERSION;
        Self {
            kind,
            bytes: [kind as u8, major, minor, high, low],
        }
    }

    /// The length of the record's body.
    pub(crate) fn len(&self) -> usize {
        let [_, _, _, high, low] = self.bytes;
        usize::from(u16::from_be_bytes([high, low]))
    }
}
