//! Encrypts records for the peer.

use std::ops::Range;

use crate::header::{self, AFTER, BEFORE, Header, Kind};
use crate::key::Key;
use crate::keys::{Aead, TAG, TrafficKey};
use crate::refused::Refused;
use crate::version::Version;

/// Our traffic key, its sequence number and its limit.
pub(crate) struct Sealing<A> {
    key: Key<A>,
    version: Version,
    seq: u64,
    limit: u64,
}

impl<A: Aead> Sealing<A> {
    /// `limit` is the most records that may be encrypted with the key.
    pub(crate) fn new(version: Version, key: TrafficKey<A>, limit: u64) -> Self {
        Self {
            seq: key.sequence,
            key: Key::new(version, key),
            version,
            limit,
        }
    }

    /// How many records a key may encrypt.
    pub(crate) const fn limit(&self) -> u64 {
        self.limit
    }

    /// Whether the key must encrypt no more data. In TLS 1.3 its last sequence number is reserved for a KeyUpdate.
    pub(crate) fn is_exhausted(&self, version: Version) -> bool {
        let renewal = u64::from(version == Version::Tls13 && self.seq > 0);
        self.seq >= self.limit.saturating_sub(renewal)
    }

    /// Encrypts the range `plain` of `buffer` in place and writes header, nonce and tag around it, for which there are
    /// [`BEFORE`] and [`AFTER`] bytes.
    pub(crate) fn seal(
        &mut self,
        kind: Kind,
        buffer: &mut [u8],
        plain: Range<usize>,
    ) -> Result<Range<usize>, Refused> {
        let next = self.seq.checked_add(1).ok_or(Refused::Exhausted)?;
        let Range { start, mut end } = plain;
        let outer = match self.version {
            Version::Tls12 => kind,
            Version::Tls13 => {
                *buffer.get_mut(end).ok_or(Refused::NoSpace)? = kind as u8;
                end += 1;
                Kind::ApplicationData
            }
        };
        let inner = buffer.get_mut(start..end).ok_or(Refused::NoSpace)?;
        let header = Header::new(outer, inner.len() + self.key.overhead());
        let (nonce, tag) = self.key.seal(self.seq, &header, inner)?;
        self.seq = next;
        put(buffer, end, &tag)?;
        let explicit = self.key.explicit();
        let nonce = nonce.get(..explicit).unwrap_or_default();
        put(buffer, start.wrapping_sub(explicit), nonce)?;
        let first = start.wrapping_sub(explicit + header::SIZE);
        put(buffer, first, &header.bytes)?;
        Ok(first..end + TAG)
    }

    /// Adds a record with a few bytes of content to `records`, even where the key has reached its limit.
    pub(crate) fn add(&mut self, kind: Kind, content: &[u8], records: &mut Vec<u8>) {
        let mut space = [0; BEFORE + 8 + AFTER];
        let plain = BEFORE..BEFORE + content.len();
        if let Some(target) = space.get_mut(plain.clone()) {
            target.copy_from_slice(content);
            if let Ok(record) = self.seal(kind, &mut space, plain) {
                records.extend_from_slice(space.get(record).unwrap_or_default());
            }
        }
    }
}

fn put(buffer: &mut [u8], at: usize, bytes: &[u8]) -> Result<(), Refused> {
    let target = buffer
        .get_mut(at..)
        .and_then(|space| space.get_mut(..bytes.len()));
    target.ok_or(Refused::NoSpace)?.copy_from_slice(bytes);
    Ok(())
}
