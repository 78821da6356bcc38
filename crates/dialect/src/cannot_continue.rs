//! Why a session cannot outlive its host.

use rfb_proto::Encoding;

/// Why a viewer cannot go on with another host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CannotContinue {
    /// Where its messages end is not known.
    #[error("the host was lost after it had sent RFB that could not be followed")]
    NotFollowed,
    /// A rectangle of which the viewer has a part.
    #[error("the host was lost inside a rectangle in encoding {}, which cannot be completed", .0.0)]
    Rectangle(Encoding),
    /// Another message of which the viewer has a part.
    #[error("the host was lost inside a message that cannot be completed")]
    Message,
    /// The pixels of the new host cannot be converted.
    #[error("the new host's pixel format cannot be converted to the viewer's")]
    Format,
    /// The viewer has not listed DesktopSize.
    #[error("the new host's screen has another size, and the viewer cannot change its own")]
    Size,
}
