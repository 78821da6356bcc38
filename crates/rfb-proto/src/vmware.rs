//! What VMware's own client says to its server, beyond RFB (`docs/webmks.md` 1.5 and 1.6).

use bytes::BufMut;

/// The type of all of VMware's messages, in both directions.
pub const MESSAGE: u8 = 127;

/// A key by its place: PC set 1's make code in seven bits, and 0x100 in place of a prefix E0
/// (`docs/webmks.md` 1.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VScancode(pub u16);

/// What the server says that it can do (127/0), and is to be asked for nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServerCaps(pub u32);

impl ServerCaps {
    /// It takes [`Command::Key`].
    pub const KEY: Self = Self(0x2);
    /// It wants [`Command::ClientCaps`].
    pub const CLIENT_CAPS: Self = Self(0x8);
    /// It wants [`Command::UpdateAck`] after each update.
    pub const UPDATE_ACK: Self = Self(0x20);
    /// It takes [`Command::Resolution`].
    pub const RESOLUTION: Self = Self(0x80);

    /// Whether it has all that `other` has.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// One message of type 127.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// 0: a key.
    Key {
        /// Which.
        scan: VScancode,
        /// Pressed or released.
        down: bool,
    },
    /// 2: the pointer with its wheels. That any server takes it is a guess: no capability is known for it.
    Pointer {
        /// Whether `x` and `y` are places, or steps.
        absolute: bool,
        /// To the right.
        x: i32,
        /// Downwards.
        y: i32,
        /// Bit 0 left, 1 middle, 2 right, as in a PointerEvent.
        buttons: u32,
        /// Steps of the wheel, and of the one that tilts.
        wheel: (i8, i8),
    },
    /// 3: what we can do.
    ClientCaps(u32),
    /// 4: an update was shown.
    UpdateAck {
        /// The byte after the type of the FramebufferUpdate.
        id: u8,
        /// How long that took, in units of 0.1 ms.
        took: u16,
    },
    /// 5: another size for the guest's screen.
    Resolution {
        /// In pixels.
        width: u16,
        /// In pixels.
        height: u16,
    },
}

impl Command {
    /// Writes the message.
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
