//! Where one message of a server's ends and the next begins, in bytes that arrive in pieces.

use super::payload::Payload;
use super::{Kind, Lost, Message, parse};
use crate::{Area, Encoding, PixelFormat};

/// The longest piece that is handed out whole, in bytes: where this many have arrived, [`Update::scan`] yields
/// something. It is a fence.
pub const MAX_PIECE: usize = 9 + 255;

/// Follows what one server sends, from its ServerInit on.
#[derive(Debug, Clone)]
pub struct Update {
    pub(super) state: State,
    /// What is left of the rectangle in [`State::Payload`].
    pub(super) payload: Payload,
    pub(super) format: PixelFormat,
    /// What the next update will be in.
    pub(super) next_format: PixelFormat,
    size: (u16, u16),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    ServerInit,
    Message,
    /// So many rectangles are to come; never none.
    Rectangle(u16),
    /// Inside of one, after which so many are to come.
    Payload(u16),
    Body {
        of: Kind,
        left: u64,
    },
}

/// What the front of the input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Its bytes. Never empty. Drop as many before the next scan.
    pub bytes: &'a [u8],
    /// What they mean.
    pub message: Message<'a>,
}

impl Update {
    /// The server has let us in, and its ServerInit comes next.
    pub const fn new() -> Self {
        Self {
            state: State::ServerInit,
            payload: Payload::END,
            format: PixelFormat::VMWARE,
            next_format: PixelFormat::VMWARE,
            size: (0, 0),
        }
    }

    /// The server's ServerInit has been read elsewhere, and its first message comes next.
    pub const fn after_server_init(size: (u16, u16), format: PixelFormat) -> Self {
        Self {
            state: State::Message,
            payload: Payload::END,
            format,
            next_format: format,
            size,
        }
    }

    /// Tells that the server was sent this format. It counts from the next update that begins: the viewer
    /// must not have asked for one before it changes the format (RFC 6143 section 7.5.1). Where a server sends
    /// updates unasked, this can be wrong for the one that is under way, and following will go astray.
    pub const fn set_pixel_format(&mut self, format: PixelFormat) {
        self.next_format = format;
    }

    /// What pixels look like in the update that is under way, or was the last.
    pub const fn pixel_format(&self) -> PixelFormat {
        self.format
    }

    /// How wide and high the framebuffer is, in pixels.
    pub const fn size(&self) -> (u16, u16) {
        self.size
    }

    /// Whether the next piece is a new message.
    pub const fn is_between_messages(&self) -> bool {
        matches!(self.state, State::Message)
    }

    /// Whether the next piece is a new message or a new rectangle.
    pub const fn is_between_rectangles(&self) -> bool {
        matches!(self.state, State::Message | State::Rectangle(_))
    }

    /// How many rectangles of the update that is under way begin after this piece, as far as its head tells; 0
    /// where none is.
    pub const fn rectangles_left(&self) -> u16 {
        match self.state {
            State::Rectangle(left) | State::Payload(left) => left,
            State::ServerInit | State::Message | State::Body { .. } => 0,
        }
    }

    /// What the front of `input` is; `None` while more bytes are needed, of which [`MAX_PIECE`] are enough.
    ///
    /// The scanner has then moved past `bytes.len()` bytes, and so must the caller before it calls again.
    ///
    /// # Errors
    /// [`Lost`]: nothing has been moved past, and the same comes out again. All pieces before it have come out.
    #[inline]
    pub fn scan<'a>(&mut self, input: &'a [u8]) -> Result<Option<Piece<'a>>, Lost> {
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

    fn read_message<'a>(&mut self, input: &'a [u8]) -> Result<Option<(usize, Message<'a>)>, Lost> {
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
    ) -> Result<Option<(usize, Message<'a>)>, Lost> {
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

    /// As much of the rectangle as is there.
    #[inline]
    fn run_payload<'a>(
        &mut self,
        more: u16,
        input: &[u8],
    ) -> Result<Option<(usize, Message<'a>)>, Lost> {
        let mut length = 0;
        while !self.payload.is_over() {
            let rest = input.get(length..).unwrap_or_default();
            match self.payload.step(rest) {
                Ok(Some(step)) => length += step,
                Err(lost) if length == 0 => return Err(lost),
                // What came before is handed out; the trouble is there again at the next scan.
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

    /// rfbproto, "ExtendedDesktopSize": with x 1 it answers a request, and with y says whether it was followed.
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

impl Default for Update {
    fn default() -> Self {
        Self::new()
    }
}
