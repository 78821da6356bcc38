//! Why a server's messages cannot be parsed.

use crate::{Encoding, Violation};

/// Why a server's bytes cannot be split into messages any further. They may be valid RFB of an extension that is not
/// known here: a caller that only relays them can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// An unknown or malformed message.
    #[error(transparent)]
    Message(#[from] Violation),
    /// A rectangle in an unknown encoding, so that its length is unknown.
    #[error("encoding {} is not known", .0.0)]
    Encoding(Encoding),
    /// A pixel format with another number of bits per pixel than 8, 16 or 32.
    #[error("unsupported pixel format of {0} bits per pixel")]
    Pixels(u8),
    /// A rectangle that is not valid in its encoding.
    #[error("a malformed rectangle in encoding {}", .0.0)]
    Rectangle(Encoding),
    /// A rectangle of a new server that the client's decoder cannot take after those of the server before. Only for
    /// callers that replace the server: [`super::ServerScanner`] does not return it.
    #[error("the new host's data in encoding {} cannot follow the lost host's in the viewer's decoder", .0.0)]
    Continuation(Encoding),
}
