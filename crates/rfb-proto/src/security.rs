//! The ways in: security types (RFC 6143 section 7.1.2) and VeNCrypt's kinds (rfbproto, "VeNCrypt").

/// How a viewer proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecurityType {
    /// 1: nothing is asked (section 7.2.1).
    None,
    /// 2: a password of up to eight characters, by challenge (section 7.2.2).
    VncPassword,
    /// 19, 260: TLS with a certificate; nothing is asked inside.
    X509None,
    /// 19, 261: TLS with a certificate; inside, what [`SecurityType::VncPassword`] does.
    X509Vnc,
    /// 19, 262: TLS with a certificate; inside, a user's name and password in plain words.
    X509Plain,
}

/// What a viewer proves itself with, once the connection is as safe as it is going to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    Nothing,
    VncPassword,
    Plain,
}

/// The security type that stands for all of VeNCrypt.
pub(crate) const VENCRYPT: u8 = 19;

impl SecurityType {
    /// The number in the list of security types: 19 for each that is a kind of VeNCrypt.
    pub const fn code(self) -> u8 {
        match self {
            Self::None => 1,
            Self::VncPassword => 2,
            Self::X509None | Self::X509Vnc | Self::X509Plain => VENCRYPT,
        }
    }

    /// The number within VeNCrypt, of those that are a kind of it.
    pub const fn subtype(self) -> Option<u32> {
        match self {
            Self::None | Self::VncPassword => None,
            Self::X509None => Some(260),
            Self::X509Vnc => Some(261),
            Self::X509Plain => Some(262),
        }
    }

    /// The kind of VeNCrypt of that number, where it is one that is spoken here.
    pub const fn from_subtype(subtype: u32) -> Option<Self> {
        match subtype {
            260 => Some(Self::X509None),
            261 => Some(Self::X509Vnc),
            262 => Some(Self::X509Plain),
            _ => None,
        }
    }

    /// Whether everything after the handshake, and the proof itself, is encrypted.
    pub const fn is_encrypted(self) -> bool {
        self.subtype().is_some()
    }

    pub(crate) const fn proof(self) -> Proof {
        match self {
            Self::None | Self::X509None => Proof::Nothing,
            Self::VncPassword | Self::X509Vnc => Proof::VncPassword,
            Self::X509Plain => Proof::Plain,
        }
    }
}
