//! Decrypts the peer's records.

use crate::header::MAX_PLAIN;
use crate::header::{Header, Kind};
use crate::key::Key;
use crate::keys::{Aead, TrafficKey};
use crate::refused::Refused;
use crate::version::Version;

/// The peer's traffic key and its sequence number.
pub(crate) struct Opening<A> {
    key: Key<A>,
    version: Version,
    seq: u64,
}

impl<A: Aead> Opening<A> {
    pub(crate) fn new(version: Version, key: TrafficKey<A>) -> Self {
        Self {
            seq: key.sequence,
            key: Key::new(version, key),
            version,
        }
    }

    /// Decrypts the record body from `start` to the end of `buffer`, to the start of the buffer.
    pub(crate) fn open<'a>(
        &mut self,
        header: &Header,
        buffer: &'a mut [u8],
        start: usize,
    ) -> Result<(Kind, &'a [u8]), Refused> {
        // Only TLS 1.2 gets here: ChangeCipherSpec belongs to the handshake, which is complete (RFC 5246 section 7.1).
        if header.kind == Kind::ChangeCipherSpec {
            return Err(Refused::Unexpected("a ChangeCipherSpec"));
        }
        let next = self.seq.checked_add(1).ok_or(Refused::Exhausted)?;
        let length = self.key.open(self.seq, header, buffer, start)?;
        self.seq = next;
        let inner = buffer.get(..length).unwrap_or_default();
        let (kind, content) = match self.version {
            Version::Tls12 => (header.kind, inner),
            Version::Tls13 => unpad(inner)?,
        };
        match content.len() {
            0 if kind != Kind::ApplicationData => Err(Refused::Unexpected("an empty record")),
            0..=MAX_PLAIN => Ok((kind, content)),
            _ => Err(Refused::Overflow),
        }
    }
}

/// Splits TLSInnerPlaintext: content, content type, zero padding (RFC 8446 section 5.4).
fn unpad(inner: &[u8]) -> Result<(Kind, &[u8]), Refused> {
    // The limit includes the padding (RFC 8446 section 5.4).
    if inner.len() > MAX_PLAIN + 1 {
        return Err(Refused::Overflow);
    }
    let end = inner.iter().rposition(|byte| *byte != 0);
    match end.and_then(|end| inner.split_at_checked(end)) {
        Some((content, [kind, ..])) => Ok((Kind::parse(*kind)?, content)),
        _ => Err(Refused::Unexpected("a record without a type")),
    }
}
