//! The client side of the handshake, towards ESXi or any other RFB server (RFC 6143 section 7.1).

use bytes::{Buf, BufMut, BytesMut};

use crate::security::{Proof, VENCRYPT};
use crate::{
    MAX_REASON, Password, SecurityType, Version, Violation, VncPassword, field, plain, vencrypt,
};

/// The state of one handshake, from ProtocolVersion to SecurityResult.
pub struct Client {
    password: Option<VncPassword>,
    user: Option<(String, Password)>,
    tls: bool,
    offered: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Version,
    Types(Version),
    VencryptVersion(Version),
    VencryptAnswer(Version),
    Subtypes(Version),
    SubtypeAnswer(Version, SecurityType),
    /// [`ClientStep::StartTls`] was returned: at the next call TLS is established.
    Tls(Version, SecurityType),
    Challenge(Version, SecurityType),
    Result(Version, SecurityType),
    Reason,
    Ready(Version, SecurityType),
}

/// What the caller has to do next.
#[derive(Debug)]
pub enum ClientStep {
    /// Send the output, then receive more bytes.
    More,
    /// Send the output without TLS, then do a TLS handshake as the client on the same connection. From then on `input`
    /// is received and `output` sent inside TLS. Call [`Client::advance`] as soon as TLS is established: the server may
    /// be waiting for the client.
    StartTls,
    /// The handshake is over.
    Ready(Ready),
}

/// The result of a handshake. The server expects ClientInit next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// The protocol version in use.
    pub version: Version,
    /// The security type in use.
    pub security: SecurityType,
}

/// Why a handshake failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The server violated the protocol.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// The server refused, for this reason (cut to [`MAX_REASON`] bytes, without control characters).
    #[error("the server refused: {0}")]
    Refused(String),
    /// The server offers only these security types, none of which is supported.
    #[error("the server offers only security types {}, which are not supported", list(.0))]
    NoCommonType(Vec<u8>),
    /// The server offers only these VeNCrypt subtypes, none of which is supported with the credentials at hand.
    #[error("the server offers only VeNCrypt subtypes {}, which are not supported or need other credentials", list(.0))]
    NoCommonSubtype(Vec<u32>),
    /// The server requires VNC authentication, and no password was given.
    #[error("the server asks for a VNC password, and none is configured")]
    PasswordNeeded,
}

/// The numbers, separated by commas; the first eight of more.
fn list<T: ToString>(numbers: &[T]) -> String {
    let shown: Vec<String> = numbers.iter().take(8).map(T::to_string).collect();
    match numbers.len() > shown.len() {
        true => format!("{} and others", shown.join(", ")),
        false => shown.join(", "),
    }
}

impl Client {
    /// A client for security type None and, with a password, for VNC authentication.
    pub const fn new(password: Option<VncPassword>) -> Self {
        Self {
            password,
            user: None,
            tls: false,
            offered: Vec::new(),
            state: State::Version,
        }
    }

    /// Enables VeNCrypt with X.509 certificates, which is then preferred to all other types.
    #[must_use]
    pub fn with_tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// As [`Client::with_tls`], with a user name and password for X509Plain.
    #[must_use]
    pub fn with_user(mut self, name: impl Into<String>, password: Password) -> Self {
        self.user = Some((name.into(), password));
        self.with_tls()
    }

    /// The numbers of the security types that the server offered (RFC 6143 section 7.1.2); empty until they are
    /// received.
    pub fn offered(&self) -> &[u8] {
        &self.offered
    }

    /// Consumes received bytes from the front of `input` and appends replies to `output`, until the caller has to do
    /// something.
    ///
    /// # Errors
    /// A [`Refusal`]: the connection has to be closed.
    pub fn advance(
        &mut self,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> Result<ClientStep, Refusal> {
        loop {
            let next = match self.state {
                State::Version => read_version(input, output)?,
                State::Types(version) => self.read_types(version, input, output)?,
                State::VencryptVersion(version) => read_vencrypt_version(version, input, output)?,
                State::VencryptAnswer(version) => read_vencrypt_answer(version, input)?,
                State::Subtypes(version) => self.read_subtypes(version, input, output)?,
                State::SubtypeAnswer(version, way) => {
                    let Some(next) = read_subtype_answer(version, way, input)? else {
                        return Ok(ClientStep::More);
                    };
                    self.state = next;
                    return Ok(ClientStep::StartTls);
                }
                State::Tls(version, way) => Some(self.prove(version, way, output)),
                State::Challenge(version, way) => self.answer(version, way, input, output)?,
                State::Result(version, way) => read_result(version, way, input)?,
                State::Reason => match read_reason(input) {
                    Some(reason) => return Err(Refusal::Refused(reason)),
                    None => None,
                },
                State::Ready(version, security) => {
                    return Ok(ClientStep::Ready(Ready { version, security }));
                }
            };
            let Some(next) = next else {
                return Ok(ClientStep::More);
            };
            self.state = next;
        }
    }

    /// In 3.3 the server decides the security type and sends one u32; later versions send a list (section 7.1.2).
    fn read_types(
        &mut self,
        version: Version,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> Result<Option<State>, Refusal> {
        let offered = if version == Version::V3_3 {
            let Some(kind) = field::read_word(input) else {
                return Ok(None);
            };
            vec![u8::try_from(kind).unwrap_or(u8::MAX)]
        } else {
            let Some(&count) = input.first() else {
                return Ok(None);
            };
            let Some(list) = input.get(1..1 + usize::from(count)) else {
                return Ok(None);
            };
            let list = list.to_vec();
            input.advance(1 + list.len());
            list
        };
        if offered.is_empty() || offered == [0] {
            return Ok(Some(State::Reason));
        }
        if self.tls && version != Version::V3_3 && offered.contains(&VENCRYPT) {
            output.put_u8(VENCRYPT);
            return Ok(Some(State::VencryptVersion(version)));
        }
        let way = self.choose(&offered)?;
        self.offered = offered;
        if version != Version::V3_3 {
            output.put_u8(way.code());
        }
        Ok(Some(match (way, version) {
            // Only 3.8 sends SecurityResult after None (section 7.2.1).
            (SecurityType::None, Version::V3_3 | Version::V3_7) => State::Ready(version, way),
            (SecurityType::None, Version::V3_8) => State::Result(version, way),
            _ => State::Challenge(version, way),
        }))
    }

    /// None is preferred to VNC authentication: ESXi offers nothing else (`docs/webmks.md` 2.2).
    fn choose(&self, offered: &[u8]) -> Result<SecurityType, Refusal> {
        if offered.contains(&SecurityType::None.code()) {
            return Ok(SecurityType::None);
        }
        if !offered.contains(&SecurityType::VncPassword.code()) {
            return Err(Refusal::NoCommonType(offered.to_vec()));
        }
        match self.password {
            Some(_) => Ok(SecurityType::VncPassword),
            None => Err(Refusal::PasswordNeeded),
        }
    }

    /// Chooses the first subtype for which credentials are at hand: servers list them in order of preference.
    fn read_subtypes(
        &self,
        version: Version,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> Result<Option<State>, Refusal> {
        let Some(offered) = vencrypt::read_subtypes(input) else {
            return Ok(None);
        };
        let chosen = offered.iter().find_map(|&subtype| {
            SecurityType::from_subtype(subtype)
                .filter(|way| self.can_prove(*way))
                .map(|way| (subtype, way))
        });
        let Some((subtype, way)) = chosen else {
            return Err(Refusal::NoCommonSubtype(offered));
        };
        output.put_u32(subtype);
        Ok(Some(State::SubtypeAnswer(version, way)))
    }

    const fn can_prove(&self, way: SecurityType) -> bool {
        match way.proof() {
            Proof::Nothing => true,
            Proof::VncPassword => self.password.is_some(),
            Proof::Plain => self.user.is_some(),
        }
    }

    /// Inside TLS: sends the name and password, or waits for the challenge.
    fn prove(&self, version: Version, way: SecurityType, output: &mut BytesMut) -> State {
        match (way.proof(), &self.user) {
            (Proof::VncPassword, _) => return State::Challenge(version, way),
            (Proof::Plain, Some((name, password))) => plain::write(name, password, output),
            _ => {}
        }
        State::Result(version, way)
    }

    fn answer(
        &self,
        version: Version,
        way: SecurityType,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> Result<Option<State>, Refusal> {
        let Some(challenge) = input.first_chunk::<16>() else {
            return Ok(None);
        };
        let password = self.password.as_ref().ok_or(Refusal::PasswordNeeded)?;
        output.put_slice(&password.respond(challenge));
        input.advance(16);
        Ok(Some(State::Result(version, way)))
    }
}

fn read_version(input: &mut BytesMut, output: &mut BytesMut) -> Result<Option<State>, Refusal> {
    let Some(version) = Version::read(input)? else {
        return Ok(None);
    };
    output.put_slice(version.line());
    Ok(Some(State::Types(version)))
}

/// The server sends the highest version that it supports, and the client the version to use.
fn read_vencrypt_version(
    version: Version,
    input: &mut BytesMut,
    output: &mut BytesMut,
) -> Result<Option<State>, Refusal> {
    let Some(spoken) = vencrypt::read_version(input) else {
        return Ok(None);
    };
    if spoken < vencrypt::VERSION {
        let [major, minor] = spoken;
        return Err(Violation::VencryptVersion { major, minor }.into());
    }
    output.put_slice(&vencrypt::VERSION);
    Ok(Some(State::VencryptAnswer(version)))
}

fn read_vencrypt_answer(version: Version, input: &mut BytesMut) -> Result<Option<State>, Refusal> {
    match field::read_byte(input) {
        None => Ok(None),
        Some(vencrypt::VERSION_ACCEPTED) => Ok(Some(State::Subtypes(version))),
        Some(_) => Err(Refusal::Refused("it does not speak VeNCrypt 0.2".into())),
    }
}

fn read_subtype_answer(
    version: Version,
    way: SecurityType,
    input: &mut BytesMut,
) -> Result<Option<State>, Refusal> {
    match field::read_byte(input) {
        None => Ok(None),
        Some(vencrypt::SUBTYPE_ACCEPTED) => Ok(Some(State::Tls(version, way))),
        Some(_) => Err(Refusal::Refused("it cannot start TLS".into())),
    }
}

fn read_result(
    version: Version,
    way: SecurityType,
    input: &mut BytesMut,
) -> Result<Option<State>, Refusal> {
    let Some(result) = field::read_word(input) else {
        return Ok(None);
    };
    match (result, version) {
        (0, _) => Ok(Some(State::Ready(version, way))),
        // Not in RFC 6143: too many attempts, without a reason. VMware's own client reads it (`docs/webmks.md` 1.2).
        (2, _) => Err(Refusal::Refused("too many attempts".into())),
        (_, Version::V3_8) => Ok(Some(State::Reason)),
        _ => Err(Refusal::Refused("no reason given".into())),
    }
}

/// Reads at most [`MAX_REASON`] bytes of a reason, whatever length it announces.
fn read_reason(input: &[u8]) -> Option<String> {
    let (length, text) = input.split_first_chunk::<4>()?;
    let length =
        usize::try_from(u32::from_be_bytes(*length)).map_or(MAX_REASON, |n| n.min(MAX_REASON));
    let text = String::from_utf8_lossy(text.get(..length)?);
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    Some(if text.is_empty() {
        "no reason given".into()
    } else {
        text
    })
}
