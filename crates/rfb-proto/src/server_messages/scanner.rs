//! Splits the bytes from a server into messages and rectangles.

use super::payload::Payload;
use super::{Kind, Message, ScanError, parse};
use crate::{Area, Encoding, PixelFormat};

/// The longest piece other than a body, in bytes: with so many, [`ServerScanner::scan`] always returns one. It is a fence.
pub const MAX_PIECE: usize = 9 + 255;

/// Splits the bytes from one server into messages and rectangles, from ServerInit on.
#[derive(Debug, Clone)]
pub struct ServerScanner {
    pub(super) state: State,
    /// What is still to come of the rectangle in [`State::Payload`].
    pub(super) payload: Payload,
    pub(super) format: PixelFormat,
    /// The pixel format from the next update on.
    pub(super) next_format: PixelFormat,
    size: (u16, u16),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    ServerInit,
    Message,
    /// The number of rectangles to come, at least one.
    Rectangle(u16),
    /// Inside a rectangle: the number of rectangles after it.
    Payload(u16),
    Body {
        of: Kind,
        left: u64,
    },
}

/// A message, a head, a rectangle's header, or a part of the content after one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Its bytes, at least one. The caller drops as many from the front of its buffer before the next call.
    pub bytes: &'a [u8],
    /// Their meaning.
    pub message: Message<'a>,
}

impl ServerScanner {
    /// For a server whose ServerInit comes next.
    pub const fn new() -> Self {
        Self {
            state: State::ServerInit,
            payload: Payload::END,
            format: PixelFormat::VMWARE,
            next_format: PixelFormat::VMWARE,
            size: (0, 0),
        }
    }

    /// For a server whose ServerInit has been read elsewhere, with this size in pixels and this format.
    pub const fn after_server_init(size: (u16, u16), format: PixelFormat) -> Self {
        Self {
            state: State::Message,
            payload: Payload::END,
            format,
            next_format: format,
            size,
        }
    }

    /// The server has been sent SetPixelFormat. The format is in force from the next update that begins: a viewer must
    /// not have requested one before it changes the format (RFC 6143 section 7.5.1). If a server sends updates without
    /// requests, one that it began before it received the format is parsed wrongly.
    pub const fn set_pixel_format(&mut self, format: PixelFormat) {
        self.next_format = format;
    }

    /// The pixel format of the current or last update.
    pub const fn pixel_format(&self) -> PixelFormat {
        self.format
    }

    /// The width and height of the framebuffer in pixels.
    pub const fn size(&self) -> (u16, u16) {
        self.size
    }

    /// Whether the next piece begins a message.
    pub const fn is_between_messages(&self) -> bool {
        matches!(self.state, State::Message)
    }

    /// Whether the next piece begins a message or a rectangle.
    pub const fn is_between_rectangles(&self) -> bool {
        matches!(self.state, State::Message | State::Rectangle(_))
    }

    /// Whether the next piece begins a rectangle.
    #[inline]
    pub const fn is_before_rectangle(&self) -> bool {
        matches!(self.state, State::Rectangle(_))
    }

    /// The number of bytes of the current rectangle that are certain to come next; 0 where that depends on the next
    /// bytes, and outside of rectangles.
    pub const fn certain_length(&self) -> u64 {
        match self.state {
            State::Payload(_) => self.payload.skip,
            State::ServerInit | State::Message | State::Rectangle(_) | State::Body { .. } => 0,
        }
    }

    /// The number of rectangles of the current update that begin after the last piece, as its header announces; 0
    /// outside of an update.
    pub const fn rectangles_left(&self) -> u16 {
        match self.state {
            State::Rectangle(left) | State::Payload(left) => left,
            State::ServerInit | State::Message | State::Body { .. } => 0,
        }
    }

    /// Returns the piece at the front of `input`; `None` while more bytes are needed, of which [`MAX_PIECE`] in all are
    /// enough.
    ///
    /// The caller has to drop `bytes.len()` bytes before the next call.
    ///
    /// # Errors
    /// [`ScanError`]: nothing is consumed, so that each further call returns the same error. All pieces before it have been
    /// returned.
    #[inline]
    pub fn scan<'a>(&mut self, input: &'a [u8]) -> Result<Option<Piece<'a>>, ScanError> {
        let scanned = match self.state {
            State::Payload(more) => self.run_payload(more, input)?,
            State::Rectangle(more) => self.read_rectangle(more, input)?,
            State::Body { of, left } => self.run_body(of, left, input),
            State::Message => self.read_message(input)?,
            State::ServerInit => self.read_server_init(input),
        };
        Ok(scanned.map(|(length, message)| {
            let bytes = input.get(..length).unwrap_or(input);
            Piece { bytes, message }
        }))
    }

    fn read_server_init<'a>(&mut self, input: &[u8]) -> Option<(usize, Message<'a>)> {
        let (length, message) = parse::server_init(input)?;
        if let Message::ServerInit {
            width,
            height,
            format,
            ..
        } = message
        {
            self.size = (width, height);
            self.format = format;
            self.next_format = format;
        }
        self.expect_body(message.kind(), message.body());
        Some((length, message))
    }

    fn read_message<'a>(
        &mut self,
        input: &'a [u8],
    ) -> Result<Option<(usize, Message<'a>)>, ScanError> {
        let Some((length, message, body)) = parse::message(input)? else {
            return Ok(None);
        };
        match message {
            Message::Update { rectangles, .. } => {
                self.format = self.next_format;
                self.expect_rectangles(rectangles);
            }
            _ => self.expect_body(message.kind(), body),
        }
        Ok(Some((length, message)))
    }

    fn read_rectangle<'a>(
        &mut self,
        more: u16,
        input: &[u8],
    ) -> Result<Option<(usize, Message<'a>)>, ScanError> {
        let Some((area, encoding)) = parse::rectangle(input) else {
            return Ok(None);
        };
        if encoding == Encoding::VMWARE_DISPLAY_MODE {
            let Some(format) = input.get(12..).and_then(<[u8]>::first_chunk) else {
                return Ok(None);
            };
            self.next_format = PixelFormat::parse(format);
            self.format = self.next_format;
        }
        self.payload = Payload::of(encoding, area, &self.format)?;
        self.resize(area, encoding);
        let more = match encoding {
            Encoding::LAST_RECT => 0,
            _ => more.saturating_sub(1),
        };
        match self.payload.is_over() {
            true => self.expect_rectangles(more),
            false => self.state = State::Payload(more),
        }
        Ok(Some((12, Message::Rectangle { area, encoding })))
    }

    /// As much of the rectangle as has arrived.
    #[inline]
    fn run_payload<'a>(
        &mut self,
        more: u16,
        input: &[u8],
    ) -> Result<Option<(usize, Message<'a>)>, ScanError> {
        let mut length = 0;
        while !self.payload.is_over() {
            let rest = input.get(length..).unwrap_or_default();
            match self.payload.step(rest) {
                Ok(Some(step)) => length += step,
                Err(lost) if length == 0 => return Err(lost),
                // The bytes before an error are returned first; the next call returns the error.
                Ok(None) | Err(_) => break,
            }
        }
        let last = self.payload.is_over();
        if last {
            self.expect_rectangles(more);
        }
        let of = Kind::Rectangle;
        Ok((length > 0).then_some((length, Message::Body { of, last })))
    }

    fn run_body<'a>(&mut self, of: Kind, left: u64, input: &[u8]) -> Option<(usize, Message<'a>)> {
        let length = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
        let left = left - length as u64;
        self.expect_body(of, left);
        let last = left == 0;
        (length > 0).then_some((length, Message::Body { of, last }))
    }

    const fn expect_body(&mut self, of: Kind, left: u64) {
        self.state = match left {
            0 => State::Message,
            _ => State::Body { of, left },
        };
    }

    const fn expect_rectangles(&mut self, more: u16) {
        self.state = match more {
            0 => State::Message,
            _ => State::Rectangle(more),
        };
    }

    /// In ExtendedDesktopSize, x = 1 marks the answer to this client's request, and y is then its status, 0 for success
    /// (rfbproto, "ExtendedDesktopSize Pseudo-encoding").
    const fn resize(&mut self, area: Area, encoding: Encoding) {
        let changed = match encoding {
            Encoding::DESKTOP_SIZE => true,
            Encoding::EXTENDED_DESKTOP_SIZE => area.x != 1 || area.y == 0,
            _ => false,
        };
        if changed {
            self.size = (area.width, area.height);
        }
    }
}

impl Default for ServerScanner {
    fn default() -> Self {
        Self::new()
    }
}
