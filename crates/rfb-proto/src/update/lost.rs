//! Why a server's messages cannot be followed.

use crate::{Encoding, Violation};

/// Why a server cannot be followed any further. The bytes may be good: who passes them on can go on so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// The message is unknown or contradicts itself.
    #[error(transparent)]
    Message(#[from] Violation),
    /// A rectangle whose length is not known.
    #[error("encoding {} is not known", .0.0)]
    Encoding(Encoding),
    /// A pixel has a length that RFB does not allow.
    #[error("pixels of {0} bits are not known")]
    Pixels(u8),
    /// A rectangle contradicts its encoding.
    #[error("a malformed rectangle in encoding {}", .0.0)]
    Rectangle(Encoding),
}
