//! Security types (RFC 6143 section 7.1.2).

/// How a viewer proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecurityType {
    /// 1: nothing is asked (section 7.2.1).
    None,
    /// 2: a password of up to eight characters, by challenge (section 7.2.2).
    VncPassword,
}

impl SecurityType {
    /// The number on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::None => 1,
            Self::VncPassword => 2,
        }
    }

    /// The type of that number, where it is one that is spoken here.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::None),
            2 => Some(Self::VncPassword),
            _ => None,
        }
    }
}
