//! The verdict on a viewer's claim, in the words that its version has for it (RFC 6143 section 7.1.3).

use bytes::{Buf, BufMut, BytesMut};

use crate::{MAX_REASON, SecurityType, Version, Violation};

/// SecurityResult.
const OK: u32 = 0;
const FAILED: u32 = 1;

/// A viewer that waits for the verdict. Exactly one can be given.
#[derive(Debug)]
#[must_use = "the viewer waits for a verdict"]
pub struct Pending {
    pub(crate) version: Version,
    pub(crate) security: SecurityType,
    pub(crate) form: Form,
}

/// What the verdict looks like on the wire.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    /// A security type, or in its place zero and the reason: 3.3 and 3.7 with None, which have no result.
    Types,
    /// A SecurityResult.
    Result,
}

/// A viewer that was accepted and may still owe its choice of the one type offered (3.7 with None).
#[derive(Debug)]
pub struct Welcome {
    owes_choice: bool,
    version: Version,
}

/// Proof that a viewer was judged and told so. Its ClientInit comes next.
#[derive(Debug)]
pub struct Accepted {
    version: Version,
}

impl Accepted {
    /// What the viewer speaks.
    pub const fn version(&self) -> Version {
        self.version
    }
}

impl Pending {
    /// What the viewer speaks.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Which of the ways in it took.
    pub const fn security(&self) -> SecurityType {
        self.security
    }

    /// Lets the viewer in.
    #[must_use = "3.7 may still owe its choice of a type"]
    pub fn accept(self, output: &mut BytesMut) -> Welcome {
        let none = SecurityType::None.code();
        match (self.form, self.version) {
            (Form::Result, _) => output.put_u32(OK),
            (Form::Types, Version::V3_3) => output.put_u32(none.into()),
            (Form::Types, _) => output.put_slice(&[1, none]),
        }
        Welcome {
            owes_choice: matches!(self.form, Form::Types) && self.version != Version::V3_3,
            version: self.version,
        }
    }

    /// Turns the viewer away. `reason` is one sentence for whoever sits before it, cut to
    /// [`MAX_REASON`] bytes; 3.3 and 3.7 have no place for it after a password.
    pub fn refuse(self, reason: &str, output: &mut BytesMut) {
        self.form.refuse(self.version, reason, output);
    }
}

impl Form {
    pub(crate) fn refuse(self, version: Version, reason: &str, output: &mut BytesMut) {
        match (self, version) {
            (Self::Result, _) => output.put_u32(FAILED),
            // The type "invalid", or zero types (section 7.1.2).
            (Self::Types, Version::V3_3) => output.put_u32(0),
            (Self::Types, _) => output.put_u8(0),
        }
        // Only 3.8 adds the reason to a result (section 7.1.3); in place of the types all have it.
        if matches!(self, Self::Types) || version == Version::V3_8 {
            put_reason(reason, output);
        }
    }
}

impl Welcome {
    /// Reads what the accepted viewer may still owe; `None` while it is not there.
    ///
    /// # Errors
    /// [`Violation::NotOffered`] where it chooses what it was not offered.
    pub fn advance(&mut self, input: &mut BytesMut) -> Result<Option<Accepted>, Violation> {
        if self.owes_choice {
            match input.first() {
                None => return Ok(None),
                Some(&choice) if choice == SecurityType::None.code() => input.advance(1),
                Some(&choice) => return Err(Violation::NotOffered(choice)),
            }
            self.owes_choice = false;
        }
        Ok(Some(Accepted {
            version: self.version,
        }))
    }
}

fn put_reason(reason: &str, output: &mut BytesMut) {
    let end = reason.floor_char_boundary(MAX_REASON);
    let reason = reason.get(..end).unwrap_or_default();
    output.put_u32(u32::try_from(reason.len()).unwrap_or_default());
    output.put_slice(reason.as_bytes());
}
