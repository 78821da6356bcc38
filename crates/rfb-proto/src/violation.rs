//! What a peer can do that RFB does not allow.

/// The peer does not speak RFB as RFC 6143 describes it. The connection is of no use any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The first bytes are not `RFB xxx.yyy\n` (section 7.1.1).
    #[error("the peer does not speak RFB: it began with something else than a protocol version")]
    NotRfb,
    /// A protocol version below 3, the first that was ever published.
    #[error("the peer speaks RFB version {0}, which is not supported")]
    Version(u16),
    /// The viewer chose a security type that was not in the list (section 7.1.2).
    #[error("the viewer chose security type {0}, which was not offered")]
    NotOffered(u8),
}
