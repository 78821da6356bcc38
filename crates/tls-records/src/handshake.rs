//! Post-handshake messages (RFC 8446 section 4.6) and HelloRequest (RFC 5246 section 7.4.1.1).

use crate::refused::Refused;
use crate::version::Version;

/// KeyUpdate with update_not_requested (RFC 8446 section 4.6.3).
pub(crate) const KEY_UPDATE: [u8; 5] = [24, 0, 0, 1, 0];

/// KeyUpdate with update_requested.
pub(crate) const KEY_UPDATE_REQUESTED: [u8; 5] = [24, 0, 0, 1, 1];

/// The length of a message's type and length fields (RFC 8446 section 4).
const HEADER: usize = 4;

/// The longest message, the same as in rustls; a NewSessionTicket is shorter.
const MAX_MESSAGE: usize = 0xffff;

/// A complete message: its type, its body, and the bytes after it.
type Split<'a> = (u8, &'a [u8], &'a [u8]);

/// A parsed message.
pub(crate) enum Message<'a> {
    Ticket(&'a [u8]),
    KeyUpdate { requested: bool },
    HelloRequest,
}

/// Buffers a message that is split over several records.
#[derive(Default)]
pub(crate) struct Handshake {
    pending: Vec<u8>,
}

impl Handshake {
    /// Whether a message is incomplete: then only handshake records may follow (RFC 8446 section 5.1).
    pub(crate) fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Passes each message that the record completes to `take`. A KeyUpdate must be the last in its record (RFC 8446
    /// section 5.1).
    pub(crate) fn read(
        &mut self,
        version: Version,
        content: &[u8],
        mut take: impl FnMut(Message<'_>) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let joined;
        let mut rest = content;
        if self.is_pending() {
            self.pending.extend_from_slice(content);
            joined = std::mem::take(&mut self.pending);
            rest = &joined;
        }
        // An oversized message is refused before the messages in front of it take effect.
        let mut ahead = rest;
        while let Some((_, _, following)) = split(ahead)? {
            ahead = following;
        }
        while let Some((kind, body, following)) = split(rest)? {
            rest = following;
            // Checked before the KeyUpdate's value, as in rustls, so that both send the same alert.
            if matches!((version, kind, body), (Version::Tls13, 24, [_])) && !rest.is_empty() {
                return Err(Refused::Unexpected("a message under keys that are over"));
            }
            take(parse(version, kind, body)?)?;
        }
        self.pending = rest.to_vec();
        Ok(())
    }
}

/// Splits off the first message; `None` while it is incomplete.
fn split(bytes: &[u8]) -> Result<Option<Split<'_>>, Refused> {
    let Some((&[kind, high, middle, low], rest)) = bytes.split_first_chunk::<HEADER>() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes([0, high, middle, low]) as usize;
    if length > MAX_MESSAGE {
        return Err(Refused::Malformed("a handshake message"));
    }
    Ok(rest
        .split_at_checked(length)
        .map(|(body, following)| (kind, body, following)))
}

fn parse(version: Version, kind: u8, body: &[u8]) -> Result<Message<'_>, Refused> {
    match (version, kind, body) {
        // Its body is not checked, as in rustls: renegotiation is declined in any case.
        (Version::Tls12, 0, _) => Ok(Message::HelloRequest),
        (Version::Tls13, 4, ticket) => Ok(Message::Ticket(ticket)),
        (Version::Tls13, 24, &[request @ 0..=1]) => Ok(Message::KeyUpdate {
            requested: request == 1,
        }),
        (Version::Tls13, 24, [_]) => Err(Refused::Illegal("a KeyUpdate")),
        (Version::Tls13, 24, _) => Err(Refused::Malformed("a KeyUpdate")),
        _ => Err(Refused::Unexpected("a handshake message")),
    }
}
