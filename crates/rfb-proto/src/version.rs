//! The protocol version (RFC 6143 section 7.1.1), and what implementations write instead of it.

use bytes::{Buf, BytesMut};

use crate::Violation;

/// `RFB xxx.yyy\n`.
const LENGTH: usize = 12;

/// The three published versions. Their handshakes differ; what follows them does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// 3.3: the server decides the security type, and a failed result carries no reason.
    V3_3,
    /// 3.7: the viewer chooses the security type; None has no result, a failed result no reason.
    V3_7,
    /// 3.8: every security type has a result, a failed one has a reason.
    V3_8,
}

impl Version {
    /// What goes over the wire.
    pub const fn line(self) -> &'static [u8; LENGTH] {
        match self {
            Self::V3_3 => b"RFB 003.003\n",
            Self::V3_7 => b"RFB 003.007\n",
            Self::V3_8 => b"RFB 003.008\n",
        }
    }

    /// Takes a version line from the front of `input`; `None` while more bytes are needed.
    ///
    /// Numbers that were never published are read as the highest published version that is not above
    /// them: 3.5 and UltraVNC's 3.4 and 3.6 as 3.3 (RFC 6143 section 7.1.1), Apple's 3.889 and RealVNC's
    /// 4.x and 5.x as 3.8.
    ///
    /// # Errors
    /// [`Violation::NotRfb`] at the first byte that cannot stand in a version line, so that a peer that
    /// speaks something else is not waited for; [`Violation::Version`] below 3.
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
