//! The server side of the handshake, towards a viewer (RFC 6143 section 7.1).

use std::ops::ControlFlow::{self, Break, Continue};

use bytes::{Buf, BufMut, BytesMut};

use crate::security::{Proof, VENCRYPT};
use crate::verdict::Form;
use crate::{Challenge, Claim, Pending, SecurityType, Version, Violation, field, plain, vencrypt};

/// The state of one handshake, from ProtocolVersion to the viewer's credentials, which the caller verifies.
#[derive(Debug)]
pub struct Server {
    /// The security types to offer: each once, in order of preference.
    offer: Vec<SecurityType>,
    challenge: Challenge,
    state: State,
    /// The reason for a refusal that has been decided and not been sent yet.
    refusal: Option<String>,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Version,
    Choice(Version),
    VencryptVersion(Version),
    Subtype(Version),
    /// [`Step::StartTls`] was returned: at the next call TLS is established.
    Tls(Version, SecurityType),
    Response(Version, SecurityType),
    Plain(Version),
    /// The viewer violated the protocol at a point where it can be refused in this form.
    ProtocolError(Version, Form),
    /// Credentials were presented, or the viewer was refused, or cannot be sent a reason.
    Over,
}

/// What the caller has to do next.
#[derive(Debug)]
pub enum Step {
    /// Send the output, then receive more bytes.
    More,
    /// Send the output without TLS, then do a TLS handshake as the server on the same connection. What is left in
    /// `input` is the beginning of the viewer's ClientHello. From then on `input` is received and `output` sent inside
    /// TLS. Call [`Server::advance`] as soon as TLS is established: the viewer may be waiting for the server.
    StartTls,
    /// The viewer has presented its credentials and waits for the result.
    Claim(Claim, Pending),
    /// The viewer is refused, with the reason where its version has a field for it: send the output and close.
    Refused,
}

/// What to do after one message of the handshake.
type Progress = Result<ControlFlow<Step>, Violation>;

const WAIT: Progress = Ok(Break(Step::More));

impl Server {
    /// Writes ProtocolVersion to `output`. `offer` lists the security types, at least one, in order of preference;
    /// `challenge` is 16 random bytes that were never used before.
    pub fn new(offer: &[SecurityType], challenge: Challenge, output: &mut BytesMut) -> Self {
        let mut server = Self::greeting(challenge, output);
        for &way in offer {
            if !server.offer.contains(&way) {
                server.offer.push(way);
            }
        }
        if server.offer.is_empty() {
            server.refusal = Some("no security type is configured".into());
        }
        server
    }

    /// Refuses the viewer: writes ProtocolVersion to `output`, and `reason` in the form that the viewer's version knows
    /// as soon as it has sent its version. [`Step::Refused`] follows.
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

    /// Consumes received bytes from the front of `input` and appends replies to `output`, until the caller has to do
    /// something.
    ///
    /// # Errors
    /// A [`Violation`]: call [`Server::refuse`] with a reason, send the output and close.
    pub fn advance(
        &mut self,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> Result<Step, Violation> {
        loop {
            let progress = match self.state {
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
                State::ProtocolError(..) | State::Over => WAIT,
            };
            match progress {
                Ok(Continue(())) => {}
                Ok(Break(step)) => return Ok(step),
                Err(violation) => {
                    if !matches!(self.state, State::ProtocolError(..)) {
                        self.state = State::Over;
                    }
                    return Err(violation);
                }
            }
        }
    }

    /// Refuses the viewer, with `reason` where the protocol has a field for it. [`Step::Refused`]: send the output and
    /// close. [`Step::More`]: the reason can only be sent after the viewer's next messages; [`Server::advance`] then
    /// returns [`Step::Refused`] in place of [`Step::Claim`].
    pub fn refuse(&mut self, reason: &str, output: &mut BytesMut) -> Step {
        match self.state {
            State::ProtocolError(version, form) => form.refuse(version, reason, output),
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

    /// Offers the security types. Versions below 3.8 have no SecurityResult for None, so that a refusal can only take
    /// the place of the list: there the decision comes first.
    fn read_version(&mut self, input: &mut BytesMut, output: &mut BytesMut) -> Progress {
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
            // In 3.3 the server decides the security type and sends it as one u32 (section 7.1.2).
            output.put_u32(SecurityType::VncPassword.code().into());
            return Ok(self.ask(version, SecurityType::VncPassword, output));
        } else {
            self.state = State::ProtocolError(version, Form::Types);
            return Err(Violation::TooOldToEncrypt);
        }
        Ok(Continue(()))
    }

    fn read_choice(
        &mut self,
        version: Version,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> Progress {
        let Some(choice) = field::read_byte(input) else {
            return WAIT;
        };
        let Some(&way) = self.offer.iter().find(|way| way.code() == choice) else {
            self.state = State::ProtocolError(version, Form::Result);
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
    ) -> Progress {
        let Some(spoken) = vencrypt::read_version(input) else {
            return WAIT;
        };
        if spoken != vencrypt::VERSION {
            output.put_u8(vencrypt::VERSION_REFUSED);
            let [major, minor] = spoken;
            return Err(Violation::VencryptVersion { major, minor });
        }
        output.put_u8(vencrypt::VERSION_ACCEPTED);
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
    ) -> Progress {
        let Some(choice) = field::read_word(input) else {
            return WAIT;
        };
        match SecurityType::from_subtype(choice).filter(|&way| self.offers(way)) {
            Some(way) => {
                output.put_u8(vencrypt::SUBTYPE_ACCEPTED);
                self.state = State::Tls(version, way);
                Ok(Break(Step::StartTls))
            }
            None => {
                output.put_u8(vencrypt::SUBTYPE_REFUSED);
                Err(Violation::SubtypeNotOffered(choice))
            }
        }
    }

    /// Starts the authentication that remains after TLS, if any, is established.
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
    ) -> Progress {
        let read = plain::read(input)
            .inspect_err(|_| self.state = State::ProtocolError(version, Form::Result))?;
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

    /// Hands the credentials to the caller, or refuses if that has been decided before.
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

    /// The offered numbers: all subtypes of VeNCrypt are one security type.
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
