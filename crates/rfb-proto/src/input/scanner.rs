//! Where one message of a viewer's ends and the next begins, in bytes that arrive in pieces.

use super::{Kind, MAX_ENCODINGS, Message, parse};
use crate::Violation;

/// The longest piece that is handed out whole, in bytes: where this many have arrived, [`Input::scan`]
/// yields something. It is a SetEncodings of [`MAX_ENCODINGS`].
pub const MAX_PIECE: usize = 4 + 4 * MAX_ENCODINGS;

/// Follows what one viewer sends, from its ClientInit on.
#[derive(Debug, Clone)]
pub struct Input {
    state: State,
    extended_buttons: bool,
}

#[derive(Debug, Clone, Copy)]
enum State {
    ClientInit,
    Message,
    Body { of: Kind, left: u64 },
}

/// What the front of the input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Its bytes. Never empty. Drop as many before the next scan.
    pub bytes: &'a [u8],
    /// What they mean.
    pub message: Message<'a>,
}

impl Input {
    /// The viewer has been let in, and its ClientInit comes next.
    pub const fn new() -> Self {
        Self {
            state: State::ClientInit,
            extended_buttons: false,
        }
    }

    /// Tells whether the viewer has been told that it may send more than eight buttons
    /// ([`crate::Encoding::EXTENDED_MOUSE_BUTTONS`]): then the eighth bit of a PointerEvent says that a byte
    /// with more of them follows. Unless told, it is the eighth button.
    pub const fn allow_extended_buttons(&mut self, allowed: bool) {
        self.extended_buttons = allowed;
    }

    /// What the front of `input` is; `None` while more bytes are needed, of which [`MAX_PIECE`] are enough.
    ///
    /// The scanner has then moved past `bytes.len()` bytes, and so must the caller before it calls again.
    ///
    /// # Errors
    /// A [`Violation`], after which it cannot be known where the next message begins: nothing has been
    /// moved past, and the same comes out again. All messages before it have come out.
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

impl Default for Input {
    fn default() -> Self {
        Self::new()
    }
}
