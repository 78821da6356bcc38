//! The AEAD key of one direction: nonces, additional data, encryption and decryption.

#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs::aead;
#[cfg(feature = "ring")]
use ring::aead;

use aead::{AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use rustls::ConnectionTrafficSecrets;
use zeroize::Zeroizing;

use crate::header::{self, EXPLICIT_NONCE, Header, TAG};
use crate::refused::Refused;
use crate::version::Version;

const NONCE: usize = 12;

/// A key with its nonces' IV. The sequence number continues from the handshake and is used once each, so that no nonce is
/// used twice.
pub(crate) struct Key {
    cipher: LessSafeKey,
    iv: Zeroizing<[u8; NONCE]>,
    version: Version,
    /// Whether records contain an explicit nonce (RFC 5288 section 3).
    explicit: bool,
}

impl Key {
    pub(crate) fn new(
        version: Version,
        secrets: &ConnectionTrafficSecrets,
    ) -> Result<Self, Refused> {
        let (algorithm, key, iv, is_gcm) = match secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv, true),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv, true),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => {
                (&CHACHA20_POLY1305, key, iv, false)
            }
            _ => return Err(Refused::Unsupported),
        };
        let unbound = UnboundKey::new(algorithm, key.as_ref()).map_err(|_| Refused::Unsupported)?;
        let iv = <[u8; NONCE]>::try_from(iv.as_ref()).map_err(|_| Refused::Unsupported)?;
        Ok(Self {
            cipher: LessSafeKey::new(unbound),
            iv: Zeroizing::new(iv),
            version,
            explicit: is_gcm && version == Version::Tls12,
        })
    }

    /// The length of the explicit nonce in a record.
    pub(crate) const fn explicit(&self) -> usize {
        if self.explicit { EXPLICIT_NONCE } else { 0 }
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
        let nonce = match self.explicit {
            false => self.nonce(seq),
            true => self.explicit_nonce(buffer.get(start..)),
        };
        let nonce = Nonce::assume_unique_for_key(nonce);
        let sealed = start + self.explicit()..;
        let opened = match self.version {
            Version::Tls12 => {
                let aad = Aad::from(tls12_data(seq, header, plain));
                self.cipher.open_within(nonce, aad, buffer, sealed)
            }
            Version::Tls13 => {
                let aad = Aad::from(header.bytes);
                self.cipher.open_within(nonce, aad, buffer, sealed)
            }
        };
        opened.map(|plain| plain.len()).map_err(|_| Refused::BadMac)
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
        let nonce = Nonce::assume_unique_for_key(nonce);
        let sealed = match self.version {
            Version::Tls12 => {
                let aad = Aad::from(tls12_data(seq, header, plain.len()));
                self.cipher.seal_in_place_separate_tag(nonce, aad, plain)
            }
            Version::Tls13 => {
                let aad = Aad::from(header.bytes);
                self.cipher.seal_in_place_separate_tag(nonce, aad, plain)
            }
        };
        let tag = sealed.map_err(|_| Refused::Exhausted)?;
        let tag = tag.as_ref().try_into().map_err(|_| Refused::Exhausted)?;
        Ok((explicit, tag))
    }

    /// The nonce of RFC 8446 section 5.3 and RFC 7905 section 2. The IV that rustls extracts for AES-GCM in TLS 1.2 is XORed
    /// with the sequence number too, as rustls does.
    fn nonce(&self, seq: u64) -> [u8; NONCE] {
        let mut nonce = *self.iv;
        let counted = nonce.iter_mut().skip(NONCE - size_of::<u64>());
        for (byte, seq) in counted.zip(seq.to_be_bytes()) {
            *byte ^= seq;
        }
        nonce
    }

    /// The salt followed by the peer's explicit nonce (RFC 5288 section 3).
    fn explicit_nonce(&self, chosen: Option<&[u8]>) -> [u8; NONCE] {
        let mut nonce = *self.iv;
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
