//! Nonces and additional data of one direction's records.

use crate::header::{self, EXPLICIT_NONCE, Header};
use crate::keys::{Aead, NONCE, TAG, TrafficKey};
use crate::refused::Refused;
use crate::version::Version;

/// A traffic key. The sequence number continues from the handshake and is used once each, so that no nonce is used twice.
pub(crate) struct Key<A> {
    key: TrafficKey<A>,
    version: Version,
}

impl<A: Aead> Key<A> {
    pub(crate) const fn new(version: Version, key: TrafficKey<A>) -> Self {
        Self { key, version }
    }

    /// Whether records contain an explicit nonce (RFC 5288 section 3).
    const fn has_explicit_nonce(&self) -> bool {
        self.key.is_aes_gcm && matches!(self.version, Version::Tls12)
    }

    /// The length of the explicit nonce in a record.
    pub(crate) const fn explicit(&self) -> usize {
        if self.has_explicit_nonce() {
            EXPLICIT_NONCE
        } else {
            0
        }
    }

    /// The length of explicit nonce and tag: what a record's length exceeds its plaintext by.
    pub(crate) const fn overhead(&self) -> usize {
        self.explicit() + TAG
    }

    /// Decrypts the record body at `start` of `buffer` to the buffer's start, and returns the plaintext's length.
    pub(crate) fn open(
        &self,
        seq: u64,
        header: &Header,
        buffer: &mut [u8],
        start: usize,
    ) -> Result<usize, Refused> {
        let plain = header.len().checked_sub(self.overhead());
        let plain = plain.ok_or(Refused::BadMac)?;
        let nonce = match self.has_explicit_nonce() {
            false => self.nonce(seq),
            true => self.explicit_nonce(buffer.get(start..)),
        };
        let (cipher, sealed) = (&self.key.cipher, start + self.explicit());
        let opened = match self.version {
            Version::Tls12 => {
                cipher.open_within(nonce, &tls12_data(seq, header, plain), buffer, sealed)
            }
            Version::Tls13 => cipher.open_within(nonce, &header.bytes, buffer, sealed),
        };
        opened.ok_or(Refused::BadMac)
    }

    /// Encrypts `plain` in place, and returns the explicit nonce and the tag.
    pub(crate) fn seal(
        &self,
        seq: u64,
        header: &Header,
        plain: &mut [u8],
    ) -> Result<([u8; EXPLICIT_NONCE], [u8; TAG]), Refused> {
        let nonce = self.nonce(seq);
        let [_, _, _, _, explicit @ ..] = nonce;
        let cipher = &self.key.cipher;
        let tag = match self.version {
            Version::Tls12 => {
                let data = tls12_data(seq, header, plain.len());
                cipher.seal_in_place(nonce, &data, plain)
            }
            Version::Tls13 => cipher.seal_in_place(nonce, &header.bytes, plain),
        };
        Ok((explicit, tag.ok_or(Refused::Exhausted)?))
    }

    /// The nonce of RFC 8446 section 5.3 and RFC 7905 section 2. The IV that rustls extracts for AES-GCM in TLS 1.2 is XORed
    /// with the sequence number too, as rustls does.
    fn nonce(&self, seq: u64) -> [u8; NONCE] {
        let mut nonce = *self.key.iv;
        let counted = nonce.iter_mut().skip(NONCE - size_of::<u64>());
        for (byte, seq) in counted.zip(seq.to_be_bytes()) {
            *byte ^= seq;
        }
        nonce
    }

    /// The salt followed by the peer's explicit nonce (RFC 5288 section 3).
    fn explicit_nonce(&self, chosen: Option<&[u8]>) -> [u8; NONCE] {
        let mut nonce = *self.key.iv;
        let own = nonce.iter_mut().skip(NONCE - EXPLICIT_NONCE);
        for (byte, chosen) in own.zip(chosen.unwrap_or_default()) {
            *byte = *chosen;
        }
        nonce
    }
}

/// The additional data of TLS 1.2 (RFC 5246 section 6.2.3.3).
fn tls12_data(seq: u64, header: &Header, plain: usize) -> [u8; 8 + header::SIZE] {
    let [kind, major, minor, ..] = header.bytes;
    let [.., high, low] = plain.to_be_bytes();
    let [a, b, c, d, e, f, g, h] = seq.to_be_bytes();
    [a, b, c, d, e, f, g, h, kind, major, minor, high, low]
}
