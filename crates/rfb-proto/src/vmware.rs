//! VMware's own messages (`docs/webmks.md` 1.5 and 1.6).

use bytes::BufMut;

/// The type of all of VMware's messages, in both directions.
pub const MESSAGE: u8 = 127;

/// A scan code of VMware's: the make code of PC set 1 in seven bits, and 0x100 in place of the prefix E0
/// (`docs/webmks.md` 1.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VScancode(pub u16);

/// The server's capabilities (127/0), as a bit set. A message that needs one must not be sent without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServerCaps(pub u32);

impl ServerCaps {
    /// The server takes [`Command::Key`].
    pub const KEY: Self = Self(0x2);
    /// The server expects [`Command::ClientCaps`].
    pub const CLIENT_CAPS: Self = Self(0x8);
    /// The server expects [`Command::UpdateAck`] after each update.
    pub const UPDATE_ACK: Self = Self(0x20);
    /// The server takes [`Command::Resolution`].
    pub const RESOLUTION: Self = Self(0x80);

    /// Whether all bits of `other` are set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Appends the message (127/0 from the server) to `output`.
    pub fn write(self, output: &mut impl BufMut) {
        output.put_slice(&[MESSAGE, 0, 0, 8]);
        output.put_u32(self.0);
    }
}

/// A message of type 127 to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// 0: a key event.
    Key {
        /// The key.
        scan: VScancode,
        /// Pressed or released.
        down: bool,
    },
    /// 2: a pointer event with the wheels. No capability is known for it; that servers take it is a guess.
    Pointer {
        /// Whether `x` and `y` are a position; otherwise a movement.
        absolute: bool,
        /// Pixels to the right.
        x: i32,
        /// Pixels downwards.
        y: i32,
        /// Bit 0 left, 1 middle, 2 right, as in a PointerEvent.
        buttons: u32,
        /// Steps of the vertical and of the horizontal wheel.
        wheel: (i8, i8),
    },
    /// 3: the capabilities of the client.
    ClientCaps(u32),
    /// 4: acknowledges an update.
    UpdateAck {
        /// The id of the update: the byte that RFB calls padding.
        id: u8,
        /// The time that it took to draw, in units of 0.1 ms.
        took: u16,
    },
    /// 5: requests another size of the guest's screen.
    Resolution {
        /// In pixels.
        width: u16,
        /// In pixels.
        height: u16,
    },
}

impl Command {
    /// The message at the front of `input`, and its length in bytes: `None` where it is incomplete or no message of
    /// this type.
    pub(crate) fn parse(input: &[u8]) -> Option<(usize, Self)> {
        let (&[MESSAGE, id, high, low], body) = input.split_first_chunk()? else {
            return None;
        };
        let length = u16::from_be_bytes([high, low]);
        let command = match (id, length) {
            (0, 8) => {
                let &[a, b, down, _] = body.first_chunk()?;
                let scan = VScancode(u16::from_be_bytes([a, b]));
                let down = down != 0;
                Self::Key { scan, down }
            }
            (2, 19) => Self::parse_pointer(body.first_chunk()?),
            (3, 8) => Self::ClientCaps(u32::from_be_bytes(*body.first_chunk()?)),
            (4, 8) => {
                let &[id, _, a, b] = body.first_chunk()?;
                let took = u16::from_be_bytes([a, b]);
                Self::UpdateAck { id, took }
            }
            (5, 8) => {
                let &[a, b, c, d] = body.first_chunk()?;
                let (width, height) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
                Self::Resolution { width, height }
            }
            _ => return None,
        };
        Some((length.into(), command))
    }

    /// Whether a message with this id and length is one of these.
    pub(crate) const fn is_known(id: u8, length: u16) -> bool {
        matches!((id, length), (0 | 3 | 4 | 5, 8) | (2, 19))
    }

    const fn parse_pointer(body: &[u8; 15]) -> Self {
        let &[absolute, a, b, c, d, e, f, g, h, i, j, k, l, down, right] = body;
        Self::Pointer {
            absolute: absolute != 0,
            x: i32::from_be_bytes([a, b, c, d]),
            y: i32::from_be_bytes([e, f, g, h]),
            buttons: u32::from_be_bytes([i, j, k, l]),
            wheel: (i8::from_be_bytes([down]), i8::from_be_bytes([right])),
        }
    }

    /// Appends the message to `output`.
    pub fn write(&self, output: &mut impl BufMut) {
        let mut head = |id, length| {
            output.put_slice(&[MESSAGE, id]);
            output.put_u16(length);
        };
        match *self {
            Self::Key { scan, down } => {
                head(0, 8);
                output.put_u16(scan.0);
                output.put_slice(&[down.into(), 0]);
            }
            Self::Pointer {
                absolute,
                x,
                y,
                buttons,
                wheel,
            } => {
                head(2, 19);
                output.put_u8(absolute.into());
                output.put_i32(x);
                output.put_i32(y);
                output.put_u32(buttons);
                output.put_i8(wheel.0);
                output.put_i8(wheel.1);
            }
            Self::ClientCaps(caps) => {
                head(3, 8);
                output.put_u32(caps);
            }
            Self::UpdateAck { id, took } => {
                head(4, 8);
                output.put_slice(&[id, 0]);
                output.put_u16(took);
            }
            Self::Resolution { width, height } => {
                head(5, 8);
                output.put_u16(width);
                output.put_u16(height);
            }
        }
    }
}
