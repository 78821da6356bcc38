//! The handshake towards ESXi, or any other RFB server: we are its client (RFC 6143 section 7.1).

use bytes::{Buf, BufMut, BytesMut};

use crate::{MAX_REASON, SecurityType, Version, Violation, VncPassword};

/// Leads a server from its version to its SecurityResult.
pub struct Client {
    password: Option<VncPassword>,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Version,
    Types(Version),
    Challenge(Version),
    Result(Version),
    Reason,
    Ready(Version),
}

/// The server has let us in: our ClientInit is what it waits for.
#[derive(Debug)]
pub struct Ready {
    /// What is spoken with it.
    pub version: Version,
    /// How it let us in.
    pub security: SecurityType,
}

/// Why a server and we do not come together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It does not speak RFB.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// It said no, in these words (cut to [`MAX_REASON`] bytes, freed of control characters).
    #[error("the server refused: {0}")]
    Refused(String),
    /// It offers only these security types, none of which is spoken here.
    #[error("the server offers only security types {0:?}, and none of them is spoken here")]
    NoCommonType(Vec<u8>),
    /// It asks for a VNC password and none was given.
    #[error("the server asks for a VNC password, and none is configured")]
    PasswordNeeded,
}

impl Client {
    /// A client that can let itself in where nothing is asked or, with a password, where that is.
    pub const fn new(password: Option<VncPassword>) -> Self {
        Self {
            password,
            state: State::Version,
        }
    }

    /// Reads what the server sent from the front of `input` and writes what it is owed to `output`, until
    /// it has let us in; `None` while more bytes are needed.
    ///
    /// # Errors
    /// A [`Refusal`]: the connection is of no use any more.
    pub fn advance(
        &mut self,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> Result<Option<Ready>, Refusal> {
        loop {
            let next = match self.state {
                State::Version => read_version(input, output)?,
                State::Types(version) => self.read_types(version, input, output)?,
                State::Challenge(version) => self.answer(version, input, output)?,
                State::Result(version) => read_result(version, input)?,
                State::Reason => {
                    return read_reason(input)
                        .map_or(Ok(None), |reason| Err(Refusal::Refused(reason)));
                }
                State::Ready(version) => {
                    let security = match self.password {
                        Some(_) => SecurityType::VncPassword,
                        None => SecurityType::None,
                    };
                    return Ok(Some(Ready { version, security }));
                }
            };
            let Some(next) = next else { return Ok(None) };
            self.state = next;
        }
    }

    /// 3.3 decides the type by itself, in a word; later versions send a list to choose from.
    fn read_types(
        &mut self,
        version: Version,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> Result<Option<State>, Refusal> {
        let offered = if version == Version::V3_3 {
            let Some(kind) = read_word(input) else {
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
        let chosen = self.choose(offered)?;
        if version != Version::V3_3 {
            output.put_u8(chosen.code());
        }
        Ok(Some(match (chosen, version) {
            (SecurityType::VncPassword, _) => State::Challenge(version),
            (SecurityType::None, Version::V3_8) => State::Result(version),
            (SecurityType::None, _) => State::Ready(version),
        }))
    }

    /// Nothing is asked wherever that is offered: ESXi offers nothing else (`docs/webmks.md` 2.2).
    fn choose(&mut self, offered: Vec<u8>) -> Result<SecurityType, Refusal> {
        if offered.contains(&SecurityType::None.code()) {
            self.password = None;
            return Ok(SecurityType::None);
        }
        if !offered.contains(&SecurityType::VncPassword.code()) {
            return Err(Refusal::NoCommonType(offered));
        }
        match self.password {
            Some(_) => Ok(SecurityType::VncPassword),
            None => Err(Refusal::PasswordNeeded),
        }
    }

    fn answer(
        &self,
        version: Version,
        input: &mut BytesMut,
        output: &mut BytesMut,
    ) -> Result<Option<State>, Refusal> {
        let Some(challenge) = input.first_chunk::<16>() else {
            return Ok(None);
        };
        let password = self.password.as_ref().ok_or(Refusal::PasswordNeeded)?;
        output.put_slice(&password.respond(challenge));
        input.advance(16);
        Ok(Some(State::Result(version)))
    }
}

fn read_version(input: &mut BytesMut, output: &mut BytesMut) -> Result<Option<State>, Refusal> {
    let Some(version) = Version::read(input)? else {
        return Ok(None);
    };
    output.put_slice(version.line());
    Ok(Some(State::Types(version)))
}

fn read_result(version: Version, input: &mut BytesMut) -> Result<Option<State>, Refusal> {
    let Some(result) = read_word(input) else {
        return Ok(None);
    };
    match (result, version) {
        (0, _) => Ok(Some(State::Ready(version))),
        // Not in RFC 6143, but VMware's own client knows it (`docs/webmks.md` 1.2); nothing follows.
        (2, _) => Err(Refusal::Refused("too many attempts".into())),
        (_, Version::V3_8) => Ok(Some(State::Reason)),
        _ => Err(Refusal::Refused("no reason given".into())),
    }
}

/// A reason of any announced length: no more than [`MAX_REASON`] bytes of it are waited for.
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

fn read_word(input: &mut BytesMut) -> Option<u32> {
    let word = u32::from_be_bytes(*input.first_chunk::<4>()?);
    input.advance(4);
    Some(word)
}
