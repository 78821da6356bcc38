//! A peer that can encrypt arbitrary content correctly, valid or not.
//!
//! An implementation of its own after the RFCs, which copies: it shares no code with what is tested.

use std::sync::Arc;

use ring::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use rustls::kernel::KernelConnection;
use rustls::server::ServerConnectionData;
use rustls::{ConnectionTrafficSecrets, ExtractedSecrets, ProtocolVersion, SupportedCipherSuite};

/// How often each direction can change its keys.
const GENERATIONS: usize = 40;

/// The keys of both directions after the handshake.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) tls13: bool,
    sending: Direction,
    receiving: Direction,
}

#[derive(Clone)]
struct Direction {
    keys: Arc<Vec<Key>>,
    generation: usize,
    seq: u64,
}

struct Key {
    cipher: LessSafeKey,
    iv: [u8; 12],
    gcm: bool,
}

impl Peer {
    pub(crate) fn new(
        suite: SupportedCipherSuite,
        secrets: ExtractedSecrets,
        kernel: &mut KernelConnection<ServerConnectionData>,
    ) -> Self {
        let tls13 = suite.version().version == ProtocolVersion::TLSv1_3;
        let more = |first: ConnectionTrafficSecrets,
                    next: &mut dyn FnMut() -> ConnectionTrafficSecrets| {
            let later = (0..GENERATIONS * usize::from(tls13)).map(|_| next());
            Arc::new(
                std::iter::once(first)
                    .chain(later)
                    .map(|keys| Key::new(&keys))
                    .collect(),
            )
        };
        let (sent, sending) = secrets.tx;
        let (received, receiving) = secrets.rx;
        let sending = more(sending, &mut || kernel.update_tx_secret().unwrap().1);
        let receiving = more(receiving, &mut || kernel.update_rx_secret().unwrap().1);
        Self {
            tls13,
            sending: Direction {
                keys: sending,
                generation: 0,
                seq: sent,
            },
            receiving: Direction {
                keys: receiving,
                generation: 0,
                seq: received,
            },
        }
    }

    /// A record with this content type, content and length of padding (TLS 1.3).
    pub(crate) fn seal(&mut self, kind: u8, content: &[u8], padding: usize) -> Vec<u8> {
        let seq = self.sending.next();
        let tls13 = self.tls13;
        self.sending.key().seal(tls13, seq, kind, content, padding)
    }

    /// Application data.
    pub(crate) fn data(&mut self, content: &[u8]) -> Vec<u8> {
        self.seal(23, content, 0)
    }

    /// A KeyUpdate; records after it have new keys. `None` when there are no more.
    pub(crate) fn key_update(&mut self, is_requested: bool) -> Option<Vec<u8>> {
        if !self.tls13 || self.sending.generation == GENERATIONS {
            return None;
        }
        let record = self.seal(22, &[24, 0, 0, 1, u8::from(is_requested)], 0);
        self.renew();
        Some(record)
    }

    /// Changes the sending keys without a KeyUpdate.
    pub(crate) fn renew(&mut self) {
        self.sending.renew();
    }

    /// What the other side has sent: content types and contents. It follows KeyUpdates.
    pub(crate) fn open(&mut self, mut wire: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut opened = Vec::new();
        while !wire.is_empty() {
            let length = usize::from(u16::from_be_bytes([wire[3], wire[4]]));
            let (record, rest) = wire.split_at(5 + length);
            wire = rest;
            let seq = self.receiving.next();
            let (kind, content) = self.receiving.key().open(self.tls13, seq, record);
            if self.tls13 && kind == 22 {
                assert_eq!(content[..4], [24, 0, 0, 1]);
                self.receiving.renew();
            }
            opened.push((kind, content));
        }
        opened
    }
}

impl Direction {
    fn key(&self) -> &Key {
        &self.keys[self.generation]
    }

    fn next(&mut self) -> u64 {
        self.seq += 1;
        self.seq - 1
    }

    fn renew(&mut self) {
        self.generation = (self.generation + 1).min(self.keys.len() - 1);
        self.seq = 0;
    }
}

impl Key {
    fn new(secrets: &ConnectionTrafficSecrets) -> Self {
        let (algorithm, key, iv) = match secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&aead::AES_128_GCM, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&aead::AES_256_GCM, key, iv),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => {
                (&aead::CHACHA20_POLY1305, key, iv)
            }
            _ => panic!("a cipher that is not known"),
        };
        Self {
            cipher: LessSafeKey::new(UnboundKey::new(algorithm, key.as_ref()).unwrap()),
            iv: iv.as_ref().try_into().unwrap(),
            gcm: *algorithm != aead::CHACHA20_POLY1305,
        }
    }

    fn nonce(&self, seq: u64) -> [u8; 12] {
        let counted = u128::from(seq).to_be_bytes();
        std::array::from_fn(|at| self.iv[at] ^ counted[4 + at])
    }

    fn seal(&self, tls13: bool, seq: u64, kind: u8, content: &[u8], padding: usize) -> Vec<u8> {
        let nonce = self.nonce(seq);
        let explicit = if self.gcm && !tls13 { &nonce[4..] } else { &[] };
        let mut inner = content.to_vec();
        if tls13 {
            inner.push(kind);
            inner.resize(inner.len() + padding, 0);
        }
        let length = (explicit.len() + inner.len() + 16) as u16;
        let outer = if tls13 { 23 } else { kind };
        let header = [&[outer, 3, 3][..], &length.to_be_bytes()].concat();
        let data = additional(tls13, seq, &header, content.len());
        self.cipher
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(data),
                &mut inner,
            )
            .unwrap();
        [&header, explicit, &inner].concat()
    }

    fn open(&self, tls13: bool, seq: u64, record: &[u8]) -> (u8, Vec<u8>) {
        let (header, mut body) = record.split_at(5);
        let mut nonce = self.nonce(seq);
        if self.gcm && !tls13 {
            let explicit;
            (explicit, body) = body.split_at(8);
            nonce[4..].copy_from_slice(explicit);
        }
        let data = additional(tls13, seq, header, body.len() - 16);
        let mut inner = body.to_vec();
        let opened = self
            .cipher
            .open_in_place(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(data),
                &mut inner,
            )
            .unwrap();
        match tls13 {
            false => (header[0], opened.to_vec()),
            true => {
                let (kind, content) = opened.split_last().unwrap();
                (*kind, content.to_vec())
            }
        }
    }
}

/// RFC 8446 section 5.2; RFC 5246 section 6.2.3.3.
fn additional(tls13: bool, seq: u64, header: &[u8], plain: usize) -> Vec<u8> {
    match tls13 {
        true => header.to_vec(),
        false => [
            &seq.to_be_bytes(),
            &header[..3],
            &(plain as u16).to_be_bytes(),
        ]
        .concat(),
    }
}
