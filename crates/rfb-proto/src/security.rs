//! Security types (RFC 6143 section 7.1.2) and VeNCrypt subtypes (rfbproto, "VeNCrypt").

/// How a viewer authenticates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecurityType {
    /// 1: no authentication (section 7.2.1).
    None,
    /// 2: VNC authentication, a challenge and a password of up to eight characters (section 7.2.2).
    VncPassword,
    /// 19, 260: TLS with an X.509 certificate, without authentication inside.
    X509None,
    /// 19, 261: TLS with an X.509 certificate, VNC authentication inside.
    X509Vnc,
    /// 19, 262: TLS with an X.509 certificate, user name and password inside.
    X509Plain,
}

/// The authentication that remains after TLS, if any, is established.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    Nothing,
    VncPassword,
    Plain,
}

/// The security type VeNCrypt, which has subtypes.
pub(crate) const VENCRYPT: u8 = 19;

impl SecurityType {
    /// The number of the security type: 19 for all subtypes of VeNCrypt.
    pub const fn code(self) -> u8 {
        match self {
            Self::None => 1,
            Self::VncPassword => 2,
            Self::X509None | Self::X509Vnc | Self::X509Plain => VENCRYPT,
        }
    }

    /// The number of the VeNCrypt subtype; `None` for types outside of VeNCrypt.
    pub const fn subtype(self) -> Option<u32> {
        match self {
            Self::None | Self::VncPassword => None,
            Self::X509None => Some(260),
            Self::X509Vnc => Some(261),
            Self::X509Plain => Some(262),
        }
    }

    /// The VeNCrypt subtype with that number, if it is supported.
    pub const fn from_subtype(subtype: u32) -> Option<Self> {
        match subtype {
            260 => Some(Self::X509None),
            261 => Some(Self::X509Vnc),
            262 => Some(Self::X509Plain),
            _ => None,
        }
    }

    /// Whether authentication and everything after it is encrypted.
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
