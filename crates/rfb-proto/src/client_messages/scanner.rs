//! Splits the bytes from a viewer into messages.

use super::{Kind, MAX_ENCODINGS, Message, parse};
use crate::Violation;

/// The longest piece other than a body, in bytes: with so many, [`ClientScanner::scan`] always returns one. It is a
/// SetEncodings of [`MAX_ENCODINGS`].
pub const MAX_PIECE: usize = 4 + 4 * MAX_ENCODINGS;

/// Splits the bytes from one viewer into messages, from ClientInit on.
#[derive(Debug, Clone)]
pub struct ClientScanner {
    state: State,
    extended_buttons: bool,
}

#[derive(Debug, Clone, Copy)]
enum State {
    ClientInit,
    Message,
    Body { of: Kind, left: u64 },
}

/// A message, the head of one, or a part of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Its bytes, at least one. The caller drops as many from the front of its buffer before the next call.
    pub bytes: &'a [u8],
    /// Their meaning.
    pub message: Message<'a>,
}

impl ClientScanner {
    /// For a viewer whose ClientInit comes next.
    pub const fn new() -> Self {
        Self {
            state: State::ClientInit,
            extended_buttons: false,
        }
    }

    /// Whether the next message is ClientInit.
    pub const fn expects_client_init(&self) -> bool {
        matches!(self.state, State::ClientInit)
    }

    /// Sets whether the viewer has been sent [`crate::Encoding::EXTENDED_MOUSE_BUTTONS`]. If so, bit 7 of a
    /// PointerEvent's button mask announces a second byte of buttons; otherwise, and at first, it is the eighth button.
    pub const fn allow_extended_buttons(&mut self, allowed: bool) {
        self.extended_buttons = allowed;
    }

    /// Returns the piece at the front of `input`; `None` while more bytes are needed, of which [`MAX_PIECE`] in all are
    /// enough.
    ///
    /// The caller has to drop `bytes.len()` bytes before the next call.
    ///
    /// # Errors
    /// A [`Violation`]: where the next message begins cannot be known. Nothing is consumed, so that each further call
    /// returns the same error. All messages before it have been returned.
    #[inline]
    pub fn scan<'a>(&mut self, input: &'a [u8]) -> Result<Option<Piece<'a>>, Violation> {
        let (length, message) = match self.state {
            State::Body { of, left } if !input.is_empty() => {
                let length =
                    usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
                let left = left - length as u64;
                self.expect_body(of, left);
                let last = left == 0;
                (length, Message::Body { of, last })
            }
            State::Body { .. } => return Ok(None),
            State::ClientInit => match input.first() {
                None => return Ok(None),
                Some(&shared) => {
                    self.state = State::Message;
                    let shared = shared != 0;
                    (1, Message::ClientInit { shared })
                }
            },
            State::Message => match parse::message(input, self.extended_buttons)? {
                None => return Ok(None),
                Some((length, message)) => {
                    self.expect_body(message.kind(), message.body());
                    (length, message)
                }
            },
        };
        let bytes = input.get(..length).unwrap_or(input);
        Ok(Some(Piece { bytes, message }))
    }

    const fn expect_body(&mut self, of: Kind, left: u64) {
        self.state = match left {
            0 => State::Message,
            _ => State::Body { of, left },
        };
    }
}

impl Default for ClientScanner {
    fn default() -> Self {
        Self::new()
    }
}
