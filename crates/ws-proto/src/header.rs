//! The frame header (RFC 6455 section 5.2): bytes to value and back.

use crate::mask::MaskKey;
use crate::role::Role;
use crate::violation::Violation;

/// The longest header: two bytes, a 64-bit length and a mask key.
pub const MAX_HEADER: usize = 14;

/// The most that a control frame may carry (section 5.5).
pub const MAX_CONTROL_PAYLOAD: usize = 125;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;

/// What a frame is (section 5.2, "Opcode").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// Continues a fragmented message.
    Continuation = 0,
    /// Begins a message of UTF-8 text.
    Text = 1,
    /// Begins a message of bytes.
    Binary = 2,
    /// Ends the connection.
    Close = 8,
    /// Asks for a [`Opcode::Pong`] with the same payload.
    Ping = 9,
    /// Answers a ping, or is an unsolicited heartbeat (RFC 6455 section 5.5.3).
    Pong = 10,
}

impl Opcode {
    const fn from_code(code: u8) -> Result<Self, Violation> {
        match code {
            0 => Ok(Self::Continuation),
            1 => Ok(Self::Text),
            2 => Ok(Self::Binary),
            8 => Ok(Self::Close),
            9 => Ok(Self::Ping),
            10 => Ok(Self::Pong),
            reserved => Err(Violation::ReservedOpcode(reserved)),
        }
    }

    /// Whether this is Close, Ping or Pong (section 5.5).
    pub const fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }
}

/// One frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Whether this is the last frame of its message.
    pub fin: bool,
    /// What the frame is.
    pub opcode: Opcode,
    /// The key, where the payload is masked.
    pub mask: Option<MaskKey>,
    /// Bytes of payload that follow: 0 to 2⁶³ − 1.
    pub len: u64,
}

impl Header {
    /// Reads a header from the front of `input`: it and how many bytes it took (2–14), or `None` while
    /// more bytes are needed. `reader` is who reads, which decides whether the frame must be masked.
    ///
    /// # Errors
    /// Whatever section 5.2, 5.1 or 5.5 forbids in a header by itself.
    #[inline]
    pub fn parse(reader: Role, input: &[u8]) -> Result<Option<(Self, usize)>, Violation> {
        let Some((&[first, second], rest)) = input.split_first_chunk::<2>() else {
            return Ok(None);
        };
        // "MUST be 0 unless an extension is negotiated": none ever is.
        if first & RESERVED != 0 {
            return Err(Violation::ReservedBits);
        }
        let opcode = Opcode::from_code(first & 0x0f)?;
        let fin = first & FIN != 0;
        let short = second & !MASKED;
        if opcode.is_control() {
            // Section 5.5: "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented."
            if !fin {
                return Err(Violation::FragmentedControl);
            }
            if usize::from(short) > MAX_CONTROL_PAYLOAD {
                return Err(Violation::OversizedControl);
            }
        }
        let masked = second & MASKED != 0;
        check_masking(reader, masked)?;
        let Some((len, rest)) = parse_length(short, rest)? else {
            return Ok(None);
        };
        let (mask, rest) = match rest.split_first_chunk::<4>() {
            _ if !masked => (None, rest),
            Some((key, rest)) => (Some(*key), rest),
            None => return Ok(None),
        };
        Ok(Some((
            Self {
                fin,
                opcode,
                mask,
                len,
            },
            input.len() - rest.len(),
        )))
    }

    /// Writes the header so that it ends where `buffer` ends, and returns where in `buffer` it begins.
    #[inline]
    pub fn write_before(&self, buffer: &mut [u8; MAX_HEADER]) -> usize {
        let mut end = MAX_HEADER;
        let mut put = |bytes: &[u8]| {
            let start = end - bytes.len();
            if let Some(place) = buffer.get_mut(start..end) {
                place.copy_from_slice(bytes);
            }
            end = start;
        };
        let mut second = 0;
        if let Some(key) = self.mask {
            put(&key);
            second |= MASKED;
        }
        // 0–125 stand for themselves; 126 and 127 say that 16 or 64 bits follow.
        match (u8::try_from(self.len), u16::try_from(self.len)) {
            (Ok(len @ 0..=125), _) => second |= len,
            (_, Ok(len)) => {
                put(&len.to_be_bytes());
                second |= 126;
            }
            _ => {
                put(&self.len.to_be_bytes());
                second |= 127;
            }
        }
        put(&[if self.fin { FIN } else { 0 } | self.opcode as u8, second]);
        end
    }
}

const fn check_masking(reader: Role, masked: bool) -> Result<(), Violation> {
    match (reader, masked) {
        // Section 5.1: "A client MUST close a connection if it detects a masked frame."
        (Role::Client, true) => Err(Violation::MaskedByServer),
        // Section 5.1: "The server MUST close the connection upon receiving a frame that is not masked."
        (Role::Server, false) => Err(Violation::UnmaskedByClient),
        _ => Ok(()),
    }
}

fn parse_length(short: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, Violation> {
    match short {
        126 => {
            let Some((len, rest)) = rest.split_first_chunk::<2>() else {
                return Ok(None);
            };
            match u16::from_be_bytes(*len) {
                0..=125 => Err(Violation::LengthNotMinimal),
                len => Ok(Some((u64::from(len), rest))),
            }
        }
        127 => {
            let Some((len, rest)) = rest.split_first_chunk::<8>() else {
                return Ok(None);
            };
            match u64::from_be_bytes(*len) {
                0..=0xffff => Err(Violation::LengthNotMinimal),
                len if len >> 63 == 1 => Err(Violation::LengthTopBit),
                len => Ok(Some((len, rest))),
            }
        }
        len => Ok(Some((u64::from(len), rest))),
    }
}
