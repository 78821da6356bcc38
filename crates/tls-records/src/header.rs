//! A record's header, and what kinds of records there are.

use crate::Refused;
use crate::key::{TAG, Version};

/// Content type, version, length (RFC 8446 section 5.1).
pub(crate) const SIZE: usize = 5;

/// What a version number says in every record since TLS 1.2 (RFC 8446 section 5.1).
pub(crate) const VERSION: [u8; 2] = [3, 3];

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

/// A header that was read; its bytes are authenticated with what is behind it.
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) bytes: [u8; SIZE],
}

impl Header {
    /// `None` until it is whole. What is too long or too short to be opened is refused before it arrives.
    pub(crate) fn parse(version: Version, bytes: &[u8]) -> Result<Option<Self>, Refused> {
        let Some(&bytes) = bytes.first_chunk::<SIZE>() else {
            return Ok(None);
        };
        let [kind, ..] = bytes;
        let kind = Kind::parse(kind)?;
        let (least, most) = match version {
            Version::Tls12 => (TAG, (1 << 14) + 2048),
            // A type in the clear is a record in the clear (RFC 8446 section 5.2).
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

    /// Of one that is sent. The length is less than 2^16.
    pub(crate) fn new(kind: Kind, len: usize) -> Self {
        let [.., high, low] = len.to_be_bytes();
        let [major, minor] = VERSION;
        Self {
            kind,
            bytes: [kind as u8, major, minor, high, low],
        }
    }

    /// How many bytes belong to the record behind the header.
    pub(crate) fn len(&self) -> usize {
        let [_, _, _, high, low] = self.bytes;
        usize::from(u16::from_be_bytes([high, low]))
    }
}
