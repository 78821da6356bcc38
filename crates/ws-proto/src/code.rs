//! Close codes (RFC 6455 section 7.4).

use std::num::NonZeroU16;

/// A close code that may stand in a close frame.
///
/// Codes that RFC 6455 section 7.4 forbids on the wire (0–999, 1004–1006, 1015 and the unassigned
/// ones up to 2999) cannot be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CloseCode(NonZeroU16);

impl CloseCode {
    /// 1000: the purpose of the connection has been fulfilled.
    pub const NORMAL: Self = Self::assigned(1000);
    /// 1001: the endpoint is going away.
    pub const GOING_AWAY: Self = Self::assigned(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self::assigned(1002);
    /// 1003: a type of data that cannot be accepted, as text where only binary is understood.
    pub const UNSUPPORTED_DATA: Self = Self::assigned(1003);
    /// 1007: payload that does not fit its type, as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self::assigned(1007);
    /// 1008: the message breaks the receiver's policy.
    pub const POLICY: Self = Self::assigned(1008);
    /// 1009: the message is too big to be processed.
    pub const TOO_BIG: Self = Self::assigned(1009);
    /// 1011: the server met a condition it did not expect.
    pub const INTERNAL: Self = Self::assigned(1011);

    /// `None` where `code` must not be sent (section 7.4.1 and 7.4.2).
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self::assigned(code)),
            _ => None,
        }
    }

    /// The number on the wire: 1000–1003, 1007–1014 or 3000–4999.
    pub const fn get(self) -> u16 {
        self.0.get()
    }

    const fn assigned(code: u16) -> Self {
        match NonZeroU16::new(code) {
            Some(code) => Self(code),
            None => Self(NonZeroU16::MAX),
        }
    }
}
