//! The opening handshake's bytes, as a client writes and reads them (RFC 6455 section 4.1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Buf, BytesMut};
use sha1::{Digest, Sha1};

/// The longest answer head that is read. Servers send a few hundred bytes; 16 KiB is what common HTTP
/// servers allow a whole head.
pub const MAX_HEAD: usize = 16 * 1024;

/// How many header lines an answer may have.
const MAX_HEADERS: usize = 64;

/// The longest part of the server's answer that an error repeats.
const MAX_QUOTE: usize = 200;

/// Section 1.3: what is appended to the key before it is hashed.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// One opening handshake: the request that begins it and what its answer must hold.
///
/// It has no `Debug`: a target may be a one-time credential.
pub struct Upgrade {
    request: BytesMut,
    accept: String,
    protocol: Option<String>,
}

/// A part of the request that cannot be written into an HTTP head.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {0} holds a character that HTTP does not allow there")]
pub struct BadRequest(pub &'static str);

/// Why an answer does not open a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpgradeError {
    /// The head has no end within [`MAX_HEAD`] bytes, or more than 64 lines.
    #[error("the answer's head is too large")]
    HeadTooLarge,
    /// The answer is not HTTP/1.1.
    #[error("the answer is not HTTP/1.1")]
    Malformed,
    /// Any status but 101.
    #[error("the answer is HTTP status {code} {reason}")]
    Status {
        /// 100–999.
        code: u16,
        /// The server's reason phrase, cut to 200 bytes and freed of control characters.
        reason: String,
        /// Where a redirect points, treated likewise.
        location: Option<String>,
    },
    /// No `Upgrade: websocket`.
    #[error("the answer does not upgrade to websocket")]
    NotUpgraded,
    /// No `Connection: Upgrade`.
    #[error("the answer's Connection header does not say Upgrade")]
    NotConnectionUpgrade,
    /// `Sec-WebSocket-Accept` is absent, doubled, or not what the key asks for.
    #[error("the answer's Sec-WebSocket-Accept does not fit the key")]
    WrongAccept,
    /// A subprotocol was offered and none was chosen.
    #[error("the server chose no subprotocol, {0:?} was offered")]
    NoProtocol(String),
    /// A subprotocol that was not offered.
    #[error("the server chose subprotocol {0:?}, which was not offered")]
    ProtocolNotOffered(String),
    /// An extension, and none was offered.
    #[error("the server chose an extension, and none was offered")]
    ExtensionNotOffered,
}

impl Upgrade {
    /// A handshake for `GET target` at `host` (with `:port` where it is not 443), offering `protocol`.
    /// `nonce` is 16 random bytes, new for each connection. `headers` are added as they are.
    ///
    /// # Errors
    /// [`BadRequest`] where a part holds a space, a control character or a byte beyond ASCII: nothing
    /// that comes from outside can add a line to the request.
    pub fn new(
        host: &str,
        target: &str,
        protocol: Option<&str>,
        nonce: [u8; 16],
        headers: &[(&str, &str)],
    ) -> Result<Self, BadRequest> {
        check("host", host, false)?;
        check("target", target, false)?;
        let key = STANDARD.encode(nonce);
        let mut request = format!(
            "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        );
        if let Some(protocol) = protocol {
            check("subprotocol", protocol, false)?;
            push_line(&mut request, "Sec-WebSocket-Protocol", protocol);
        }
        for (name, value) in headers {
            check("header name", name, false)?;
            check("header value", value, true)?;
            push_line(&mut request, name, value);
        }
        request.push_str("\r\n");
        let accept = STANDARD.encode(Sha1::new().chain_update(&key).chain_update(GUID).finalize());
        Ok(Self {
            request: request.as_bytes().into(),
            accept,
            protocol: protocol.map(str::to_owned),
        })
    }

    /// The request's bytes.
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    /// Reads the answer from the front of `input`: `false` while more bytes are needed. With `true`
    /// exactly the head is consumed: what follows is the first frames, which may share its segment.
    ///
    /// # Errors
    /// [`UpgradeError`]: the connection is of no use any more.
    pub fn read_answer(&self, input: &mut BytesMut) -> Result<bool, UpgradeError> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut answer = httparse::Response::new(&mut headers);
        let bounded = input.get(..MAX_HEAD).unwrap_or(input);
        let length = match answer.parse(bounded) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if input.len() < MAX_HEAD => return Ok(false),
            Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
                return Err(UpgradeError::HeadTooLarge);
            }
            Err(_) => return Err(UpgradeError::Malformed),
        };
        self.check_answer(&answer)?;
        input.advance(length);
        Ok(true)
    }

    /// The checks of section 4.1, in its order.
    fn check_answer(&self, answer: &httparse::Response<'_, '_>) -> Result<(), UpgradeError> {
        let code = answer.code.ok_or(UpgradeError::Malformed)?;
        if code != 101 {
            return Err(UpgradeError::Status {
                code,
                reason: quote(answer.reason.unwrap_or_default().as_bytes()),
                location: values(answer, "location").next().map(quote),
            });
        }
        if answer.version != Some(1) {
            return Err(UpgradeError::Malformed);
        }
        if !tokens(answer, "upgrade").any(|token| token.eq_ignore_ascii_case(b"websocket")) {
            return Err(UpgradeError::NotUpgraded);
        }
        if !tokens(answer, "connection").any(|token| token.eq_ignore_ascii_case(b"upgrade")) {
            return Err(UpgradeError::NotConnectionUpgrade);
        }
        if !values(answer, "sec-websocket-accept").eq([self.accept.as_bytes()]) {
            return Err(UpgradeError::WrongAccept);
        }
        if tokens(answer, "sec-websocket-extensions").next().is_some() {
            return Err(UpgradeError::ExtensionNotOffered);
        }
        self.check_protocol(answer)
    }

    fn check_protocol(&self, answer: &httparse::Response<'_, '_>) -> Result<(), UpgradeError> {
        let mut chosen = values(answer, "sec-websocket-protocol");
        match (chosen.next(), &self.protocol, chosen.next()) {
            (None, None, _) => Ok(()),
            (Some(chosen), Some(offered), None) if chosen == offered.as_bytes() => Ok(()),
            (None, Some(offered), _) => Err(UpgradeError::NoProtocol(offered.clone())),
            (Some(chosen), ..) => Err(UpgradeError::ProtocolNotOffered(quote(chosen))),
        }
    }
}

fn push_line(request: &mut String, name: &str, value: &str) {
    for part in [name, ": ", value, "\r\n"] {
        request.push_str(part);
    }
}

fn check(part: &'static str, text: &str, spaces: bool) -> Result<(), BadRequest> {
    let allowed = |byte: u8| byte.is_ascii_graphic() || spaces && byte == b' ';
    if !text.is_empty() && text.bytes().all(allowed) {
        Ok(())
    } else {
        Err(BadRequest(part))
    }
}

fn values<'a>(
    answer: &'a httparse::Response<'_, '_>,
    name: &'a str,
) -> impl Iterator<Item = &'a [u8]> {
    answer
        .headers
        .iter()
        .filter(move |header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value)
}

fn tokens<'a>(
    answer: &'a httparse::Response<'_, '_>,
    name: &'a str,
) -> impl Iterator<Item = &'a [u8]> {
    values(answer, name)
        .flat_map(|value| value.split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
}

/// Text from the peer without control characters, shortened for a log line.
fn quote(words: &[u8]) -> String {
    let words = words.get(..MAX_QUOTE).unwrap_or(words);
    String::from_utf8_lossy(words)
        .chars()
        .filter(|c| !c.is_control())
        .collect()
}
