//! Why a session cannot continue with another host.

use rfb_proto::Encoding;

/// Why a session cannot continue with another host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CannotContinue {
    /// The end of the host's current message is not known.
    #[error("the host was lost after it had sent RFB that could not be parsed")]
    NotParsed,
    /// The viewer has received a part of a rectangle that cannot be completed.
    #[error("the host was lost inside a rectangle in encoding {}, which cannot be completed", .0.0)]
    Rectangle(Encoding),
    /// The viewer has received a part of another message that cannot be completed.
    #[error("the host was lost inside a message that cannot be completed")]
    Message,
    /// The pixels of the new host cannot be converted to the viewer's format.
    #[error("the new host's pixel format cannot be converted to the viewer's")]
    Format,
    /// The new host has another size, and the viewer supports neither DesktopSize nor ExtendedDesktopSize.
    #[error("the new host's screen has another size, and the viewer cannot change its own")]
    Size,
}
