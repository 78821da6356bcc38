//! The result of authentication, in the form that the viewer's version knows (RFC 6143 section 7.1.3).

use bytes::{Buf, BufMut, BytesMut};

use crate::{MAX_REASON, SecurityType, Version, Violation};

/// SecurityResult.
const OK: u32 = 0;
const FAILED: u32 = 1;

/// A viewer that waits for the result of authentication: exactly one can be written.
#[derive(Debug)]
#[must_use = "the viewer waits for the result"]
pub struct Pending {
    pub(crate) version: Version,
    pub(crate) security: SecurityType,
    pub(crate) form: Form,
}

/// The message that carries the result.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    /// The list of security types, or in its place zero and the reason: 3.3 and 3.7 with None, which have no
    /// SecurityResult.
    Types,
    /// A SecurityResult.
    Result,
}

/// An accepted viewer whose choice of the one offered security type may still be pending (3.7 with None).
#[derive(Debug)]
pub struct Welcome {
    choice_pending: bool,
    version: Version,
}

/// Proof that a viewer was accepted and has been sent the result. Its ClientInit comes next.
#[derive(Debug)]
pub struct Accepted {
    version: Version,
}

impl Accepted {
    /// The viewer's protocol version.
    pub const fn version(&self) -> Version {
        self.version
    }
}

impl Pending {
    /// The viewer's protocol version.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The security type that the viewer chose.
    pub const fn security(&self) -> SecurityType {
        self.security
    }

    /// Accepts the viewer: writes the result to `output`.
    #[must_use = "in 3.7 the viewer's choice of a type may be pending"]
    pub fn accept(self, output: &mut BytesMut) -> Welcome {
        let none = SecurityType::None.code();
        match (self.form, self.version) {
            (Form::Result, _) => output.put_u32(OK),
            (Form::Types, Version::V3_3) => output.put_u32(none.into()),
            (Form::Types, _) => output.put_slice(&[1, none]),
        }
        Welcome {
            choice_pending: matches!(self.form, Form::Types) && self.version != Version::V3_3,
            version: self.version,
        }
    }

    /// Refuses the viewer: writes the result to `output`. `reason` is one sentence for the user, cut to [`MAX_REASON`]
    /// bytes; 3.3 and 3.7 have no field for it after VNC authentication.
    pub fn refuse(self, reason: &str, output: &mut BytesMut) {
        self.form.refuse(self.version, reason, output);
    }
}

impl Form {
    pub(crate) fn refuse(self, version: Version, reason: &str, output: &mut BytesMut) {
        match (self, version) {
            (Self::Result, _) => output.put_u32(FAILED),
            // Security type 0 (invalid), or zero types (section 7.1.2).
            (Self::Types, Version::V3_3) => output.put_u32(0),
            (Self::Types, _) => output.put_u8(0),
        }
        // Only 3.8 has a reason after SecurityResult (section 7.1.3); all versions have one in place of the types.
        if matches!(self, Self::Types) || version == Version::V3_8 {
            put_reason(reason, output);
        }
    }
}

impl Welcome {
    /// Consumes the viewer's choice from `input`, if it is pending; `None` while it has not arrived.
    ///
    /// # Errors
    /// [`Violation::NotOffered`] if the viewer chooses another security type.
    pub fn advance(&mut self, input: &mut BytesMut) -> Result<Option<Accepted>, Violation> {
        if self.choice_pending {
            match input.first() {
                None => return Ok(None),
                Some(&choice) if choice == SecurityType::None.code() => input.advance(1),
                Some(&choice) => return Err(Violation::NotOffered(choice)),
            }
            self.choice_pending = false;
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
