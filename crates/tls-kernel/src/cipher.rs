//! The ciphers of rustls' crypto provider.

#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs::aead;
#[cfg(feature = "ring")]
use ring::aead;

use aead::{AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use rustls::ConnectionTrafficSecrets;
use tls_records::{Aead, NONCE, Refused, TAG, TrafficKey};
use zeroize::Zeroizing;

/// AES-128-GCM, AES-256-GCM or ChaCha20-Poly1305 with a key.
pub struct Cipher(LessSafeKey);

/// A traffic key, and how many records rustls has used it for.
pub(crate) fn key(
    (sequence, secrets): (u64, ConnectionTrafficSecrets),
) -> Result<TrafficKey<Cipher>, Refused> {
    let (algorithm, key, iv, is_aes_gcm) = match &secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv, true),
        ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv, true),
        ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => {
            (&CHACHA20_POLY1305, key, iv, false)
        }
        _ => return Err(Refused::Unsupported),
    };
    let unbound = UnboundKey::new(algorithm, key.as_ref()).map_err(|_| Refused::Unsupported)?;
    let iv = <[u8; NONCE]>::try_from(iv.as_ref()).map_err(|_| Refused::Unsupported)?;
    Ok(TrafficKey {
        cipher: Cipher(LessSafeKey::new(unbound)),
        iv: Zeroizing::new(iv),
        is_aes_gcm,
        sequence,
    })
}

impl Aead for Cipher {
    #[inline]
    fn open_within(
        &self,
        nonce: [u8; NONCE],
        additional_data: &[u8],
        buffer: &mut [u8],
        sealed: usize,
    ) -> Option<usize> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let additional_data = Aad::from(additional_data);
        let opened = self.0.open_within(nonce, additional_data, buffer, sealed..);
        opened.ok().map(|plain| plain.len())
    }

    #[inline]
    fn seal_in_place(
        &self,
        nonce: [u8; NONCE],
        additional_data: &[u8],
        plain: &mut [u8],
    ) -> Option<[u8; TAG]> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let additional_data = Aad::from(additional_data);
        let sealed = self
            .0
            .seal_in_place_separate_tag(nonce, additional_data, plain);
        sealed.ok()?.as_ref().try_into().ok()
    }
}
