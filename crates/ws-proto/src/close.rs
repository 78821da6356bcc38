//! The payload of Close frames (RFC 6455 section 5.5.1).

use crate::code::CloseCode;
use crate::header::MAX_CONTROL_PAYLOAD;
use crate::violation::Violation;

/// The payload of a Close frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The close code.
    pub code: CloseCode,
    /// The reason as text; it may be empty. At most 123 bytes are sent, cut between characters.
    pub reason: String,
}

impl Close {
    /// A Close without a reason.
    pub const fn new(code: CloseCode) -> Self {
        Self {
            code,
            reason: String::new(),
        }
    }

    /// Reads the unmasked payload of a close frame; `None` where it is empty (section 5.5.1).
    ///
    /// # Errors
    /// Half a code, a forbidden code, or a reason that is not UTF-8.
    pub fn parse(payload: &[u8]) -> Result<Option<Self>, Violation> {
        let Some((code, reason)) = payload.split_first_chunk::<2>() else {
            return if payload.is_empty() {
                Ok(None)
            } else {
                Err(Violation::CloseTooShort)
            };
        };
        let number = u16::from_be_bytes(*code);
        let code = CloseCode::new(number).ok_or(Violation::CloseCode(number))?;
        let reason = str::from_utf8(reason).map_err(|_| Violation::CloseReason)?;
        Ok(Some(Self {
            code,
            reason: reason.to_owned(),
        }))
    }

    /// The payload to put into a close frame: at most 125 bytes.
    pub fn payload(&self) -> Vec<u8> {
        let end = self.reason.floor_char_boundary(MAX_CONTROL_PAYLOAD - 2);
        let mut payload = self.code.get().to_be_bytes().to_vec();
        payload.extend_from_slice(self.reason.get(..end).unwrap_or_default().as_bytes());
        payload
    }
}
