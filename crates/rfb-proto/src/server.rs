//! The handshake towards a viewer: we are its server (RFC 6143 section 7.1).

use std::ops::ControlFlow::{self, Break, Continue};

use bytes::{Buf, BufMut, BytesMut};

use crate::security::{Proof, VENCRYPT};
use crate::verdict::Form;
use crate::{Challenge, Claim, Pending, SecurityType, Version, Violation, field, plain, vencrypt};

/// Leads a viewer from its version to its claim. What it claims is for the caller to judge.
#[derive(Debug)]
pub struct Server {
    /// Each way in once, the preferred one first.
    offer: Vec<SecurityType>,
    challenge: Challenge,
    state: State,
    /// Why the viewer will not be let in, once that is decided and has not been said yet.
    refusal: Option<String>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Version,
    Choice(Version),
    VencryptVersion(Version),
    Subtype(Version),
    /// The caller has been told to start TLS. When it comes back, TLS stands.
    Tls(Version, SecurityType),
    Response(Version, SecurityType),
    Plain(Version),
    /// The viewer broke the protocol where it can still be told so, in this form.
    Misled(Version, Form),
    /// Claimed, refused, or beyond words.
    Over,
}

/// What comes next.
#[derive(Debug)]
pub enum Step {
    /// More bytes are needed. First send what is in the output.
    More,
    /// TLS is needed. Send what is in the output as it is; then be the server of a TLS handshake on the same
    /// connection, and from then on read `input` out of TLS and send `output` through it. What is left in
    /// `input` is the beginning of the viewer's ClientHello: hand it to TLS. Once TLS stands, call
    /// [`Server::advance`] at once, for it may be the viewer that waits.
    StartTls,
    /// The viewer says who it is and waits for the verdict.
    Claim(Claim, Pending),
    /// The viewer has been told why it is not let in, as far as it can be: send what is in the output and
    /// close.
    Refused,
}

/// What to do after one piece of the handshake.
type Heard = Result<ControlFlow<Step>, Violation>;

const WAIT: Heard = Ok(Break(Step::More));

impl Server {
    /// Greets the viewer: writes our version to `output`. `offer` holds the ways in, the preferred one
    /// first, and at least one; `challenge` is 16 random bytes that were never used before.
    pub fn new(offer: &[SecurityType], challenge: Challenge, output: &mut BytesMut) -> Self {
        let mut server = Self::greeting(challenge, output);
        for &way in offer {
            if !server.offer.contains(&way) {
                server.offer.push(way);
            }
        }
        if server.offer.is_empty() {
            server.refusal = Some("there is no way in: none is configured".into());
        }
        server
    }

    /// Greets the viewer only to refuse it: once it has said its version it is told `reason` as that
    /// version understands it, and [`Step::Refused`] comes out.
    pub fn refusing(reason: &str, output: &mut BytesMut) -> Self {
        let mut server = Self::greeting(Challenge::default(), output);
        server.refusal = Some(reason.into());
        server
    }

    fn greeting(challenge: Challenge, output: &mut BytesMut) -> Self {
        output.put_slice(Version::V3_8.line());
        Self {
            offer: Vec::new(),
            challenge,
            state: State::Version,
            refusal: None,
        }
    }

    /// Reads what the viewer sent from the front of `input` and writes what it is owed to `output`, until
    /// there is something for the caller to do.
    ///
    /// # Errors
    /// A [`Violation`]: send what is in the output, tell the viewer by [`Server::refuse`] and close.
    pub fn advance(
        &mut self,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> Result<Step, Violation> {
        loop {
            let heard = match self.state {
                State::Version => self.read_version(input, output),
                State::Choice(version) => self.read_choice(version, input, output),
                State::VencryptVersion(version) => {
                    self.read_vencrypt_version(version, input, output)
                }
                State::Subtype(version) => self.read_subtype(version, input, output),
                State::Tls(version, way) => Ok(self.ask(version, way, output)),
                State::Response(version, way) => {
                    Ok(self.read_response(version, way, input, output))
                }
                State::Plain(version) => self.read_plain(version, input, output),
                State::Misled(..) | State::Over => WAIT,
            };
            match heard {
                Ok(Continue(())) => {}
                Ok(Break(step)) => return Ok(step),
                Err(violation) => {
                    if !matches!(self.state, State::Misled(..)) {
                        self.state = State::Over;
                    }
                    return Err(violation);
                }
            }
        }
    }

    /// Decides that the viewer is not let in, and tells it why as soon as its version of the protocol has
    /// words for it. [`Step::Refused`]: it is said, or cannot be said any more. [`Step::More`]: the viewer
    /// has to speak first; who wants it to be told goes on with [`Server::advance`], which yields
    /// [`Step::Refused`] in place of a claim.
    pub fn refuse(&mut self, reason: &str, output: &mut BytesMut) -> Step {
        match self.state {
            State::Misled(version, form) => form.refuse(version, reason, output),
            State::Response(version, _) | State::Plain(version) => {
                Form::Result.refuse(version, reason, output);
            }
            State::Over => {}
            State::Version
            | State::Choice(_)
            | State::VencryptVersion(_)
            | State::Subtype(_)
            | State::Tls(..) => {
                self.refusal = Some(reason.into());
                return Step::More;
            }
        }
        self.state = State::Over;
        Step::Refused
    }

    /// The version is known: says what is offered, or claims at once where nothing will be asked and the
    /// verdict must take the list's place.
    fn read_version(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Heard {
        let Some(version) = Version::read(input)? else {
            return WAIT;
        };
        let nothing_asked = version < Version::V3_8 && self.offers(SecurityType::None);
        if nothing_asked || self.refusal.is_some() {
            return Ok(self.claim(
                Claim::Nobody,
                version,
                SecurityType::None,
                Form::Types,
                output,
            ));
        }
        if version > Version::V3_3 {
            let codes = self.codes();
            output.put_u8(u8::try_from(codes.len()).unwrap_or(u8::MAX));
            output.put_slice(&codes);
            self.state = State::Choice(version);
        } else if self.offers(SecurityType::VncPassword) {
            // Section 7.1.2: "the server decides the security type and sends a single word".
            output.put_u32(SecurityType::VncPassword.code().into());
            return Ok(self.ask(version, SecurityType::VncPassword, output));
        } else {
            self.state = State::Misled(version, Form::Types);
            return Err(Violation::TooOldToEncrypt);
        }
        Ok(Continue(()))
    }

    fn read_choice(
        &mut self,
        version: Version,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> Heard {
        let Some(choice) = field::read_byte(input) else {
            return WAIT;
        };
        let Some(&way) = self.offer.iter().find(|way| way.code() == choice) else {
            self.state = State::Misled(version, Form::Result);
            return Err(Violation::NotOffered(choice));
        };
        if choice == VENCRYPT {
            output.put_slice(&vencrypt::VERSION);
            self.state = State::VencryptVersion(version);
            return Ok(Continue(()));
        }
        Ok(self.ask(version, way, output))
    }

    fn read_vencrypt_version(
        &mut self,
        version: Version,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> Heard {
        let Some(spoken) = vencrypt::read_version(input) else {
            return WAIT;
        };
        if spoken != vencrypt::VERSION {
            output.put_u8(vencrypt::VERSION_REFUSED);
            let [major, minor] = spoken;
            return Err(Violation::VencryptVersion { major, minor });
        }
        output.put_u8(vencrypt::VERSION_TAKEN);
        let kinds: Vec<u32> = self.offer.iter().filter_map(|way| way.subtype()).collect();
        vencrypt::put_subtypes(&kinds, output);
        self.state = State::Subtype(version);
        Ok(Continue(()))
    }

    fn read_subtype(
        &mut self,
        version: Version,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> Heard {
        let Some(choice) = field::read_word(input) else {
            return WAIT;
        };
        match SecurityType::from_subtype(choice).filter(|&way| self.offers(way)) {
            Some(way) => {
                output.put_u8(vencrypt::SUBTYPE_TAKEN);
                self.state = State::Tls(version, way);
                Ok(Break(Step::StartTls))
            }
            None => {
                output.put_u8(vencrypt::SUBTYPE_REFUSED);
                Err(Violation::SubtypeNotOffered(choice))
            }
        }
    }

    /// The connection is as safe as it is going to be: asks for the proof.
    fn ask(
        &mut self,
        version: Version,
        way: SecurityType,
        output: &mut BytesMut,
    ) -> ControlFlow<Step> {
        match way.proof() {
            Proof::Nothing => self.claim(Claim::Nobody, version, way, Form::Result, output),
            Proof::VncPassword => {
                output.put_slice(&self.challenge);
                self.state = State::Response(version, way);
                Continue(())
            }
            Proof::Plain => {
                self.state = State::Plain(version);
                Continue(())
            }
        }
    }

    fn read_response(
        &mut self,
        version: Version,
        way: SecurityType,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> ControlFlow<Step> {
        let Some(&response) = input.first_chunk() else {
            return Break(Step::More);
        };
        input.advance(response.len());
        let challenge = self.challenge;
        let claim = Claim::VncPassword {
            challenge,
            response,
        };
        self.claim(claim, version, way, Form::Result, output)
    }

    fn read_plain(
        &mut self,
        version: Version,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> Heard {
        let read = plain::read(input)
            .inspect_err(|_| self.state = State::Misled(version, Form::Result))?;
        let Some((user, password)) = read else {
            return WAIT;
        };
        let claim = Claim::Plain { user, password };
        Ok(self.claim(
            claim,
            version,
            SecurityType::X509Plain,
            Form::Result,
            output,
        ))
    }

    /// Hands the claim to the caller, or says no at once where that has been decided before.
    fn claim(
        &mut self,
        claim: Claim,
        version: Version,
        security: SecurityType,
        form: Form,
        output: &mut BytesMut,
    ) -> ControlFlow<Step> {
        self.state = State::Over;
        let pending = Pending {
            version,
            security,
            form,
        };
        match self.refusal.take() {
            Some(reason) => {
                pending.refuse(&reason, output);
                Break(Step::Refused)
            }
            None => Break(Step::Claim(claim, pending)),
        }
    }

    /// What the viewer sees of the offer: all kinds of VeNCrypt are one.
    fn codes(&self) -> Vec<u8> {
        let mut codes = Vec::new();
        for code in self.offer.iter().map(|way| way.code()) {
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        codes
    }

    fn offers(&self, way: SecurityType) -> bool {
        self.offer.contains(&way)
    }
}
