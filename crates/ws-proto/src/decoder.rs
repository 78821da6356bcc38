//! Decodes one direction of a connection without buffering payload.

use bytes::{Buf, Bytes, BytesMut};

use crate::close::Close;
use crate::header::{Header, Opcode};
use crate::mask::{MaskKey, apply_mask};
use crate::role::Role;
use crate::violation::Violation;

/// What a data message carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text. Whether it is UTF-8 is not checked, since no message is buffered.
    Text,
    /// Bytes.
    Binary,
}

/// A decoded frame, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The part of a message's payload that has arrived.
    Data {
        /// Which kind of message it belongs to.
        kind: Kind,
        /// The bytes, unmasked. Empty only where a message ends with an empty frame.
        payload: Bytes,
        /// Whether the message ends here.
        last: bool,
    },
    /// A ping, with the payload that the pong must carry: at most 125 bytes.
    Ping(Bytes),
    /// A pong.
    Pong(Bytes),
    /// The peer sent a Close frame; nothing follows.
    Close(Option<Close>),
}

/// Where the next event lies in the input: skip `skip` bytes, then take `len`.
///
/// For callers with a buffer of their own, which need neither reference counts nor copies; [`Decoder::decode`] does the
/// same for a [`BytesMut`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Bytes of header before the payload.
    pub skip: usize,
    /// Bytes of payload.
    pub len: usize,
    /// The key and the place in it, where the payload is masked.
    pub mask: Option<(MaskKey, usize)>,
    /// What the payload is.
    pub what: What,
}

/// What a [`Piece`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A part of a message. The fields are those of [`Event::Data`].
    Data {
        /// Which kind of message it belongs to.
        kind: Kind,
        /// Whether the message ends here.
        last: bool,
    },
    /// A whole ping.
    Ping,
    /// A whole pong.
    Pong,
    /// A whole close: its payload is for [`Close::parse`].
    Close,
}

/// Decodes one direction of a connection.
///
/// After a [`Violation`] or a Close it returns no more events and discards its input (RFC 6455 section 1.4: after a Close
/// "any further data received" is discarded).
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    /// The message begun by a frame without FIN.
    message: Option<Kind>,
    state: State,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Header,
    Payload(Payload),
    Closed,
}

#[derive(Debug, Clone, Copy)]
struct Payload {
    kind: Kind,
    fin: bool,
    left: u64,
    /// The key, and how many bytes of this frame were unmasked, modulo 4.
    mask: Option<(MaskKey, usize)>,
}

impl Decoder {
    /// A decoder for what `role` receives.
    pub const fn new(role: Role) -> Self {
        Self {
            role,
            message: None,
            state: State::Header,
        }
    }

    /// Whether the peer has closed or violated the protocol: no more events follow.
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// The next event, taken from the front of `input`; `None` while more bytes are needed.
    ///
    /// Payload is split off, not copied. Call again until `None`: one read may hold many frames.
    ///
    /// # Errors
    /// The first [`Violation`]; all complete frames before it were returned.
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Event>, Violation> {
        let Some(piece) = self.scan(input)? else {
            if self.is_closed() {
                input.clear();
            }
            return Ok(None);
        };
        input.advance(piece.skip);
        let mut payload = input.split_to(piece.len);
        if let Some((key, phase)) = piece.mask {
            apply_mask(key, phase, &mut payload);
        }
        let payload = payload.freeze();
        Ok(Some(match piece.what {
            What::Data { kind, last } => Event::Data {
                kind,
                payload,
                last,
            },
            What::Ping => Event::Ping(payload),
            What::Pong => Event::Pong(payload),
            What::Close => Event::Close(Close::parse(&payload)?),
        }))
    }

    /// Where the next event lies in `input`; `None` while more bytes are needed.
    ///
    /// The decoder has then moved past `skip + len` bytes, and so must the caller before it calls again.
    /// `skip + len` is at most `input.len()` and never 0.
    ///
    /// # Errors
    /// The [`Violation`] of the next frame, if any. [`Close::parse`] checks the payload of a Close frame.
    #[inline]
    pub fn scan(&mut self, input: &[u8]) -> Result<Option<Piece>, Violation> {
        match self.state {
            State::Header => self
                .scan_headers(input)
                .inspect_err(|_| self.state = State::Closed),
            State::Payload(payload) if !input.is_empty() => {
                Ok(Some(self.run(0, payload, input.len())))
            }
            State::Payload(_) | State::Closed => Ok(None),
        }
    }

    #[inline]
    fn scan_headers(&mut self, input: &[u8]) -> Result<Option<Piece>, Violation> {
        let Some((header, skip)) = Header::parse(self.role, input)? else {
            return Ok(None);
        };
        let available = input.len() - skip;
        if header.opcode.is_control() {
            return Ok(self.control(header, skip, available));
        }
        let kind = self.begin(header)?;
        self.message = if header.fin { None } else { Some(kind) };
        let payload = Payload {
            kind,
            fin: header.fin,
            left: header.len,
            mask: header.mask.map(|key| (key, 0)),
        };
        Ok(Some(self.run(skip, payload, available)))
    }

    /// A control frame is returned whole; an incomplete one stays in the caller's buffer.
    fn control(&mut self, header: Header, skip: usize, available: usize) -> Option<Piece> {
        let len = usize::try_from(header.len)
            .ok()
            .filter(|&len| len <= available)?;
        let what = match header.opcode {
            Opcode::Ping => What::Ping,
            Opcode::Pong => What::Pong,
            _ => {
                self.state = State::Closed;
                What::Close
            }
        };
        Some(Piece {
            skip,
            len,
            mask: header.mask.map(|key| (key, 0)),
            what,
        })
    }

    /// Section 5.4: which message a data frame belongs to.
    const fn begin(&self, header: Header) -> Result<Kind, Violation> {
        match (header.opcode, self.message) {
            (Opcode::Continuation, Some(kind)) => Ok(kind),
            (Opcode::Continuation, None) => Err(Violation::NothingToContinue),
            (_, Some(_)) => Err(Violation::MessageInsideMessage),
            (Opcode::Text, None) => Ok(Kind::Text),
            (_, None) => Ok(Kind::Binary),
        }
    }

    /// The part of `payload` that is available.
    #[inline]
    fn run(&mut self, skip: usize, payload: Payload, available: usize) -> Piece {
        let len = usize::try_from(payload.left).map_or(available, |left| left.min(available));
        let left = payload.left - len as u64;
        self.state = if left == 0 {
            State::Header
        } else {
            let mask = payload.mask.map(|(key, phase)| (key, (phase + len) % 4));
            State::Payload(Payload {
                left,
                mask,
                ..payload
            })
        };
        let what = What::Data {
            kind: payload.kind,
            last: left == 0 && payload.fin,
        };
        Piece {
            skip,
            len,
            mask: payload.mask,
            what,
        }
    }
}
