//! Handshake messages that come after the handshake (RFC 8446 section 4.6, RFC 5246 section 7.4.1.1).

use crate::Refused;
use crate::key::Version;

/// Our keys are new behind this (RFC 8446 section 4.6.3).
pub(crate) const KEY_UPDATE: [u8; 5] = [24, 0, 0, 1, 0];

/// Likewise, and the peer's are to be.
pub(crate) const KEY_UPDATE_BOTH: [u8; 5] = [24, 0, 0, 1, 1];

/// Type and length (RFC 8446 section 4).
const HEADER: usize = 4;

/// The longest that is waited for: rustls waits for as much. A ticket is less.
const MAX_MESSAGE: usize = 0xffff;

/// A message that is whole: its type, its body, and what is behind it.
type Whole<'a> = (u8, &'a [u8], &'a [u8]);

/// What a message says.
pub(crate) enum Message<'a> {
    Ticket(&'a [u8]),
    KeyUpdate { asks: bool },
    HelloRequest,
}

/// What there is of a message that is not whole.
#[derive(Default)]
pub(crate) struct Handshake {
    pending: Vec<u8>,
}

impl Handshake {
    /// Whether a message is not whole: only handshake records may come then (RFC 8446 section 5.1).
    pub(crate) fn is_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Gives the messages that a record makes whole to `take`. A KeyUpdate is the last in its record (RFC 8446
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
        // One that can never be whole is met before those in front of it are followed.
        let mut ahead = rest;
        while let Some((_, _, behind)) = split(ahead)? {
            ahead = behind;
        }
        while let Some((kind, body, behind)) = split(rest)? {
            rest = behind;
            // Before its value is looked at, as rustls does.
            if matches!((version, kind, body), (Version::Tls13, 24, [_])) && !rest.is_empty() {
                return Err(Refused::Unexpected("a message under keys that are over"));
            }
            take(parse(version, kind, body)?)?;
        }
        self.pending = rest.to_vec();
        Ok(())
    }
}

/// The first message, once it is whole.
fn split(bytes: &[u8]) -> Result<Option<Whole<'_>>, Refused> {
    let Some((&[kind, high, middle, low], rest)) = bytes.split_first_chunk::<HEADER>() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes([0, high, middle, low]) as usize;
    if length > MAX_MESSAGE {
        return Err(Refused::Malformed("a handshake message"));
    }
    Ok(rest
        .split_at_checked(length)
        .map(|(body, behind)| (kind, body, behind)))
}

fn parse(version: Version, kind: u8, body: &[u8]) -> Result<Message<'_>, Refused> {
    match (version, kind, body) {
        // Whatever is in it, as rustls has it: it is declined all the same.
        (Version::Tls12, 0, _) => Ok(Message::HelloRequest),
        (Version::Tls13, 4, ticket) => Ok(Message::Ticket(ticket)),
        (Version::Tls13, 24, &[asks @ 0..=1]) => Ok(Message::KeyUpdate { asks: asks == 1 }),
        (Version::Tls13, 24, [_]) => Err(Refused::Illegal("a KeyUpdate")),
        (Version::Tls13, 24, _) => Err(Refused::Malformed("a KeyUpdate")),
        _ => Err(Refused::Unexpected("a handshake message")),
    }
}
