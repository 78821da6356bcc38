//! ProtocolVersion (RFC 6143 section 7.1.1), and the unpublished numbers that implementations send.

use bytes::{Buf, BytesMut};

use crate::Violation;

/// `RFB xxx.yyy\n`.
const LENGTH: usize = 12;

/// The three published versions. Only their handshakes differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// 3.3: the server decides the security type, and a failure has no reason.
    V3_3,
    /// 3.7: the viewer chooses the security type; None has no SecurityResult, and a failure no reason.
    V3_7,
    /// 3.8: every security type has a SecurityResult, and a failure has a reason.
    V3_8,
}

impl Version {
    /// The message.
    pub const fn line(self) -> &'static [u8; LENGTH] {
        match self {
            Self::V3_3 => b"RFB 003.003\n",
            Self::V3_7 => b"RFB 003.007\n",
            Self::V3_8 => b"RFB 003.008\n",
        }
    }

    /// Consumes a ProtocolVersion message from the front of `input`; `None` while more bytes are needed.
    ///
    /// Numbers that were never published are read as the highest published version that is not above
    /// them: 3.5 and UltraVNC's 3.4 and 3.6 as 3.3 (RFC 6143 section 7.1.1), Apple's 3.889 and RealVNC's
    /// 4.x and 5.x as 3.8.
    ///
    /// # Errors
    /// [`Violation::NotRfb`] at the first wrong byte, so that a peer with another protocol is refused at once;
    /// [`Violation::Version`] below 3.
    pub fn read(input: &mut BytesMut) -> Result<Option<Self>, Violation> {
        const SHAPE: &[u8; LENGTH] = b"RFB ddd.ddd\n";
        let fits = |(&byte, &shape): (&u8, &u8)| match shape {
            b'd' => byte.is_ascii_digit(),
            _ => byte == shape,
        };
        if !input.iter().zip(SHAPE).all(fits) {
            return Err(Violation::NotRfb);
        }
        let Some(&[_, _, _, _, a, b, c, _, d, e, f, _]) = input.first_chunk::<LENGTH>() else {
            return Ok(None);
        };
        input.advance(LENGTH);
        let number = |digits: [u8; 3]| {
            digits
                .iter()
                .fold(0, |n, &digit| n * 10 + u16::from(digit - b'0'))
        };
        match (number([a, b, c]), number([d, e, f])) {
            (major @ 0..3, _) => Err(Violation::Version(major)),
            (3, 0..7) => Ok(Some(Self::V3_3)),
            (3, 7) => Ok(Some(Self::V3_7)),
            _ => Ok(Some(Self::V3_8)),
        }
    }
}
