//! Every way a peer can break RFC 6455, and the close code that answers each.

use crate::code::CloseCode;

/// A violation of RFC 6455 by the peer, after which the stream cannot be decoded any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// RSV1, RSV2 or RSV3 is set although no extension was negotiated (section 5.2).
    #[error("a reserved bit is set and no extension was negotiated")]
    ReservedBits,
    /// An opcode of 3–7 or 11–15 (section 5.2).
    #[error("opcode {0} is reserved")]
    ReservedOpcode(u8),
    /// A control frame without FIN (section 5.5).
    #[error("a control frame is fragmented")]
    FragmentedControl,
    /// A control frame that announces more than 125 bytes (section 5.5).
    #[error("a control frame is longer than 125 bytes")]
    OversizedControl,
    /// A length in more bytes than it takes (section 5.2: "the minimal number of bytes MUST be used").
    #[error("a length is not written in its shortest form")]
    LengthNotMinimal,
    /// A 64-bit length with its top bit set (section 5.2).
    #[error("a length has its top bit set")]
    LengthTopBit,
    /// A server's frame is masked (section 5.1).
    #[error("the server masked a frame")]
    MaskedByServer,
    /// A client's frame is not masked (section 5.1).
    #[error("the client did not mask a frame")]
    UnmaskedByClient,
    /// A continuation frame with no message begun (section 5.4).
    #[error("a continuation frame continues nothing")]
    NothingToContinue,
    /// A text or binary frame in the middle of a fragmented message (section 5.4).
    #[error("a new message begins inside a fragmented one")]
    MessageInsideMessage,
    /// A Close with one byte of payload: half a code (section 5.5.1).
    #[error("a close frame holds half a code")]
    CloseTooShort,
    /// A Close with a code that must not be sent (section 7.4).
    #[error("close code {0} must not be sent")]
    CloseCode(u16),
    /// A Close whose reason is not UTF-8 (section 5.5.1).
    #[error("the close reason is not UTF-8")]
    CloseReason,
}

impl Violation {
    /// The code to close with: 1007 for bytes that are not UTF-8, else 1002 (section 7.4.1).
    pub const fn close_code(self) -> CloseCode {
        match self {
            Self::CloseReason => CloseCode::INVALID_PAYLOAD,
            _ => CloseCode::PROTOCOL_ERROR,
        }
    }
}
