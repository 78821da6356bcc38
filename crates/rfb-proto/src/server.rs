//! The handshake towards a viewer: we are its server (RFC 6143 section 7.1).

use bytes::{Buf, BufMut, BytesMut};

use crate::{Challenge, MAX_REASON, Response, SecurityType, Version, Violation};

/// SecurityResult (section 7.1.3).
const OK: u32 = 0;
const FAILED: u32 = 1;

/// Leads a viewer from its version to its claim. What it claims is for the caller to judge.
#[derive(Debug)]
pub struct Server {
    offer: Vec<SecurityType>,
    challenge: Challenge,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Version,
    Choice(Version),
    Response(Version),
    Claimed,
}

/// Who the viewer says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Nobody in particular: nothing was asked.
    Nobody,
    /// Somebody who knows the VNC password: see [`crate::VncPassword::verify`].
    VncPassword {
        /// What was sent.
        challenge: Challenge,
        /// What came back.
        response: Response,
    },
}

/// A viewer that waits for the verdict. Exactly one can be given.
#[derive(Debug)]
#[must_use = "the viewer waits for a verdict"]
pub struct Pending {
    version: Version,
    form: Form,
}

/// What the verdict looks like on the wire.
#[derive(Debug, Clone, Copy)]
enum Form {
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

impl Server {
    /// Greets the viewer: writes our version to `output`. `offer` holds the ways in, the preferred one
    /// first; `challenge` is 16 random bytes that were never used before.
    pub fn new(offer: &[SecurityType], challenge: Challenge, output: &mut BytesMut) -> Self {
        output.put_slice(Version::V3_8.line());
        Self {
            offer: offer.to_vec(),
            challenge,
            state: State::Version,
        }
    }

    /// Reads what the viewer sent from the front of `input` and writes what it is owed to `output`, until
    /// it has made its claim; `None` while more bytes are needed.
    ///
    /// # Errors
    /// A [`Violation`]: tell the viewer by [`Server::refuse`] and close.
    pub fn advance(
        &mut self,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> Result<Option<(Claim, Pending)>, Violation> {
        loop {
            match self.state {
                State::Version => {
                    let Some(version) = Version::read(input)? else {
                        return Ok(None);
                    };
                    if let Some(claim) = self.offer_types(version, output) {
                        return Ok(Some(claim));
                    }
                }
                State::Choice(version) => {
                    let Some(&choice) = input.first() else {
                        return Ok(None);
                    };
                    input.advance(1);
                    if let Some(claim) = self.choose(version, choice, output)? {
                        return Ok(Some(claim));
                    }
                }
                State::Response(version) => return Ok(self.respond(version, input)),
                State::Claimed => return Ok(None),
            }
        }
    }

    /// Tells the viewer, as far as its version has words for it at this point, why it is not let in.
    pub fn refuse(self, reason: &str, output: &mut BytesMut) {
        match self.state {
            State::Choice(version @ Version::V3_8) | State::Response(version) => {
                put_result(version, reason, output);
            }
            // It has not said what it understands, or waits for nothing.
            State::Version | State::Choice(_) | State::Claimed => {}
        }
    }

    /// The version is known: says what is offered, or claims at once where nothing will be asked and the
    /// verdict must take the list's place.
    fn offer_types(&mut self, version: Version, output: &mut BytesMut) -> Option<(Claim, Pending)> {
        let nothing_asked = self.offer.contains(&SecurityType::None);
        if version < Version::V3_8 && nothing_asked {
            return Some(self.claim(Claim::Nobody, version, Form::Types));
        }
        if version == Version::V3_3 {
            // Section 7.1.2: "the server decides the security type and sends a single word".
            output.put_u32(SecurityType::VncPassword.code().into());
            output.put_slice(&self.challenge);
            self.state = State::Response(version);
        } else {
            output.put_u8(u8::try_from(self.offer.len()).unwrap_or(u8::MAX));
            output.extend(self.offer.iter().map(|offered| offered.code()));
            self.state = State::Choice(version);
        }
        None
    }

    fn choose(
        &mut self,
        version: Version,
        choice: u8,
        output: &mut BytesMut,
    ) -> Result<Option<(Claim, Pending)>, Violation> {
        match SecurityType::from_code(choice).filter(|chosen| self.offer.contains(chosen)) {
            Some(SecurityType::None) => Ok(Some(self.claim(Claim::Nobody, version, Form::Result))),
            Some(SecurityType::VncPassword) => {
                output.put_slice(&self.challenge);
                self.state = State::Response(version);
                Ok(None)
            }
            None => Err(Violation::NotOffered(choice)),
        }
    }

    fn respond(&mut self, version: Version, input: &mut BytesMut) -> Option<(Claim, Pending)> {
        let response = *input.first_chunk::<16>()?;
        input.advance(response.len());
        let challenge = self.challenge;
        Some(self.claim(
            Claim::VncPassword {
                challenge,
                response,
            },
            version,
            Form::Result,
        ))
    }

    const fn claim(&mut self, claim: Claim, version: Version, form: Form) -> (Claim, Pending) {
        self.state = State::Claimed;
        (claim, Pending { version, form })
    }
}

impl Pending {
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
        match (self.form, self.version) {
            (Form::Result, version) => put_result(version, reason, output),
            // Zero types, or the type "invalid", and the reason (section 7.1.2).
            (Form::Types, Version::V3_3) => {
                output.put_u32(0);
                put_reason(reason, output);
            }
            (Form::Types, _) => {
                output.put_u8(0);
                put_reason(reason, output);
            }
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

/// A failed SecurityResult: only 3.8 adds the reason (section 7.1.3).
fn put_result(version: Version, reason: &str, output: &mut BytesMut) {
    output.put_u32(FAILED);
    if version == Version::V3_8 {
        put_reason(reason, output);
    }
}

fn put_reason(reason: &str, output: &mut BytesMut) {
    let end = reason.floor_char_boundary(MAX_REASON);
    let reason = reason.get(..end).unwrap_or_default();
    output.put_u32(u32::try_from(reason.len()).unwrap_or_default());
    output.put_slice(reason.as_bytes());
}
