//! What a host sends: updates of a screen, each in a frame of its own, the same each time.

use std::ops::Range;
use std::sync::OnceLock;

use ws_proto::{Header, MAX_HEADER, Opcode};

/// A distribution of frame sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Mix {
    /// 90 % of 50–2000 bytes, 8 % of 2–32 KiB, 2 % of 100–400 KiB.
    Vnc,
    /// The same, each frame in TLS records of its own, as from a host that writes once per frame.
    VncRecords,
    /// 64 KiB.
    Large,
    /// 125 bytes.
    Tiny,
    /// 1 MiB.
    Huge,
}

/// Bytes that are sent again and again.
pub(crate) struct EncodedUpdates {
    pub(crate) bytes: Vec<u8>,
    /// Where each frame lies in them.
    pub(crate) frames: Vec<Range<usize>>,
    /// How much of them is payload.
    pub(crate) payload: u64,
}

/// How many bytes an update of one rectangle in ZRLE has besides what is compressed.
const OUTLINE: usize = 4 + 12 + 4;

/// A FramebufferUpdate of that size in bytes, at least [`OUTLINE`]: one rectangle in ZRLE (RFC 6143 section 7.7.6).
/// What is in it is never decoded by anybody here.
pub(crate) fn update(size: usize) -> impl Iterator<Item = u8> {
    let compressed = size - OUTLINE;
    let head = [0, 0, 0, 1, 0, 0, 0, 0, 0, 64, 0, 64, 0, 0, 0, 16];
    let length = (compressed as u32).to_be_bytes();
    head.into_iter()
        .chain(length)
        .chain((0..compressed).map(|n| (n % 251) as u8))
}

/// How much payload one pass has, about.
const PASS: u64 = 8 << 20;

impl Mix {
    pub(crate) const ALL: [Self; 4] = [Self::Vnc, Self::VncRecords, Self::Large, Self::Tiny];

    const EVERY: [Self; 5] = [
        Self::Vnc,
        Self::VncRecords,
        Self::Large,
        Self::Tiny,
        Self::Huge,
    ];

    pub(crate) fn name(self) -> &'static str {
        ["vnc", "vncrec", "64k", "125 B", "1m"][self as usize]
    }

    pub(crate) fn from_code(code: u8) -> Self {
        Self::EVERY[usize::from(code)]
    }

    /// One pass, as frames.
    pub(crate) fn framed(self) -> &'static EncodedUpdates {
        static ENCODED: [OnceLock<EncodedUpdates>; 5] = [const { OnceLock::new() }; 5];
        ENCODED[self as usize].get_or_init(|| self.build(true))
    }

    /// The same payload without headers.
    pub(crate) fn bare(self) -> &'static EncodedUpdates {
        static ENCODED: [OnceLock<EncodedUpdates>; 5] = [const { OnceLock::new() }; 5];
        ENCODED[self as usize].get_or_init(|| self.build(false))
    }

    fn build(self, framed: bool) -> EncodedUpdates {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut encoded = EncodedUpdates {
            bytes: Vec::new(),
            frames: Vec::new(),
            payload: 0,
        };
        let pass = if self == Self::Huge { 1 } else { PASS };
        while encoded.payload < pass {
            let size = self.size(&mut state);
            let start = encoded.bytes.len();
            if framed {
                let header = Header {
                    fin: true,
                    opcode: Opcode::Binary,
                    mask: None,
                    len: size as u64,
                };
                let mut room = [0; MAX_HEADER];
                let first = header.write_before(&mut room);
                encoded.bytes.extend_from_slice(&room[first..]);
            }
            encoded.bytes.extend(update(size));
            encoded.frames.push(start..encoded.bytes.len());
            encoded.payload += size as u64;
        }
        encoded
    }

    fn size(self, state: &mut u64) -> usize {
        let mut below = |bound: usize| {
            *state ^= *state << 13;
            *state ^= *state >> 7;
            *state ^= *state << 17;
            (*state >> 11) as usize % bound
        };
        match self {
            Self::Large => 64 << 10,
            Self::Tiny => 125,
            Self::Huge => 1 << 20,
            Self::Vnc | Self::VncRecords => match below(100) {
                0..90 => 50 + below(1951),
                90..98 => (2 << 10) + below(30 << 10),
                _ => (100 << 10) + below(300 << 10),
            },
        }
    }
}
